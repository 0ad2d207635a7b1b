/* SPDX-License-Identifier: BSD-3-Clause */
/* Proven UDP flows (flows.h) that are visited in random order, in bursts: the pipeline's steady
 * state. */
#ifndef TURNOUT_BENCH_PINNED_H
#define TURNOUT_BENCH_PINNED_H

#include "flows.h"
#include "subject.h"

struct bench_pinned {
	struct bench_subject subject;
	struct bench_flows flows;
	uint32_t now;    /* clock seconds */
	uint32_t *order; /* BENCH_VISITS numbers of flows */
	uint64_t wrong;  /* verdicts */
};

/* Opens `pins` flows by the table, at `now`, in a state with room for `capacity`; no order yet.
 * Returns 0 or -1, with a message. */
int bench_pinned_open(struct bench_pinned *p, const struct to_table *table, uint32_t pins,
		      uint32_t capacity, uint32_t now);
void bench_pinned_close(struct bench_pinned *p);

/* Draws the visits, of the `n` flows `of`; NULL: of all of them. */
void bench_pinned_order(struct bench_pinned *p, const uint32_t *of, uint32_t n);

/* The burst of visits from `at` on, written anew; `answers`: every second one is. */
void bench_pinned_put(const struct bench_pinned *p, uint32_t at, bool answers, struct to_frame *f);
/* Adds what has not gone to its own flow's edge by its pin, or not come from the VIP, to wrong;
 * from the burst's `first` frame on. */
void bench_pinned_check(struct bench_pinned *p, uint32_t at, bool answers, const struct to_frame *f,
			uint32_t first);

/* Of the table of proven IPv4 pins. */
uint64_t bench_pin_bytes(const struct bench_pinned *p);

/* Nanoseconds a packet of the window of visits from `from` on. */
double bench_pinned_sample(struct bench_pinned *p, uint32_t from, bool answers);

#endif
