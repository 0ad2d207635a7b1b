/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Health checks, as turnoutd wants them: somebody asks the edges, on turnoutd's event loop and
 * never blocking it, and says what came of it. What becomes of an edge's state is edges.c's alone.
 *
 * The program turnoutd is linked with one implementation of these functions, its tests with
 * another. All are called on the event loop's thread.
 */
#ifndef TURNOUT_DAEMON_HEALTH_H
#define TURNOUT_DAEMON_HEALTH_H

#include <stdint.h>

struct event_base;
struct to_plan;
struct to_health;

enum to_check_state {
	TO_CHECK_UNKNOWN, /* not asked yet, or not often enough to say */
	TO_CHECK_UP,
	TO_CHECK_DOWN,
};

/* A check of one service at one edge, and what it said last. The texts are the checks' own, and
 * good until the event loop goes on. */
struct to_health_check {
	uint8_t edge;    /* in the plan, likewise the service */
	uint8_t service; /* TO_NO_INDEX: the edge as a whole */
	uint8_t state;   /* enum to_check_state, after as many tries as the check wants */
	uint64_t at; /* seconds since 1970 of the last answer, or of its time-out; 0: none yet */
	const char *kind;    /* "tcp", "tls" ... */
	const char *message; /* for a person: "connection refused", "3 ms" */
};

/* `check` has another state than when it was last told of; no change of the message alone. Must not
 * close the checks. */
typedef void to_health_changed(void *context, const struct to_health_check *check);

/*
 * Begins to check every edge of the plan, which stays as it is until to_health_close(). Each check
 * begins as unknown: nothing is known yet, and nothing is called before the loop runs. Negative
 * errno: no checks run, *out is NULL. -ENOTSUP: this build has none, which is no fault.
 */
int to_health_open(struct event_base *base, const struct to_plan *plan, to_health_changed *changed,
		   void *context, struct to_health **out);
void to_health_close(struct to_health *health);

/* How many checks there are, and each of them (i below the count). NULL has none. */
unsigned to_health_count(const struct to_health *health);
void to_health_get(const struct to_health *health, unsigned i, struct to_health_check *out);

#endif
