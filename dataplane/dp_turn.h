/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two threads that take turns, on machines with fewer CPUs than threads: whoever waits spins for
 * some microseconds, for the case that the other is running, and then sleeps.
 */
#ifndef TURNOUT_DP_TURN_H
#define TURNOUT_DP_TURN_H

#include <stdint.h>

struct dp_turn {
	uint32_t count;    /* turns so far */
	uint32_t sleeping; /* 1: the waiter sleeps, or is about to */
} __attribute__((aligned(64)));

/* One more turn. What was stored before is seen by whoever waited for it. */
void dp_turn_give(struct dp_turn *t);

/* Until there have been more than `seen` turns. */
void dp_turn_wait(struct dp_turn *t, uint32_t seen);

#endif
