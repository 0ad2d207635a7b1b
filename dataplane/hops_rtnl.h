/* SPDX-License-Identifier: BSD-3-Clause */
/* The kernel's side of hops.c: questions to rtnetlink, and what its messages say. */
#ifndef TURNOUT_HOPS_RTNL_H
#define TURNOUT_HOPS_RTNL_H

#include <libmnl/libmnl.h>

#include "hops.h"

/* The kernel fits what it dumps into as much as is asked for, up to this. */
#define TO_RTNL_BUFFER 32768

struct to_route {
	union to_addr gateway; /* :: without one */
	uint32_t ifindex;
	uint32_t mtu;      /* of the route itself; 0: it has none */
	uint32_t prefix;   /* length of what matched, 96 more for IPv4; of a look-up's answer 128 */
	uint8_t type;      /* RTN_UNICAST, ... */
	bool encapsulated; /* by a lightweight tunnel */
};

struct to_neighbour {
	uint16_t nud; /* NUD_REACHABLE, ... */
	uint8_t mac[6];
	bool there;   /* the kernel has an entry */
	bool has_mac; /* of six bytes, and usable */
	bool foreign; /* kept by somebody else: its flags would not survive our asking */
};

/* What a notification puts in doubt. It is not taken at its word: it may be older than an answer
 * that we have had since. */
enum to_rtnl_event_kind {
	TO_RTNL_NOTHING,
	TO_RTNL_LINK,      /* `ifindex` */
	TO_RTNL_LINK_GONE, /* `ifindex` */
	TO_RTNL_NEIGHBOUR, /* `address` on `ifindex` */
	TO_RTNL_ROUTE,     /* what `address`/`prefix` covers */
	TO_RTNL_ROUTES,    /* all: a rule, a next hop object */
};

struct to_rtnl_event {
	enum to_rtnl_event_kind kind;
	uint32_t ifindex;
	union to_addr address;
	uint32_t prefix; /* 96 more for IPv4 */
};

/* Each returns 0, or -EBADMSG for a message that cannot be read. */
int to_rtnl_read_link(const struct nlmsghdr *m, struct to_link *out);
int to_rtnl_read_route(const struct nlmsghdr *m, struct to_route *out);
int to_rtnl_read_neighbour(const struct nlmsghdr *m, struct to_neighbour *out);
int to_rtnl_read_event(const struct nlmsghdr *m, struct to_rtnl_event *out);

struct to_rtnl {
	struct mnl_socket *socket;
	uint32_t seq;
	_Alignas(8) uint8_t buffer[TO_RTNL_BUFFER];
};

int to_rtnl_open(struct to_rtnl *r);
void to_rtnl_close(struct to_rtnl *r);

/*
 * Each returns 0 or a negative errno: the kernel could not be asked. That it has no such thing is
 * an answer: type RTN_UNREACHABLE, `there` false, -ENODEV.
 */
/* `ifindex`: only by this one; 0: any. `rule`: the entry of the routing table that matches, instead
 * of what comes of it for this address. */
int to_rtnl_route(struct to_rtnl *r, const union to_addr *to, uint32_t ifindex, bool rule,
		  struct to_route *out);
int to_rtnl_neighbour(struct to_rtnl *r, uint32_t ifindex, const union to_addr *address,
		      struct to_neighbour *out);
int to_rtnl_link(struct to_rtnl *r, uint32_t ifindex, struct to_link *out);
int to_rtnl_links(struct to_rtnl *r, void (*each)(void *arg, const struct to_link *link),
		  void *arg);

/* Has the kernel resolve a neighbour that is not `there`, or confirm one that is. */
int to_rtnl_solicit(struct to_rtnl *r, uint32_t ifindex, const union to_addr *address, bool there);

#endif
