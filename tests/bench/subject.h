/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the benchmarks of the pipeline measure: a worker with a state of its own that decides by the
 * table of one stage of a plan, and the time stamp counter around its bursts.
 */
#ifndef TURNOUT_BENCH_SUBJECT_H
#define TURNOUT_BENCH_SUBJECT_H

#include <x86intrin.h>

#include <control/compile.h>
#include <control/plan.h>
#include <dataplane/pipeline.h>
#include <dataplane/state.h>

#include "bench.h"

#define BENCH_NOW  1000      /* clock seconds at which a benchmark begins */
#define BENCH_ROOM (37 * 64) /* from frame to frame, as mbufs are: not a power of two */

/* The stages of a plan as images. */
struct bench_plan {
	struct to_plan *plan;
	struct to_image image[2];
};

/* Compiles stages of the plan: by `stage` names, or where it is NULL the first; `second` may be
 * NULL. Returns 0, or -1 when it has said why not. */
int bench_plan_open(struct bench_plan *p, const char *path, const char *stage, const char *second);
void bench_plan_close(struct bench_plan *p);

struct bench_subject {
	struct to_nexthops nexthops;
	struct to_state *state;
	struct to_worker *worker;
	uint8_t *room; /* for the frames of a burst */
	double tick;   /* nanoseconds of one of the time stamp counter */
};

/* Room for so many pins and as many affinities. */
void bench_sizes(struct to_state_config *config, uint32_t pins, uint32_t now);
/* Returns 0 or -1, with a message. `table` is not owned. */
int bench_subject_open(struct bench_subject *s, const struct to_table *table,
		       const struct to_state_config *config);
void bench_subject_close(struct bench_subject *s);

/* The place of a burst's `i`th frame. */
static inline uint8_t *bench_place(const struct bench_subject *s, uint32_t i)
{
	return s->room + (size_t)i * BENCH_ROOM + TO_FRAME_HEADROOM;
}

/* A frame at its place, as it has just come. */
static inline void bench_arrive(struct to_frame *f, uint8_t *data, uint32_t len)
{
	*f = (struct to_frame){.data = data, .len = len, .zone = TO_ZONE_BOTH};
}

/* Ticks of one burst, which nothing before or after it overlaps. */
static inline uint64_t bench_ticks(const struct bench_subject *s, struct to_frame *frames,
				   unsigned n, uint32_t now)
{
	unsigned aux;
	uint64_t start;

	_mm_lfence();
	start = __rdtsc();
	to_pipeline_run(s->worker, frames, n, now);
	return __rdtscp(&aux) - start;
}

#endif
