/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <rte_errno.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_ring.h>
#include <stdio.h>

#include "dp_clock.h"
#include "dp_lane.h"

#define SWEEP_BUCKETS 64 /* a second */

static void run_burst(struct dp_lane *lane, struct rte_mbuf **mbufs, unsigned n)
{
	struct to_frame frames[TO_BURST];

	dp_generation_turn(lane->generations, lane->index, lane->pipeline);
	if (!n)
		return;
	for (unsigned i = 0; i < n; i++)
		frames[i] = dp_carried(mbufs[i])->frame;
	to_worker_set_nanoseconds(lane->pipeline, (uint64_t)lane->now * DP_NS_PER_S);
	to_pipeline_run(lane->pipeline, frames, n, lane->now);
	for (unsigned i = 0; i < n; i++)
		dp_carried(mbufs[i])->frame = frames[i];
	if (lane->now != lane->swept) {
		lane->swept = lane->now;
		to_pipeline_sweep(lane->pipeline, lane->now, SWEEP_BUCKETS);
	}
}

/* The lcore's loop. */
static int work(void *arg)
{
	struct dp_lane *lane = arg;
	struct rte_mbuf *mbufs[TO_BURST];

	dp_generation_join(lane->generations, lane->index);
	for (uint32_t turns = 0;; turns++) {
		unsigned n;

		dp_turn_wait(&lane->begun, turns);
		if (lane->stop)
			break;
		n = rte_ring_dequeue_burst(lane->ring, (void **)mbufs, TO_BURST, NULL);
		run_burst(lane, mbufs, n);
		dp_turn_give(&lane->done);
	}
	dp_generation_leave(lane->generations, lane->index);
	return 0;
}

int dp_lane_start(struct dp_lane *lane, unsigned index, struct dp_generations *generations,
		  struct to_worker *pipeline)
{
	char name[RTE_RING_NAMESIZE];

	*lane = (struct dp_lane){.index = index, .generations = generations, .pipeline = pipeline};
	if (index == 0) {
		dp_generation_join(generations, 0);
		return 0;
	}
	snprintf(name, sizeof(name), "lane%u", index);
	/* a power of two, of which one place stays free */
	lane->ring =
		rte_ring_create(name, TO_BURST * 2, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
	if (!lane->ring)
		return -rte_errno;
	return rte_eal_remote_launch(work, lane, index);
}

void dp_lane_stop(struct dp_lane *lane)
{
	if (!lane->generations)
		return;
	if (lane->ring) {
		lane->stop = true;
		dp_turn_give(&lane->begun);
		rte_eal_wait_lcore(lane->index);
		rte_ring_free(lane->ring);
	} else {
		dp_generation_leave(lane->generations, lane->index);
	}
}

void dp_lane_run(struct dp_lane *lane, struct rte_mbuf **mbufs, unsigned n, uint32_t now)
{
	lane->now = now;
	if (!lane->ring) {
		run_burst(lane, mbufs, n);
		return;
	}
	rte_ring_enqueue_bulk(lane->ring, (void **)mbufs, n, NULL);
	dp_turn_give(&lane->begun);
	dp_turn_wait(&lane->done, lane->turns++);
}
