/* SPDX-License-Identifier: BSD-3-Clause */
#include "past.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"

int to_past_init(struct to_past *past)
{
	*past = (struct to_past){.draining = json_object(),
				 .overdue = json_object(),
				 .acks = json_object(),
				 .answers = json_object(),
				 .seen = json_object()};
	return past->draining && past->overdue && past->acks && past->answers && past->seen
		       ? 0
		       : -ENOMEM;
}

static void forget(struct to_intent *intent)
{
	json_decref(intent->record);
	*intent = (struct to_intent){0};
}

void to_past_free(struct to_past *past)
{
	forget(&past->live);
	forget(&past->open);
	json_decref(past->counted);
	json_decref(past->draining);
	json_decref(past->overdue);
	json_decref(past->acks);
	json_decref(past->answers);
	json_decref(past->seen);
	free(past->known);
	*past = (struct to_past){0};
}

static const char *text(const json_t *record, const char *key)
{
	const char *value = json_string_value(json_object_get(record, key));

	return value ? value : "";
}

static uint64_t number(const json_t *record, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(record, key));
}

static void know(struct to_past *past, uint64_t generation, uint64_t checksum)
{
	if (past->known_count == past->known_room) {
		size_t room = past->known_room ? past->known_room * 2 : 64;
		struct to_known *more = realloc(past->known, room * sizeof(*more));

		if (!more)
			return; /* it counts as unknown: left alone */
		past->known = more;
		past->known_room = room;
	}
	past->known[past->known_count++] = (struct to_known){generation, checksum};
}

static void intend(struct to_past *past, const json_t *record)
{
	forget(&past->open);
	past->open = (struct to_intent){
		.record = json_incref((json_t *)record),
		.generation = number(record, "generation"),
		.checksum = strtoull(text(record, "checksum"), NULL, 16),
		.stage = text(record, "stage"),
		.plan = text(record, "plan"),
	};
	know(past, past->open.generation, past->open.checksum);
	if (past->open.generation > past->highest)
		past->highest = past->open.generation;
}

/* An edge drains since it was first asked to, until it is not any more. */
static void note_draining(struct to_past *past, const json_t *intent, int64_t now)
{
	json_t *asked = json_object_get(intent, "asked"), *since = json_object();
	const char *edge;
	json_t *state;

	json_object_foreach(asked, edge, state)
	{
		json_t *before = json_object_get(past->draining, edge);

		if (before)
			json_object_set(since, edge, before);
		else
			json_object_set_new(since, edge, json_integer(now));
	}
	json_decref(past->draining);
	past->draining = since;
}

/* A stage is left: how it went is what later ones are compared with. */
static void leave_stage(struct to_past *past, const json_t *live)
{
	json_t *answers = json_object_get(live, "answers");

	if (past->live.record && answers)
		json_object_set(past->answers, past->live.stage, answers);
	json_object_clear(past->seen);
}

static void live(struct to_past *past, const json_t *record)
{
	int64_t now = to_time_read(text(record, "time"));
	bool new_stage;

	if (!past->open.record || past->open.generation != number(record, "generation"))
		return;
	new_stage = !past->live.record || strcmp(past->live.stage, past->open.stage) != 0;
	if (new_stage)
		leave_stage(past, record);
	forget(&past->live);
	past->live = past->open;
	past->open = (struct to_intent){0};
	past->live_since = now;
	note_draining(past, past->live.record, now);
	if (new_stage) {
		past->stage_since = now;
		json_decref(past->counted);
		past->counted = json_incref(json_object_get(record, "counted"));
	}
}

static void acknowledge(struct to_past *past, const json_t *record, bool done)
{
	const char *name = text(record, "name");

	if (done)
		json_object_set_new(past->acks, name,
				    json_pack("{s:s, s:s}", "who", text(record, "who"), "time",
					      text(record, "time")));
	else
		json_object_del(past->acks, name);
}

void to_past_fold(void *context, const json_t *record)
{
	struct to_past *past = context;
	const char *what = text(record, "what");

	if (!strcmp(what, "intent"))
		intend(past, record);
	else if (!strcmp(what, "live"))
		live(past, record);
	else if (!strcmp(what, "abandoned"))
		forget(&past->open);
	else if (!strcmp(what, "deadline"))
		json_object_set_new(past->overdue, text(record, "edge"),
				    json_string(text(record, "deadline")));
	else if (!strcmp(what, "ack") || !strcmp(what, "unack"))
		acknowledge(past, record, !strcmp(what, "ack"));
	else if (!strcmp(what, "partner-seen") && past->live.record &&
		 !strcmp(text(record, "stage"), past->live.stage))
		json_object_set(past->seen, text(record, "partner"), (json_t *)record);
}

bool to_past_knows(const struct to_past *past, uint64_t generation, uint64_t checksum)
{
	for (size_t i = past->known_count; i-- > 0;)
		if (past->known[i].generation == generation && past->known[i].checksum == checksum)
			return true;
	return false;
}
