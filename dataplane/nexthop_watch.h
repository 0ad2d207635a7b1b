/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The next hops that a table needs: what the options want of each, watched by hops.h, as the
 * pipeline has them. Knows no engine but by its ports. One thread calls.
 */
#ifndef TURNOUT_NEXTHOP_WATCH_H
#define TURNOUT_NEXTHOP_WATCH_H

#include <turnout/table.h>

#include "nexthop_wish.h"
#include "pipeline.h"

/* A port, and the interface by which the kernel's routes know it. */
struct to_watched_port {
	char name[TO_IF_NAME]; /* of the interface */
	uint32_t ifindex;      /* 0: the kernel has none; then only a MAC can be its next hop */
	uint8_t zone;          /* enum to_zone; 0: no port of ours */
	uint8_t mac[6];
	uint16_t mtu; /* bytes of an IP packet that it takes */
};

/* Beside enum to_hop_state: good, but by an interface that is no port of ours. */
#define TO_HOP_NO_PORT 64

struct to_nexthop_watch {
	const char *program; /* that messages are of */
	const struct to_nexthop_option *option;
	unsigned options;
	unsigned ports;
	struct to_watched_port port[TO_MAX_PORTS];

	struct to_hops *hops;                      /* NULL: the kernel has none of the ports */
	struct to_nexthops now;                    /* as of the last to_nexthop_watch_update() */
	char names[TO_MAX_EDGES][TO_MAX_NAME + 1]; /* of the edges that are watched */
	int state[TO_MAX_EDGES + 2]; /* of each hop: enum to_hop_state, or what is below */
	int told[TO_MAX_EDGES + 2];  /* what stderr has last of it */
	bool has4;                   /* a VIP of the family */
	bool has6;
	bool changed; /* by the kernel, since the last update */
	bool settled; /* what changes is told on stderr */
};

/* `program`, the options and the ports are set. Returns 0; -EINVAL when there is no way to the
 * outside, or another negative errno; with a message. */
int to_nexthop_watch_open(struct to_nexthop_watch *w, char *err, size_t err_size);
void to_nexthop_watch_close(struct to_nexthop_watch *w);

/* Can the table have next hops at all? Changes nothing. Returns as above. */
int to_nexthop_watch_admits(const struct to_nexthop_watch *w, const struct to_table *t, char *err,
			    size_t err_size);

/* Watches each edge of the table, before it becomes the generation. Returns as above. */
int to_nexthop_watch_table(struct to_nexthop_watch *w, const struct to_table *t, char *err,
			   size_t err_size);

/* It was refused after all, or could not be watched: what the running one (or NULL) needs is
 * watched again, and no more. Says on stderr what cannot be. */
void to_nexthop_watch_undo(struct to_nexthop_watch *w, const struct to_table *running);

/* Reads what the kernel has reported since; `tick`: a second has passed. */
void to_nexthop_watch_look(struct to_nexthop_watch *w, bool tick);

/* Brings `now` up to date, and says on stderr which next hops have become unusable, and why.
 * True: it has changed. */
bool to_nexthop_watch_update(struct to_nexthop_watch *w);

/* Is there one that the kernel is still to find by ARP or ND? */
bool to_nexthop_watch_waits(const struct to_nexthop_watch *w);
/* The start is over: from the next update on whatever cannot be used is told. */
void to_nexthop_watch_settle(struct to_nexthop_watch *w);

#endif
