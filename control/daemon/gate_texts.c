/* SPDX-License-Identifier: BSD-3-Clause */
#include "gate_texts.h"

#include <stdarg.h>
#include <stdio.h>

#include "clock.h"

void to_say(struct to_text *t, const char *format, ...)
{
	size_t room = sizeof(t->text) - t->used;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(t->text + t->used, room, format, args);
	va_end(args);
	if (n > 0)
		t->used += (size_t)n < room ? (size_t)n : room - 1;
}

static const char *service(const struct to_plan *plan, const struct to_plan_gate *g)
{
	return plan->service[g->service].name;
}

static const char *pool(const struct to_plan *plan, const struct to_plan_gate *g)
{
	return plan->pool[g->pool].name;
}

static void say_drained(struct to_text *t, const struct to_plan *plan, const struct to_plan_gate *g)
{
	char length[TO_LENGTH_TEXT];

	if (g->edge != TO_NO_INDEX)
		to_say(t, "nothing has lived at edge %s", plan->edge[g->edge].name);
	else
		to_say(t, "nothing has lived in pool %s", pool(plan, g));
	to_say(t, " for %s", to_length_text(g->seconds, length));
	for (uint32_t i = 0; i < g->items; i++)
		to_say(t, "%s%s", i ? ", " : ", but for ", plan->service[g->item[i]].name);
}

static void say_items(struct to_text *t, const struct to_plan *plan, const struct to_plan_gate *g)
{
	for (uint32_t i = 0; i < g->items; i++)
		to_say(t, "%s%s", i ? ", " : "",
		       g->kind == TO_GATE_PREFLIGHT ? to_preflight_names[g->item[i]]
						    : plan->partner[g->item[i]].name);
}

static void say_gate(struct to_text *t, const struct to_plan *plan, uint32_t stage,
		     const struct to_plan_gate *g)
{
	char length[TO_LENGTH_TEXT];

	switch ((enum to_gate_kind)g->kind) {
	case TO_GATE_SOAK:
		to_say(t, "%s has been live for %s", plan->stage[stage].name,
		       to_length_text(g->seconds, length));
		break;
	case TO_GATE_CONNECTIONS:
		to_say(t, "at least %llu flows of %s went to pool %s in this stage",
		       (unsigned long long)g->number, service(plan, g), pool(plan, g));
		break;
	case TO_GATE_FAILURES:
		to_say(t,
		       "no larger a share of the new flows of %s goes unanswered than in stage %s",
		       service(plan, g), plan->stage[g->stage].name);
		break;
	case TO_GATE_NEW_FLOWS:
		to_say(t, "at most %llu new flows of %s go to pool %s",
		       (unsigned long long)g->number, service(plan, g), pool(plan, g));
		break;
	case TO_GATE_ACK:
		to_say(t, "a person has acknowledged %s", g->ack);
		break;
	case TO_GATE_PARTNERS_SEEN:
		to_say(t, "an answered flow was seen, where this stage sends it, of %s",
		       g->all ? "every partner" : "");
		say_items(t, plan, g);
		break;
	case TO_GATE_DRAINED:
		say_drained(t, plan, g);
		break;
	case TO_GATE_PREFLIGHT:
		to_say(t, "good: ");
		say_items(t, plan, g);
		break;
	case TO_GATE_KIND_COUNT:
		break;
	}
}

const char *to_gate_text(const struct to_plan *plan, uint32_t stage, const struct to_plan_gate *g,
			 char out[TO_GATE_TEXT])
{
	struct to_text t = {0};

	say_gate(&t, plan, stage, g);
	snprintf(out, TO_GATE_TEXT, "%.*s", TO_GATE_TEXT - 1, t.text);
	return out;
}
