/* SPDX-License-Identifier: BSD-3-Clause */
/* The control process's side of a running engine: engine_server.h over the workers of dp_live.h. */
#ifndef TURNOUT_DP_CONTROL_H
#define TURNOUT_DP_CONTROL_H

#include "dp_live.h"
#include "engine_server.h"
#include "state.h"

/* When a worker was last seen to go round. The main thread's. */
struct dp_pulse {
	uint64_t rounds;
	uint64_t since_ns;
};

struct dp_control {
	/* given by the engine, all of it the engine's */
	struct dp_live *live;
	struct dp_live_worker *workers;
	struct to_state *state;
	const char *state_path; /* NULL: no copy of the image is kept */
	/* To be published now: its next hops. 0 or a negative errno with a message. */
	int (*admit)(void *arg, const struct to_table *t, char *err, size_t err_size);
	void *arg;

	bool unkept;                     /* the running generation has no copy yet */
	uint64_t keep_after_ns;          /* of its age, when that is tried again */
	struct to_engine_server *server; /* NULL: there is none */
	int lock;                        /* of the socket's name; the server's once there is one */
	struct dp_pulse pulse[TO_PROTOCOL_WORKERS];
};

/* Before anything is touched that another engine may have, which would be told by the same socket.
 * Returns 0 or a negative errno with a message. */
int dp_control_lock(struct dp_control *c, const char *path, char *err, size_t err_size);
/* Listens. Returns 0 or a negative errno with a message. */
int dp_control_open(struct dp_control *c, const char *path, const char *group, char *err,
		    size_t err_size);
void dp_control_close(struct dp_control *c);

/* A table for dp_control_publish(), of a file: as dp_generation_prepare(), and entries that are
 * there mean the same in it. */
int dp_control_prepare(const struct dp_control *c, const char *path, struct to_table **t, char *err,
		       size_t err_size);

/* Publishes `t`, which can follow the running generation and is taken over. Returns 0 or a negative
 * errno with a message, and nothing has changed. */
int dp_control_publish(struct dp_control *c, struct to_table *t, char *err, size_t err_size);

/* Once the running generation is live, a copy of it is kept beside the state. Cheap when there is
 * nothing to do. */
void dp_control_keep(struct dp_control *c);

/* The generation that an earlier process had committed, to go on with, checked; NULL: there is
 * none, or it cannot be used, which is said on stderr. */
struct to_table *dp_control_restore(const struct dp_control *c);

#endif
