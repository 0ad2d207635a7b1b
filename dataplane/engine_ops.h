/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What an engine is to the control process's protocol (turnout/protocol.h): the calls by which
 * engine_server.h does what is asked of it. All by the engine's main thread, none may block for
 * longer than a frame of its main loop may take.
 */
#ifndef TURNOUT_ENGINE_OPS_H
#define TURNOUT_ENGINE_OPS_H

#include <stddef.h>
#include <turnout/capture_take.h>
#include <turnout/protocol.h>
#include <turnout/region.h>
#include <turnout/table.h>

#include "state.h"

/* One packet of a capture, to be copied. True: it is the last one for now. */
typedef bool to_capture_visit(void *arg, const struct to_captured *packet, const uint8_t *bytes);

struct to_engine_ops {
	/* The table that decides, or NULL: there is none yet. */
	const struct to_table *(*running)(void *arg);

	/* Could it be committed? It is checked, and can follow the running one. Changes nothing.
	 * Returns 0 or a negative errno with a message. NULL: always. */
	int (*admits)(void *arg, const struct to_table *t, char *err, size_t err_size);

	/* Makes it the generation, and takes it over, to be freed with free(). Returns 0, or a
	 * negative errno with a message, and nothing has changed; -EBUSY: the one before is not
	 * live yet. */
	int (*commit)(void *arg, struct to_table *t, char *err, size_t err_size);

	/* Which generation each worker has acknowledged. True: all of them the running one, and
	 * nobody can be using the one before. */
	bool (*applied)(void *arg, uint64_t worker[TO_PROTOCOL_WORKERS]);

	/* The running generation is live: what a restart goes on with is written down, before
	 * anyone is told. NULL: there is nothing to do. */
	void (*keep)(void *arg);

	/*
	 * Goes on through live entries of `kinds` (bits 1 << enum to_entry_kind), about `most` of
	 * them, from `at` on: all zero at the beginning, else what an earlier call left there, or
	 * anything at all. Each call gets nearer to the end. Returns 1: there is more; 0; or a
	 * negative errno. Where the visitor returns other than 0, it stops behind that entry.
	 */
	int (*walk)(void *arg, struct to_flow_cursor *at, uint32_t kinds, uint32_t most,
		    uint32_t now, to_state_visit visit, void *visit_arg);

	/* Likewise, and ends what `what` takes; adds to `*ended`. */
	int (*release)(void *arg, struct to_flow_cursor *at, uint32_t most, uint32_t now,
		       const struct to_release *what, uint64_t *ended);

	/*
	 * Workers take packets for a capture from now on, and never wait for who reads them.
	 * Returns 0 or a negative errno: -EBUSY: those before are not done with yet.
	 */
	int (*capture_begin)(void *arg, const struct to_capture *what);
	/* What they have taken, oldest first of each worker; until the visitor has enough. True:
	 * there may be more. */
	bool (*capture_drain)(void *arg, to_capture_visit visit, void *visit_arg);
	/* Since it began. */
	void (*capture_count)(void *arg, struct to_capture_counts *counts);
	/* They are to take no more. True: none does, and what they have taken is all there; false:
	 * ask again. */
	bool (*capture_stop)(void *arg);
	/* After capture_stop() was true, or when no worker runs any more. */
	void (*capture_close)(void *arg);

	/* Events, verdicts, entries, workers, ports, hops, named counters, rows. The rest of it is
	 * zero, or there already. */
	void (*fill)(void *arg, struct to_region *r);
};

struct to_engine {
	const struct to_engine_ops *ops;
	void *arg;
	enum to_engine_kind kind;
	unsigned workers;
	uint32_t slice; /* `most` of a walk that takes about a millisecond */
	const char *build;
};

#endif
