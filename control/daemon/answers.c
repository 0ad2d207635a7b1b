/* SPDX-License-Identifier: BSD-3-Clause */
#include "answers.h"

#include <string.h>

#include "clock.h"
#include "plan.h"
#include "view.h"

/* A flow could come and go unseen between two censuses that are further apart. */
#define MISSED (TO_UNPROVEN_LIFE * TO_NS)

void to_answers_begin(struct to_answers *a)
{
	*a = (struct to_answers){.from = to_boot_ns() + TO_ANSWERS_SETTLE * TO_NS};
}

/* Entries that did not live out their time, or did though they were answered. */
static uint64_t disturbed(const struct to_view *v)
{
	return v->copy->events[TO_EVENT_ENTRY_LOST] + v->copy->events[TO_EVENT_DISPLACED] +
	       v->copy->events[TO_EVENT_TABLE_FULL];
}

static void begin_counting(struct to_answers *a, const struct to_view *v)
{
	a->disturbed = disturbed(v);
	memcpy(a->tried, v->tried, sizeof(a->tried));
}

static void add(struct to_answers *a, const struct to_view *v, uint64_t ns)
{
	for (int s = 0; s < TO_MAX_SERVICES; s++)
		for (int e = 0; e < TO_MAX_EDGES; e++)
			a->unanswered_ns[s][e] += v->unanswered[s][e] * ns;
}

void to_answers_take(struct to_answers *a, const struct to_view *v)
{
	if (!a->from || !v->fresh || v->census < a->from || v->census == a->census)
		return;
	if (!a->census)
		begin_counting(a, v);
	else
		add(a, v, v->census - a->census);
	a->broken |= v->cut || disturbed(v) != a->disturbed ||
		     (a->census && v->census - a->census > MISSED);
	a->census = v->census;
}

bool to_answers_of(const struct to_answers *a, const struct to_view *v, const struct to_plan *plan,
		   uint32_t service, uint32_t pool, struct to_answered *out)
{
	const struct to_plan_pool *p = &plan->pool[pool];
	uint64_t ns = 0;

	*out = (struct to_answered){0};
	if (!a->census || a->broken || !v->fresh)
		return false;
	for (int i = 0; i < p->edges; i++) {
		int e = p->first_edge + i;

		if (v->tried[service][e] < a->tried[service][e]) /* counters were begun anew */
			return false;
		out->tried += v->tried[service][e] - a->tried[service][e];
		ns += a->unanswered_ns[service][e];
	}
	out->unanswered = ns / (TO_UNPROVEN_LIFE * TO_NS);
	return true;
}

json_t *to_answers_json(const struct to_answers *a, const struct to_view *v,
			const struct to_plan *plan)
{
	json_t *all = json_object();
	struct to_answered n;

	for (uint32_t s = 0; s < plan->services; s++) {
		json_t *pools = json_object();

		for (int role = TO_LEGACY; role <= TO_NEW; role++) {
			uint8_t pool = plan->service[s].pool[role];

			if (to_answers_of(a, v, plan, s, pool, &n) && n.tried)
				json_object_set_new(pools, plan->pool[pool].name,
						    json_pack("{s:I, s:I}", "tried",
							      (json_int_t)n.tried, "unanswered",
							      (json_int_t)n.unanswered));
		}
		if (json_object_size(pools))
			json_object_set(all, plan->service[s].name, pools);
		json_decref(pools);
	}
	if (json_object_size(all))
		return all;
	json_decref(all);
	return NULL;
}
