/* SPDX-License-Identifier: BSD-3-Clause */
#include "shrink.h"

#include <string.h>

/* What is left out leaves its time behind, so that the rest still happens when it did. */
static void leave_out(struct schedule *s, const bool *out)
{
	uint32_t kept = 0, wait = 0;

	for (uint32_t i = 0; i < s->events; i++) {
		wait += s->event[i].wait;
		if (out[i])
			continue;
		s->event[kept] = s->event[i];
		s->event[kept++].wait = wait;
		wait = 0;
	}
	s->events = kept;
}

static bool try_without(struct game *g, struct schedule *s, enum rig_fault fault, const bool *out)
{
	struct schedule less = *s;

	leave_out(&less, out);
	if (less.events == s->events || game_play(g, &less, fault, NULL))
		return false;
	*s = less;
	return true;
}

static void without_flows(struct game *g, struct schedule *s, enum rig_fault fault)
{
	for (int f = 0; f < MAX_FLOWS; f++) {
		bool out[MAX_EVENTS];

		for (uint32_t i = 0; i < s->events; i++)
			out[i] = s->event[i].type == EVENT_FLOW && s->event[i].flow == f;
		try_without(g, s, fault, out);
	}
}

static bool without_runs(struct game *g, struct schedule *s, enum rig_fault fault, uint32_t length)
{
	bool any = false;

	for (uint32_t from = 0; from < s->events;) {
		bool out[MAX_EVENTS] = {false};

		for (uint32_t i = from; i < from + length && i < s->events; i++)
			out[i] = true;
		if (try_without(g, s, fault, out))
			any = true;
		else
			from += length;
	}
	return any;
}

void shrink(struct game *g, struct schedule *s, enum rig_fault fault)
{
	bool again = true;

	without_flows(g, s, fault);
	for (uint32_t length = 64; length; length /= 2)
		without_runs(g, s, fault, length);
	while (again)
		again = without_runs(g, s, fault, 1);
}
