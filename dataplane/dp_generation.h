/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Generations: a table is prepared aside, published by one pointer, picked up by each worker
 * between two of its bursts, and the one before is freed when nobody can be reading it.
 *
 * One thread publishes. A generation is live when every worker has acknowledged it; until then no
 * other can be published, so that there are never more than two.
 */
#ifndef TURNOUT_DP_GENERATION_H
#define TURNOUT_DP_GENERATION_H

#include <rte_rcu_qsbr.h>
#include <turnout/table.h>

#include "pipeline.h"

/* What one worker has acknowledged. Written by it, read by the publisher. */
struct dp_acknowledged {
	uint64_t generation;
} __rte_cache_aligned;

struct dp_generations {
	const struct to_table *current; /* publisher: release; workers: acquire */
	struct rte_rcu_qsbr *qsbr;
	struct dp_acknowledged *acknowledged; /* [workers] */
	unsigned workers;

	/* the publisher's */
	struct to_table *running; /* what `current` points to */
	struct to_table *before;  /* to be freed; NULL: nothing */
	uint64_t token;           /* of the grace period that `before` waits for */
	uint64_t published_ns;    /* CLOCK_MONOTONIC */
};

/* Returns 0 or a negative errno. */
int dp_generations_open(struct dp_generations *g, unsigned workers);
/* When no worker runs any more. */
void dp_generations_close(struct dp_generations *g);

/*
 * Reads and checks an image, of a file, a sealed memfd or a pipe, and that it can follow the
 * running generation. Returns 0, or a negative errno with a message in `err`; then nothing has
 * changed. The image is the caller's until it is published.
 */
int dp_generation_prepare(const struct dp_generations *g, const char *path, struct to_table **table,
			  char *err, size_t err_size);
void dp_generation_discard(struct to_table *table);

/* Takes the table over. -EBUSY: the generation before is not live yet. */
int dp_generation_publish(struct dp_generations *g, struct to_table *table);

/* Has every worker acknowledged the running generation? */
bool dp_generation_is_live(const struct dp_generations *g);
/* Frees the table before it, when that is so and its grace period is over. True: it is gone. */
bool dp_generation_reclaim(struct dp_generations *g);
/* Both: whoever waited for the running generation can have been told. */
bool dp_generation_is_settled(const struct dp_generations *g);

/* Nanoseconds since the running generation was published. */
uint64_t dp_generation_age_ns(const struct dp_generations *g);

/* A worker's part, called by its own thread. */
void dp_generation_join(struct dp_generations *g, unsigned worker);
void dp_generation_leave(struct dp_generations *g, unsigned worker);

/* Between two bursts: gives the worker the table that is current now, and acknowledges it. */
static inline void dp_generation_turn(struct dp_generations *g, unsigned worker,
				      struct to_worker *pipeline)
{
	const struct to_table *t;

	/* Before the pointer is read: once it is, this thread may be using an older table. */
	rte_rcu_qsbr_quiescent(g->qsbr, worker);
	t = __atomic_load_n(&g->current, __ATOMIC_ACQUIRE);
	if (unlikely(t != to_worker_table(pipeline))) {
		to_worker_set_table(pipeline, t);
		__atomic_store_n(&g->acknowledged[worker].generation, t->generation,
				 __ATOMIC_RELEASE);
	}
}

#endif
