/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How many new flows their edge has never answered, from censuses alone: an unproven entry that is
 * not answered lives TO_UNPROVEN_LIFE, so that so many entry-seconds of unproven ones are one such
 * flow. One that is answered is unproven for a round trip, and comes to nothing.
 *
 * What an edge refuses by a RST is over, for a census, and is not counted here.
 */
#ifndef TURNOUT_DAEMON_ANSWERS_H
#define TURNOUT_DAEMON_ANSWERS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include <turnout/limits.h>

struct to_plan;
struct to_view;

/* Seconds from when a stage is live until counting begins: what was made before it is gone then. */
#ifndef TO_ANSWERS_SETTLE
#define TO_ANSWERS_SETTLE TO_UNPROVEN_LIFE
#endif

struct to_answers {
	uint64_t from;   /* CLOCK_BOOTTIME, ns; 0: nothing is watched */
	uint64_t census; /* the last one that was counted; 0: none yet */
	bool broken;     /* entries were displaced, or a census is missing: nothing can be said */
	uint64_t disturbed;
	uint64_t tried[TO_MAX_SERVICES][TO_MAX_EDGES]; /* when counting began */
	uint64_t unanswered_ns[TO_MAX_SERVICES][TO_MAX_EDGES];
};

/* A stage is live since now, or the engine has come. */
void to_answers_begin(struct to_answers *a);
/* After each refresh of the view. */
void to_answers_take(struct to_answers *a, const struct to_view *v);

struct to_answered {
	uint64_t tried;
	uint64_t unanswered;
};

/* Of a service, at the edges of a pool, since counting began. False: it is not known. */
bool to_answers_of(const struct to_answers *a, const struct to_view *v, const struct to_plan *plan,
		   uint32_t service, uint32_t pool, struct to_answered *out);

/* {SERVICE: {POOL: {"tried": n, "unanswered": n}}} of what was tried; NULL: not known. */
json_t *to_answers_json(const struct to_answers *a, const struct to_view *v,
			const struct to_plan *plan);

#endif
