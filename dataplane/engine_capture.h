/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The capture that an engine's server has under way: what workers have taken goes to the connection
 * that asked, as fast as that reads and no faster. What finds no room is lost, and counted.
 */
#ifndef TURNOUT_ENGINE_CAPTURE_H
#define TURNOUT_ENGINE_CAPTURE_H

#include <turnout/protocol_check.h>

#include "engine_ops.h"

struct to_region;

enum to_capture_step { TO_CAPTURE_IDLE, TO_CAPTURE_RUNS, TO_CAPTURE_STOPS };

struct to_engine_capture {
	enum to_capture_step step;
	int fd; /* of who asked, not ours; -1: it has gone */
	uint64_t request;
	uint32_t most;
	uint32_t rate;
	uint32_t serial;
	enum to_capture_why why; /* it stops */
	uint64_t end_ns;     /* CLOCK_BOOTTIME: of the capture, then of waiting for the reader */
	uint64_t to_real_ns; /* what makes a time of day of CLOCK_BOOTTIME */
	uint64_t packets;    /* for the connection */
	uint64_t second;     /* of the last one, CLOCK_BOOTTIME */
	uint32_t in_second;
	uint64_t over_rate;           /* of all workers together */
	struct to_capture_counts all; /* of captures that have ended */
	union to_message *out;        /* what is being filled, or waits to be read */
	size_t filled;                /* bytes; 0: nothing */
};

/* Returns 0 or a negative errno with a message. */
int to_engine_capture_begin(struct to_engine_capture *x, const struct to_engine *e,
			    const struct to_msg_capture *ask, int fd, char *err, size_t err_size);

/* The connection asks for its end; the connection has gone. */
void to_engine_capture_ask_end(struct to_engine_capture *x);
void to_engine_capture_gone(struct to_engine_capture *x);

/* Goes on with it. True: it has ended, and so is its connection to. */
bool to_engine_capture_turn(struct to_engine_capture *x, const struct to_engine *e,
			    uint64_t now_ns);
/* When it wants to, CLOCK_BOOTTIME; UINT64_MAX: never. */
uint64_t to_engine_capture_next_ns(const struct to_engine_capture *x, uint64_t now_ns);

/* When the engine ends: no worker runs any more. */
void to_engine_capture_close(struct to_engine_capture *x, const struct to_engine *e);

/* Counters of all captures, by name. */
void to_engine_capture_fill(const struct to_engine_capture *x, const struct to_engine *e,
			    struct to_region *r);

#endif
