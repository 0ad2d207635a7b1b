/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Next hops of the workers: replaced whole, by one pointer that each worker takes up between two
 * bursts, and the ones before are freed when nobody can be reading them; as tables are
 * (dp_generation.h), whose grace periods these are.
 */
#ifndef TURNOUT_DP_NEXTHOPS_H
#define TURNOUT_DP_NEXTHOPS_H

#include <rte_rcu_qsbr.h>

#include "dp_port.h"
#include "nexthop_watch.h"

struct dp_nexthops {
	const struct to_nexthops *current; /* main thread: release; workers: acquire */

	/* the main thread's */
	struct rte_rcu_qsbr *qsbr __rte_cache_aligned;
	struct to_nexthops *running; /* what `current` points to */
	struct to_nexthops *before;  /* to be freed; NULL: nothing */
	uint64_t token;              /* of the grace period that `before` waits for */
	uint64_t next_tick;          /* TSC */
	bool waiting;                /* watch.now is to be published */
	struct to_nexthop_watch watch;
};

/* Ports are started. Returns 0, -EINVAL for options that cannot do, or another negative errno;
 * with a message. */
int dp_nexthops_open(struct dp_nexthops *n, struct rte_rcu_qsbr *qsbr, const struct dp_port *port,
		     unsigned ports, uint16_t mtu, const struct to_nexthop_option *option,
		     unsigned options, char *err, size_t err_size);
/* When no worker runs any more. */
void dp_nexthops_close(struct dp_nexthops *n);

/* The next hops to the table's edges are published, and watched from now on. Before the table is
 * published, to follow `running` (or NULL). Returns as above; -EBUSY: a worker does not take up the
 * ones before; and what `running` needs stays watched. */
int dp_nexthops_table(struct dp_nexthops *n, const struct to_table *t,
		      const struct to_table *running, char *err, size_t err_size);

/* Gives neighbours a second to answer, for a driver that starts may have made the kernel forget
 * them. Workers run; from now on what cannot be used is told. */
void dp_nexthops_settle(struct dp_nexthops *n);

/* Many times a second: reads what the kernel reports, and publishes what that has changed. */
void dp_nexthops_look(struct dp_nexthops *n);

/* Is there anything that waits for workers? Then dp_nexthops_look() is to be called soon. */
static inline bool dp_nexthops_waits(const struct dp_nexthops *n)
{
	return n->waiting || n->before;
}

/* Readable when there is something to look at; -1: the kernel has no port. */
static inline int dp_nexthops_fd(const struct dp_nexthops *n)
{
	return n->watch.hops ? to_hops_fd(n->watch.hops) : -1;
}

/* A worker's part, after dp_generation_turn(): a table's next hops are there before the table. */
static inline void dp_nexthops_turn(const struct dp_nexthops *n, struct to_worker *pipeline)
{
	to_worker_set_nexthops(pipeline, __atomic_load_n(&n->current, __ATOMIC_ACQUIRE));
}

#endif
