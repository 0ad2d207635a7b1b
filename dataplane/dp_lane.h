/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One worker of a replay: a pipeline that is handed a burst, and waited for. Worker 0 is the thread
 * that reads the capture; each other one is an lcore, fed through a ring.
 */
#ifndef TURNOUT_DP_LANE_H
#define TURNOUT_DP_LANE_H

#include <rte_mbuf.h>

#include "dp_generation.h"
#include "dp_turn.h"
#include "pipeline.h"

/* In the private area of an mbuf: the frame it carries. */
struct dp_carried {
	struct to_frame frame;
	uint8_t *big; /* malloc: a frame that an mbuf is too small for; else NULL */
};

static inline struct dp_carried *dp_carried(struct rte_mbuf *m)
{
	return rte_mbuf_to_priv(m);
}

struct dp_lane {
	unsigned index;
	struct dp_generations *generations;
	struct to_worker *pipeline;
	struct rte_ring *ring; /* NULL: worker 0 */
	uint32_t now;          /* of the burst; clock seconds */
	uint32_t swept;        /* when it last took dead entries' places back */
	bool stop;
	struct dp_turn begun; /* turns of the reader: a burst is in the ring */
	struct dp_turn done;  /* turns of the worker */
	uint32_t turns;       /* the reader's: so many of both there were */
};

/* Starts the lcore's thread, but for worker 0. Returns 0 or a negative errno. */
int dp_lane_start(struct dp_lane *lane, unsigned index, struct dp_generations *generations,
		  struct to_worker *pipeline);
void dp_lane_stop(struct dp_lane *lane);

/* The frames of these mbufs, decided and rewritten when it returns. n = 0: only looks for a new
 * generation. */
void dp_lane_run(struct dp_lane *lane, struct rte_mbuf **mbufs, unsigned n, uint32_t now);

#endif
