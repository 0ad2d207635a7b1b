/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the journal's records add up to: the generation that was last acknowledged, one whose fate
 * is not known, acknowledgements, since when. Each record is folded in as it is read at the start,
 * and in the same way as it is written later: so turnoutd cannot know anything that its next start
 * would not.
 */
#ifndef TURNOUT_DAEMON_PAST_H
#define TURNOUT_DAEMON_PAST_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include <turnout/limits.h>

#define TO_SHA256_TEXT 65

/* A generation that turnoutd has made. */
struct to_intent {
	json_t *record; /* NULL: none */
	uint64_t generation;
	uint64_t checksum;
	const char *stage; /* names: they outlive a plan. Of the record, as `plan` is */
	const char *plan;  /* SHA-256 */
};

struct to_known {
	uint64_t generation;
	uint64_t checksum;
};

struct to_past {
	struct to_intent live;
	struct to_intent open;  /* neither live nor abandoned */
	int64_t live_since;     /* of the live generation */
	int64_t stage_since;    /* of its stage, whatever generations it has had */
	json_t *counted;        /* new flows when the stage began: {SERVICE: {POOL: n}}, or NULL */
	json_t *draining;       /* {EDGE: since} */
	json_t *overdue;        /* {EDGE: the last deadline of its that is noted as passed} */
	json_t *acks;           /* {NAME: {"who", "time"}} */
	json_t *answers;        /* of stages that were left: {STAGE: as to_answers_json()} */
	json_t *seen;           /* partners in the live stage: {PARTNER: record} */
	uint64_t highest;       /* generation ever tried */
	struct to_known *known; /* of every intent */
	size_t known_count, known_room;
};

int to_past_init(struct to_past *past);
void to_past_free(struct to_past *past);
void to_past_fold(void *context, const json_t *record);

/* Has turnoutd made this one? */
bool to_past_knows(const struct to_past *past, uint64_t generation, uint64_t checksum);

#endif
