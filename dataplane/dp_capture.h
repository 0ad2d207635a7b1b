/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The capture of a running engine: a ring for each worker, published by one pointer that they take
 * up between two bursts, and freed when nobody can be using it; as tables are (dp_generation.h),
 * whose grace periods these are.
 */
#ifndef TURNOUT_DP_CAPTURE_H
#define TURNOUT_DP_CAPTURE_H

#include <rte_rcu_qsbr.h>

#include "capture_ring.h"
#include "engine_ops.h"

struct dp_capture {
	struct to_capture_ring **current; /* main thread: release; workers: acquire. NULL: none */

	/* the main thread's */
	struct to_capture_ring **rings __rte_cache_aligned; /* [workers]; NULL: nothing to free */
	unsigned workers;
	struct rte_rcu_qsbr *qsbr;
	uint64_t token; /* of the grace period, once they are told to stop */
};

/* As engine_ops.h says, for `workers` of them that report to `qsbr`. Main thread only. */
int dp_capture_begin(struct dp_capture *c, const struct to_capture *what, unsigned workers,
		     struct rte_rcu_qsbr *qsbr);
bool dp_capture_drain(struct dp_capture *c, to_capture_visit visit, void *visit_arg);
void dp_capture_count(const struct dp_capture *c, struct to_capture_counts *counts);
bool dp_capture_stop(struct dp_capture *c);
void dp_capture_close(struct dp_capture *c);

/* A worker's part, after dp_generation_turn(). */
static inline void dp_capture_turn(const struct dp_capture *c, unsigned worker,
				   struct to_worker *pipeline)
{
	struct to_capture_ring **rings = __atomic_load_n(&c->current, __ATOMIC_ACQUIRE);

	to_worker_set_capture(pipeline, unlikely(rings != NULL) ? rings[worker] : NULL);
}

#endif
