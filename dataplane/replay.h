/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A replay: a capture through an engine, with the capture's own time as the clock, and generations
 * that take effect at given times of it. What is the same for every engine is here; the engine
 * itself is behind struct to_replay_engine.
 */
#ifndef TURNOUT_REPLAY_H
#define TURNOUT_REPLAY_H

#include "pipeline.h"

#define TO_REPLAY_MAX_WORKERS 64

struct to_replay_event {
	uint64_t at; /* nanoseconds since 1970: the first frame that late sees it */
	const char *path;
};

struct to_replay_options {
	const char *pcap;
	const char *out;                /* directory, or NULL */
	const char *summary;            /* file, or NULL */
	struct to_replay_event *events; /* by time */
	unsigned event_count;
	bool progress;
};

/* How a generation came to be live. */
struct to_replay_published {
	const struct to_table *table;
	uint64_t nanoseconds; /* from its publication to the last worker's acknowledgement */
};

/*
 * Functions return 0 or a negative errno, with a message in `err` where they take one. All are
 * called from one thread, and a burst is done when run() returns.
 */
struct to_replay_engine {
	const char *name;
	const char *program; /* whose messages they are */
	void *self;
	unsigned workers;
	/* Gives *f room for a frame and copies it there. */
	int (*load)(void *self, struct to_frame *f, const uint8_t *data, uint32_t len);
	void (*unload)(void *self, struct to_frame *frames, unsigned n);
	unsigned (*shard)(void *self, const uint8_t *data, uint32_t len);
	/* Decides and rewrites by worker `worker`, and says by which table it did. */
	int (*run)(void *self, unsigned worker, struct to_frame *frames, unsigned n, uint32_t now,
		   const struct to_table **table);
	/* Refused images leave the running generation; -EBADMSG and the like: see `err`. Returns
	 * when every worker has acknowledged. */
	int (*publish)(void *self, const char *path, struct to_replay_published *published,
		       char *err, size_t err_size);
	const struct to_counters *(*counters)(void *self, unsigned worker);
};

/* Exit codes of the commands: docs/replay.md. */
enum to_exit {
	TO_EXIT_DONE = 0,
	TO_EXIT_NO = 1,
	TO_EXIT_USAGE = 2,
	TO_EXIT_UNREACHABLE = 3,
	TO_EXIT_REFUSED = 4,
};

/* Runs the whole of it; messages go to stderr. `first` is generation 1, live already. */
enum to_exit to_replay(const struct to_replay_options *options,
		       const struct to_replay_engine *engine,
		       const struct to_replay_published *first);

#endif
