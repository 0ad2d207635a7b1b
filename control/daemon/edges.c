/* SPDX-License-Identifier: BSD-3-Clause */
#include "edges.h"

#include <string.h>

#include <turnout/table_read.h>

#include "clock.h"

const char *const to_verb_names[TO_VERB_COUNT] = {"drain", "undrain", "retire", "readmit",
						  "down",  "up",      "reset"};
const char *const to_health_names[] = {"none", "unknown", "up", "down"};
const char *const to_check_names[] = {"unknown", "up", "down"};
const char *const to_edge_state_names[] = {TO_NAMES(TO_EDGE_STATES)};

const char *to_asked_apply(struct to_asked *asked, uint32_t edge, enum to_edge_verb verb)
{
	uint8_t *state = &asked->state[edge];

	if (*state == TO_EDGE_RETIRED && verb != TO_VERB_READMIT)
		return "it is retired, and only readmit changes that";
	switch (verb) {
	case TO_VERB_DRAIN:
		*state = TO_EDGE_DRAINING;
		asked->deadline[edge] = 0;
		return NULL;
	case TO_VERB_UNDRAIN:
		if (*state == TO_EDGE_UP)
			return "it is not draining";
		*state = TO_EDGE_UP;
		asked->deadline[edge] = 0;
		return NULL;
	case TO_VERB_RESET:
		if (*state == TO_EDGE_UP)
			return "it is not draining: drain it, and reset what will not end";
		*state = TO_EDGE_RESETTING;
		return NULL;
	case TO_VERB_RETIRE:
		*state = TO_EDGE_RETIRED;
		asked->deadline[edge] = 0;
		return NULL;
	case TO_VERB_READMIT:
		if (*state != TO_EDGE_RETIRED)
			return "it is not retired";
		*state = TO_EDGE_UP;
		return NULL;
	default:
		asked->by_hand[edge] = verb == TO_VERB_DOWN;
		return NULL;
	}
}

void to_asked_write(const struct to_asked *asked, const struct to_plan *plan, json_t *record)
{
	json_t *states = json_object(), *by_hand = json_array(), *deadlines = json_object();
	char time[TO_TIME_TEXT];

	for (uint32_t i = 0; i < plan->edges; i++) {
		if (asked->state[i] != TO_EDGE_UP)
			json_object_set_new(states, plan->edge[i].name,
					    json_string(to_edge_state_names[asked->state[i]]));
		if (asked->by_hand[i])
			json_array_append_new(by_hand, json_string(plan->edge[i].name));
		if (asked->deadline[i])
			json_object_set_new(deadlines, plan->edge[i].name,
					    json_string(to_time_text(asked->deadline[i], time)));
	}
	json_object_set_new(record, "asked", states);
	json_object_set_new(record, "by_hand", by_hand);
	json_object_set_new(record, "deadlines", deadlines);
}

static void mark(bool *marks, const struct to_plan *plan, const json_t *names)
{
	json_t *name;
	size_t i;

	memset(marks, 0, TO_MAX_EDGES * sizeof(*marks));
	json_array_foreach(names, i, name)
	{
		const char *text = json_string_value(name);
		int edge = text ? to_plan_find_edge(plan, text) : -1;

		if (edge >= 0)
			marks[edge] = true;
	}
}

void to_asked_read(struct to_asked *asked, const struct to_plan *plan, const json_t *record)
{
	static const uint8_t kept[] = {TO_EDGE_DRAINING, TO_EDGE_RETIRED, TO_EDGE_RESETTING};
	const char *name;
	json_t *value;

	memset(asked, 0, sizeof(*asked));
	json_object_foreach(json_object_get(record, "asked"), name, value)
	{
		int edge = to_plan_find_edge(plan, name);
		const char *text = json_string_value(value);

		for (size_t i = 0; edge >= 0 && text && i < sizeof(kept); i++)
			if (!strcmp(text, to_edge_state_names[kept[i]]))
				asked->state[edge] = kept[i];
	}
	json_object_foreach(json_object_get(record, "deadlines"), name, value)
	{
		int edge = to_plan_find_edge(plan, name);
		const char *text = json_string_value(value);
		int64_t at = edge >= 0 && text ? to_time_read(text) : 0;

		if (at > 0)
			asked->deadline[edge] = at;
	}
	mark(asked->by_hand, plan, json_object_get(record, "by_hand"));
}

void to_asked_from_table(struct to_asked *asked, const struct to_table *table)
{
	memset(asked, 0, sizeof(*asked));
	for (uint32_t i = 0; i < to_table_edge_count(table); i++) {
		uint8_t state = to_table_edges(table)[i].state;

		if (state == TO_EDGE_DOWN)
			asked->by_hand[i] = true;
		else
			asked->state[i] = state;
	}
}

enum to_edge_health to_health_of(const struct to_health *health, uint32_t edge)
{
	enum to_edge_health all = TO_HEALTH_NONE;
	struct to_health_check check;

	for (unsigned i = 0; i < to_health_count(health); i++) {
		to_health_get(health, i, &check);
		if (check.edge != edge)
			continue;
		if (check.state == TO_CHECK_DOWN)
			return TO_HEALTH_DOWN;
		if (check.state == TO_CHECK_UNKNOWN)
			all = TO_HEALTH_UNKNOWN;
		else if (all == TO_HEALTH_NONE)
			all = TO_HEALTH_UP;
	}
	return all;
}

bool to_unhealthy_update(struct to_unhealthy *u, const struct to_health *health, uint32_t edges)
{
	bool changed = false;

	for (uint32_t i = 0; i < edges; i++) {
		enum to_edge_health now = to_health_of(health, i);
		bool down = now == TO_HEALTH_UNKNOWN ? u->down[i] : now == TO_HEALTH_DOWN;

		changed |= down != u->down[i];
		u->down[i] = down;
	}
	return changed;
}

void to_unhealthy_write(const struct to_unhealthy *u, const struct to_plan *plan, json_t *record)
{
	json_t *names = json_array();

	for (uint32_t i = 0; i < plan->edges; i++)
		if (u->down[i])
			json_array_append_new(names, json_string(plan->edge[i].name));
	json_object_set_new(record, "unhealthy", names);
}

void to_unhealthy_read(struct to_unhealthy *u, const struct to_plan *plan, const json_t *record)
{
	mark(u->down, plan, json_object_get(record, "unhealthy"));
}

void to_edge_states(const struct to_asked *asked, const struct to_unhealthy *u, uint32_t edges,
		    uint8_t out[TO_MAX_EDGES])
{
	memset(out, TO_EDGE_UP, TO_MAX_EDGES);
	for (uint32_t i = 0; i < edges; i++) {
		out[i] = asked->state[i];
		if (out[i] == TO_EDGE_UP && (asked->by_hand[i] || u->down[i]))
			out[i] = TO_EDGE_DOWN;
	}
}
