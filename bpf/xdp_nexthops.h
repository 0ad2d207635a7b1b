/* SPDX-License-Identifier: BSD-3-Clause */
/* Next hops: what the options and the table want, watched by hops.h, told to the program. */
#ifndef TURNOUT_XDP_NEXTHOPS_H
#define TURNOUT_XDP_NEXTHOPS_H

#include <turnout/table.h>

#include "xdp_ports.h"

/* What is watched: edges by their numbers; the outside of each port, once for each family; other
 * addresses of edges (xdp_hints.h). */
#define TO_XDP_OTHERS        96
#define TO_XDP_WATCH_OUTSIDE TO_BPF_HOPS
#define TO_XDP_WATCH_OTHERS  (TO_XDP_WATCH_OUTSIDE + 2 * TO_XDP_MAX_PORTS)

struct to_xdp_other {
	union to_addr address;
	uint8_t edge;
	bool told; /* that its next hop is another one */
};

struct to_xdp_nexthops {
	struct to_xdp *xdp;
	struct to_xdp_ports *ports;
	const struct to_xdp_run_options *options;
	struct to_hops *hops;
	char names[TO_MAX_EDGES][TO_MAX_NAME + 1]; /* of the edges that are watched */
	int told[TO_BPF_HOPS]; /* enum to_hop_state, or that it is no port's: what stderr has last
				*/
	bool watched[TO_XDP_WATCH_OTHERS];
	bool follows_table[TO_MAX_EDGES]; /* no --nexthop names its next hop */
	struct to_xdp_other other[TO_XDP_OTHERS];
	uint32_t others;
	bool vlan_told[TO_MAX_EDGES]
		      [2];      /* that it is another than that of outside, IPv4 and IPv6 */
	uint32_t outside_by[2]; /* interface that clients are reached by, over IPv4 and IPv6 */
	int unwritten;          /* why the program does not have a hop as it is; 0: it does */
	bool has4;              /* a VIP of the family */
	bool has6;
	bool held;    /* the program is told nothing yet: it is an earlier process's */
	bool settled; /* what an earlier process knew counts no more */
	bool begun;   /* ports that come are attached, and what changes is told on stderr */
};

/* Finds the ports and watches the outside. `n->held` and `ports->held` are set: what they say is
 * told when this begins. Returns 0 or a negative errno with a message. */
int to_xdp_nexthops_open(struct to_xdp_nexthops *n, struct to_xdp *x, struct to_xdp_ports *ports,
			 const struct to_xdp_run_options *options, char *err, size_t err_size);
/* A while after the start: neighbours that have not answered until now are not there. Until then
 * frames go where an earlier process has sent them. */
void to_xdp_nexthops_settle(struct to_xdp_nexthops *n);
void to_xdp_nexthops_close(struct to_xdp_nexthops *n);

/* Watches each edge of the table. Before it becomes the generation. */
int to_xdp_nexthops_table(struct to_xdp_nexthops *n, const struct to_table *t, char *err,
			  size_t err_size);

/* Attaches the program to the ports that are there, and to others as soon as they come, and tells
 * it what was held back, or nothing when that fails. Says on stderr which next hops of the
 * generation cannot be used, and why. */
int to_xdp_nexthops_begin(struct to_xdp_nexthops *n, char *err, size_t err_size);

/* Once a second: tries ports again that could not be attached when they came. */
void to_xdp_nexthops_tick(struct to_xdp_nexthops *n);

/* The next hop that frames leave by, to an edge or TO_BPF_HOP_OUTSIDE4 or 6. NULL: they cannot. */
const struct to_hop *to_xdp_nexthop_of(const struct to_xdp_nexthops *n, uint32_t slot);

#endif
