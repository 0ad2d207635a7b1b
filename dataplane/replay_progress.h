/* SPDX-License-Identifier: BSD-3-Clause */
/* A line on stderr while a long capture is read. */
#ifndef TURNOUT_REPLAY_PROGRESS_H
#define TURNOUT_REPLAY_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct to_capture;

struct to_progress {
	bool wanted;
	bool shown;
	uint64_t next; /* nanoseconds of CLOCK_MONOTONIC */
};

struct to_progress to_progress_begin(bool wanted);
void to_progress_step(struct to_progress *p, const struct to_capture *c, uint64_t frames);
void to_progress_end(struct to_progress *p);

#endif
