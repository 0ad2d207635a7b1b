/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The workers of a running engine. Each one polls its queues, hands frames of other workers' flows
 * over to them, decides and rewrites its own, and sends them.
 */
#ifndef TURNOUT_DP_LIVE_H
#define TURNOUT_DP_LIVE_H

#include <rte_mbuf.h>
#include <rte_ring.h>

#include "dp_capture.h"
#include "dp_clock.h"
#include "dp_generation.h"
#include "dp_nexthops.h"
#include "dp_port.h"
#include "pipeline.h"

/* Written by one worker, read by anyone. */
struct dp_live_count {
	uint64_t received;
	uint64_t sent;
	uint64_t handed_over; /* to the worker that owns the flow */
	uint64_t ring_full;   /* dropped: that worker did not keep up */
	uint64_t send_full;   /* dropped: the port did not keep up */
	uint64_t to_kernel;   /* to the kernel's port, or the kernel has it already */
	uint64_t kernel_drop; /* the kernel's, but it does not get the port's frames */
	uint64_t from_kernel;
	uint64_t unreadable; /* dropped: in more segments than fit one */
	uint64_t rounds;     /* of its loop: it grows as long as the worker runs */
};

/* What all workers share, read only while they run. */
struct dp_live {
	unsigned workers;
	unsigned ports;
	uint32_t sip_rate; /* kB a second, of each worker; 0: any */
	struct dp_port port[DP_MAX_PORTS];
	struct dp_generations generations;
	struct dp_nexthops nexthops;
	struct dp_capture capture;
	struct rte_ring **rings; /* [workers]: frames handed over */
	bool stop;
	uint64_t next_mirror; /* TSC; the main thread's */
};

struct dp_live_worker {
	struct dp_live_count count;
	unsigned index;
	struct dp_live *live;
	struct to_worker *pipeline;
	struct dp_clock clock;
	uint64_t next_sweep; /* TSC */
	struct {
		unsigned n;
		struct rte_mbuf *mbufs[TO_BURST];
	} out[DP_MAX_PORTS];
} __rte_cache_aligned;

/* live->rings, for live->workers of them. Returns 0 or a negative errno. */
int dp_live_make_rings(struct dp_live *live);

/* The lcore's function; `arg` is a struct dp_live_worker. Ends when live->stop is set. */
int dp_live_work(void *arg);

#endif
