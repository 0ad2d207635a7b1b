/* SPDX-License-Identifier: BSD-3-Clause */
/* Counting live entries by what they are, a slice at a time, so that nothing else has to wait. */
#ifndef TURNOUT_ENGINE_CENSUS_H
#define TURNOUT_ENGINE_CENSUS_H

#include "engine_ops.h"

#define TO_CENSUS_EVERY_NS 5000000000u
#define TO_CENSUS_SHARE    10 /* and no more than this part of the time is spent on it */

struct to_census {
	struct to_flow_cursor at;
	uint64_t began_ns;
	uint64_t serial; /* of the one that runs, or ran last; from 1 */
	uint64_t due_ns; /* when the next one begins by itself */
	bool runs;
	/* [service][edge][kind][enum to_life]; TO_MAX_SERVICES: none */
	uint32_t count[TO_MAX_SERVICES + 1][TO_MAX_EDGES][TO_ENTRY_KIND_COUNT][TO_LIFE_COUNT];
};

void to_census_begin(struct to_census *c, uint64_t now_ns);

/* A slice of the one that runs. Returns 1: more is left; 0: it is done, and in `r`; or a negative
 * errno: it has failed, and is tried again when the next one is due. Times are of CLOCK_BOOTTIME.
 */
int to_census_step(struct to_census *c, const struct to_engine *e, uint32_t now, uint64_t now_ns,
		   struct to_region *r);

#endif
