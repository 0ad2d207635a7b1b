/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One worker's packets of a capture, on their way to the main thread: places of one size between
 * one writer and one reader, neither of which waits. No DPDK.
 */
#ifndef TURNOUT_CAPTURE_RING_H
#define TURNOUT_CAPTURE_RING_H

#include <turnout/capture_take.h>

#include "pipeline.h"

struct to_capture_ring {
	struct to_capture what;
	uint16_t worker;
	uint32_t places; /* a power of two */
	uint32_t size;   /* bytes of one */
	uint8_t *memory; /* places * size */

	/* the worker's */
	uint32_t written __attribute__((aligned(64))); /* it: release; reader: acquire */
	uint64_t time_ns;                              /* of the burst, CLOCK_BOOTTIME */
	struct to_capture_turn turn;                   /* `count` is read by anyone */

	/* the reader's */
	uint32_t read __attribute__((aligned(64))); /* it: release; worker: acquire */
};

/* All memory is there before a worker writes to it. NULL: there is none. */
struct to_capture_ring *to_capture_ring_new(const struct to_capture *what, uint16_t worker);
/* When the worker does not have it any more. May be NULL. */
void to_capture_ring_free(struct to_capture_ring *r);

/* The worker's: once before the packets of a burst; for each, decided and not rewritten. */
void to_capture_ring_burst(struct to_capture_ring *r);
void to_capture_ring_take(struct to_capture_ring *r, const struct to_packet *k,
			  const struct to_frame *f, uint64_t generation);

/* The reader's: the oldest packet, its bytes behind it; NULL: none. It stays until it is let go. */
const struct to_captured *to_capture_ring_first(const struct to_capture_ring *r);
void to_capture_ring_let_go(struct to_capture_ring *r);

/* Adds what has been counted so far. */
void to_capture_ring_count(const struct to_capture_ring *r, struct to_capture_counts *counts);

#endif
