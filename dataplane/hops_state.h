/* SPDX-License-Identifier: BSD-3-Clause */
/* What hops.c and hops_refresh.c share. */
#ifndef TURNOUT_HOPS_STATE_H
#define TURNOUT_HOPS_STATE_H

#include <linux/neighbour.h>

#include "hops_path.h"

/* States of a neighbour that last until another is reported. */
#define NUD_SETTLED (NUD_PERMANENT | NUD_NOARP | NUD_REACHABLE)

enum to_doubt { SURE, NEIGHBOUR_IN_DOUBT, PATH_IN_DOUBT };

struct to_destination {
	uint32_t id;
	enum to_doubt doubt;
	bool reported;
	bool solicited; /* since the last tick, and it has not answered */
	struct to_hop_wanted wanted;
	struct to_path path;
	struct to_neighbour neighbour;
	struct to_hop hop; /* as reported */
};

struct to_hops {
	struct to_hops_callbacks callbacks;
	void *arg;
	struct mnl_socket *events;
	bool links_in_doubt; /* which there are; what is known of one is asked for at once */
	bool overrun;        /* messages are being dropped, until the queue has been empty */
	bool busy;           /* a callback is running */
	uint32_t n;
	uint32_t next_audit;
	struct to_hops_counters count;
	struct to_links links;
	struct to_destination destination[TO_HOPS_MAX];
	struct to_rtnl rtnl;
	_Alignas(8) uint8_t buffer[TO_RTNL_BUFFER];
};

static inline void to_doubt(struct to_destination *d, enum to_doubt how)
{
	if (d->doubt < how)
		d->doubt = how;
}

void to_hops_doubt_paths(struct to_hops *h);
void to_hops_doubt_everything(struct to_hops *h);

/* Asks for it, and reports what has changed. */
void to_hops_refresh_link(struct to_hops *h, uint32_t ifindex);
void to_hops_take_link(struct to_hops *h, uint32_t ifindex);
int to_hops_refresh_links(struct to_hops *h);
int to_hops_refresh(struct to_hops *h, struct to_destination *d);
/* What is in doubt. Returns the first error, but goes on. */
int to_hops_refresh_all(struct to_hops *h);

#endif
