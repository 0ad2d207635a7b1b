/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Packets of all kinds, each with what every world (worlds.h) makes of it by itself. Flows that are
 * new stay new however often a packet is pushed: by the time it comes again, hundreds of others
 * have displaced its entry.
 */
#ifndef TESTS_XDP_SHOTS_H
#define TESTS_XDP_SHOTS_H

#include "rig.h"
#include "worlds.h"

#define SHOTS        2000u
#define SHOTS_RING   64 /* unproven entries of a kind and CPU, for which the above is true */
#define SHOTS_PROVEN 1024

struct shot {
	const char *what;
	struct rig_frame in;
	struct rig_frame made[WORLDS];
};

struct shots {
	struct shot shot[SHOTS];
	unsigned telling; /* of which every two worlds make something different */
};

/* `owner` tells the clients of two such sets apart. On the CPU that will push them. */
struct shots *shots_make(struct rig *r, const struct worlds *w, unsigned owner);

/* Which worlds make `f` of the packet: a bit for each. */
unsigned shots_judge(const struct shot *s, const struct rig_frame *f);

#endif
