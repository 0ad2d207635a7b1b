/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From a wish to a live generation: compile (aside), PREPARE, write the intent down, COMMIT, wait
 * until every worker decides by it, write that down. One change at a time. Whatever fails before
 * the COMMIT has changed nothing; what is not known after it is found out by recovery.
 */
#ifndef TURNOUT_DAEMON_PUBLISHER_H
#define TURNOUT_DAEMON_PUBLISHER_H

#include <turnout/protocol.h>

#include "edges.h"
#include "image.h"
#include "plan_keep.h"

struct event;
struct to_change;
struct to_daemon;

/* A table that the engine runs, or that is compiled against it on the other thread. The loop's
 * thread alone counts. */
struct to_running {
	struct to_image image;
	unsigned users;
};

struct to_running *to_running_new(const struct to_image *image); /* takes it, if it returns one */
void to_running_drop(struct to_running *r);                      /* NULL is fine */
const struct to_table *to_running_table(const struct to_running *r);

struct to_outcome {
	const char *error; /* docs/api.md; NULL: it is live */
	const char *message;
	uint64_t generation;
	uint64_t prepare_us;
	uint64_t live_us;
};

typedef void to_published(struct to_daemon *d, struct to_change *change,
			  const struct to_outcome *outcome);

struct to_change {
	const char *cause;         /* "switch", "edge", "health", "reload", "recovery", "start" */
	uint32_t stage;            /* in `plan`, or in the one in force */
	struct to_plan_file *plan; /* NULL: the one in force. Owned */
	struct to_asked asked;
	bool force;
	char who[64];
	char why[1024];
	json_t *records;    /* written before the intent; may be NULL. Owned */
	to_published *done; /* may be NULL */
	void *context;
};

enum to_step { TO_STEP_IDLE, TO_STEP_COMPILE, TO_STEP_PREPARE, TO_STEP_COMMIT };

struct to_publisher {
	enum to_step step;
	struct to_change *change;
	struct to_compile_job *job;
	uint64_t generation;
	int64_t since; /* seconds since 1970 */
	uint64_t prepare_ns;
	bool lost; /* the engine went while the table was compiled */
	struct event *late;
	uint64_t worker[TO_PROTOCOL_WORKERS]; /* what each has taken, by the last APPLIED */
	uint32_t workers;                     /* 0: none came yet */
};

int to_publisher_init(struct to_daemon *d);
void to_publisher_free(struct to_daemon *d);

/* A change that asks for nothing yet: the live stage, and edges as they are asked to be. NULL: no
 * memory. */
struct to_change *to_change_new(const struct to_daemon *d, const char *cause, const char *who,
				const char *why);
void to_change_free(struct to_change *c);
/* A record to be written before the intent: {"what": ...}. Taken. */
void to_change_record(struct to_change *c, json_t *record);

/* Begins. 0: the change is taken, and `done` will be called. -EBUSY, -ENOTCONN: it is the caller's
 * still. */
int to_publish(struct to_daemon *d, struct to_change *c);

/* The engine went away. */
void to_publisher_lost(struct to_daemon *d);

#endif
