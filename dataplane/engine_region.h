/* SPDX-License-Identifier: BSD-3-Clause */
/* The region (turnout/region.h), from its writer's side. */
#ifndef TURNOUT_ENGINE_REGION_H
#define TURNOUT_ENGINE_REGION_H

#include "engine_capture.h"
#include "engine_ops.h"

struct to_counters;

/* What the region will be is made in `next` and then copied, which takes some 50 us: readers must
 * not find it being written all the time. */
struct to_engine_region {
	struct to_region *shown;
	struct to_region *next;
	int fd;            /* for readers */
	uint64_t provoked; /* SYNs to silent clients (engine_provoke.h) */
};

int to_engine_region_open(struct to_engine_region *r, const struct to_engine *e, uint64_t now_ns);
void to_engine_region_close(struct to_engine_region *r);

/* Asks the engine and shows what it says, and the counters of captures. `live`: what
 * to_engine_ops.applied() said. */
void to_engine_region_renew(struct to_engine_region *r, const struct to_engine *e,
			    const struct to_engine_capture *capture, bool live, uint64_t now_ns);

/* For to_engine_ops.fill(): sums of workers' counters. `t` may be NULL. */
void to_region_count(struct to_region *r, const struct to_counters *const *workers, unsigned n,
		     const struct to_table *t);
/* Likewise, one more counter with a name; '_' becomes '-'. */
void to_region_name(struct to_region *r, const char *name, uint64_t value);

#endif
