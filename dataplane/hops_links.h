/* SPDX-License-Identifier: BSD-3-Clause */
/* The interfaces of the host, as hops.c last saw them. */
#ifndef TURNOUT_HOPS_LINKS_H
#define TURNOUT_HOPS_LINKS_H

#include "hops.h"

struct to_links {
	struct to_link *link; /* [n], in no order */
	uint32_t *seen;       /* [n]: the round that last showed it */
	uint32_t n;
	uint32_t room;
	uint32_t round;
};

const struct to_link *to_links_find(const struct to_links *s, uint32_t ifindex);
const struct to_link *to_links_find_name(const struct to_links *s, const char *name);

/* What is there now. Returns 1 when that is new or different, 0, or -ENOMEM. */
int to_links_put(struct to_links *s, const struct to_link *link);
/* Takes it out, into `gone`. False: it was not there. */
bool to_links_take(struct to_links *s, uint32_t ifindex, struct to_link *gone);
/* Takes out one that was not put in since `round` went up. False: there is none. */
bool to_links_take_unseen(struct to_links *s, struct to_link *gone);
void to_links_free(struct to_links *s);

#endif
