/* SPDX-License-Identifier: BSD-3-Clause */
/* What a replay found, as JSON: docs/replay.md. */
#ifndef TURNOUT_REPLAY_SUMMARY_H
#define TURNOUT_REPLAY_SUMMARY_H

#include "replay.h"
#include "replay_observer.h"

#define TO_REPLAY_ERROR 512 /* bytes of a message */

/* A generation of the replay, or an image that was refused. */
struct to_replay_generation {
	uint64_t at;          /* nanoseconds since 1970: when it took effect */
	uint64_t first_frame; /* decided by it; 0: none */
	uint64_t frames;
	uint64_t live_ns; /* from publication to live */
	uint64_t number;  /* 0: refused */
	char stage[TO_MAX_NAME + 1];
	char error[TO_REPLAY_ERROR]; /* why it was refused */
	const char *path;
};

struct to_replay_result {
	uint64_t frames;
	uint64_t truncated; /* frames of which the capture holds a part */
	uint64_t bytes;
	uint64_t first_ns; /* of the capture's clock */
	uint64_t last_ns;
	struct to_replay_generation *generations;
	unsigned generation_count;
	const struct to_table *table; /* of the last generation: it has every name */
	const struct to_observer *observer;
};

/* Writes it to the file. Returns 0 or a negative errno, with a message in `err`. */
int to_summary_write(const char *path, const struct to_replay_engine *engine,
		     const struct to_replay_result *result, char *err, size_t err_size);

#endif
