/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where frames to a destination leave, as the kernel has it now: its routes, neighbours and links,
 * by rtnetlink, kept up to date. Knows no engine.
 *
 * One thread calls. Nothing waits: a call may at most be held up by whoever has the kernel's rtnl
 * lock. Callbacks come from within calls, and may call only the two that look something up. A
 * pointer handed out is good until the next call that is not one of those.
 *
 * Neighbours that are not known are resolved by the kernel (its ARP and ND), and asked again when
 * they go stale, for it does not see the traffic that would show them to be alive. That needs
 * CAP_NET_ADMIN; all else needs no privilege.
 */
#ifndef TURNOUT_HOPS_H
#define TURNOUT_HOPS_H

#include <turnout/types.h>

#define TO_HOPS_MAX 256 /* destinations */
#define TO_IF_NAME  16  /* IFNAMSIZ; the two headers that have it exclude each other */

/* X(name, what to tell a person) */
#define TO_HOP_STATES(X)                                                                           \
	X(GOOD, "can be used")                                                                     \
	X(NO_INTERFACE, "there is no such interface")                                              \
	X(NO_ROUTE, "the kernel has no route")                                                     \
	X(NOT_ON_LINK, "the next hop is not on a link of this host")                               \
	X(NO_GATEWAY, "the default route has no gateway, so there is no one next hop")             \
	X(LOCAL, "the address is this host's own")                                                 \
	X(NOT_ETHERNET, "the route leaves by a tunnel or an interface that is not Ethernet")       \
	X(LINK_DOWN, "the interface is down or has no carrier")                                    \
	X(UNRESOLVED, "the next hop does not answer ARP or ND")

enum to_hop_state {
#define TO_HOP_STATE_NAME(name, text) TO_HOP_##name,
	TO_HOP_STATES(TO_HOP_STATE_NAME)
#undef TO_HOP_STATE_NAME
};

const char *to_hop_state_text(enum to_hop_state state);

struct to_hop {
	union to_addr next; /* the next hop's address; ::, of a fixed MAC or without a route */
	uint32_t ifindex;   /* 0: none */
	uint32_t mtu;       /* bytes of an IP packet: the interface's, or the route's if less */
	uint8_t own[6];     /* the interface's MAC */
	uint8_t mac[6];     /* the next hop's; all 0 unless the state is TO_HOP_GOOD */
	enum to_hop_state state; /* frames may be sent in TO_HOP_GOOD only */
};

struct to_link {
	uint32_t ifindex;
	uint32_t lower; /* of a VLAN: ifindex of what it is on; else 0 */
	uint32_t mtu;   /* bytes of an IP packet */
	uint16_t vlan;  /* its ID; 0: not a VLAN */
	uint8_t mac[6];
	char name[TO_IF_NAME];
	bool ethernet;
	bool up; /* and has a carrier */
	bool gone;
	bool reserved;
};

enum to_hop_kind {
	TO_HOP_ROUTED,    /* as the kernel routes `address`: by a gateway, or straight */
	TO_HOP_NEIGHBOUR, /* `address` itself is the next hop */
	TO_HOP_FIXED,     /* `mac` on `interface` */
	TO_HOP_DEFAULT,   /* the default route of `family` */
};

struct to_hop_wanted {
	enum to_hop_kind kind;
	enum to_family family;
	union to_addr address;
	uint8_t mac[6];
	char interface[TO_IF_NAME]; /* only by this one, also after it was made anew; "": any.
				     * A fixed MAC or a link-local address needs it. */
};

struct to_hops_callbacks {
	/* Once when it is first known, then whenever any field has changed. */
	void (*hop)(void *arg, uint32_t id, const struct to_hop *hop);
	/* Any interface: one that is there, has come, has changed in a field above, is gone. An
	 * index that comes after it was gone is another interface. May be NULL. */
	void (*link)(void *arg, const struct to_link *link);
};

struct to_hops_counters {
	uint64_t events;    /* notifications that were read */
	uint64_t overruns;  /* times that the kernel had to drop some; everything was asked anew */
	uint64_t malformed; /* messages that make no sense; likewise */
	uint64_t lookups;   /* routes asked for */
	uint64_t solicited; /* times that the kernel was asked to resolve a neighbour */
};

struct to_hops;

/* Reports every interface there is. Returns 0 or a negative errno with a message. */
int to_hops_open(struct to_hops **out, const struct to_hops_callbacks *callbacks, void *arg,
		 char *err, size_t err_size);
void to_hops_close(struct to_hops *h);

/*
 * Watches a destination, or watches it differently, and reports it before it returns (where the
 * kernel could not be asked: from a later tick). Returns 0, -EINVAL for a wish that makes no sense,
 * -ENOSPC beyond TO_HOPS_MAX, -EBUSY from a callback.
 */
int to_hops_watch(struct to_hops *h, uint32_t id, const struct to_hop_wanted *wanted);
/* Returns 0, -ENOENT, -EBUSY from a callback. */
int to_hops_unwatch(struct to_hops *h, uint32_t id);

/* When it is readable, call to_hops_process(). The same for the life of `h`. */
int to_hops_fd(const struct to_hops *h);

/*
 * Reads what the kernel reports, a bounded number of messages at a time, and asks for what that
 * has put in doubt. Returns 0, or a negative errno when the kernel could not be asked for some of
 * it: those hops stay as they were, and the next tick tries again.
 */
int to_hops_process(struct to_hops *h);

/*
 * To be called about once a second: as to_hops_process(), and has unresolved and stale neighbours
 * solicited, and looks up again, by turns, routes of which nothing was reported. -EPERM:
 * CAP_NET_ADMIN is missing, so neighbours are not solicited; all else is done.
 */
int to_hops_tick(struct to_hops *h);

/* As last reported, or NULL. */
const struct to_hop *to_hops_get(const struct to_hops *h, uint32_t id);
const struct to_link *to_hops_link(const struct to_hops *h, uint32_t ifindex);

struct to_hops_counters to_hops_count(const struct to_hops *h);

#endif
