/* SPDX-License-Identifier: BSD-3-Clause */
/* The answers to `stages`, `preview`, `history`. */
#include <stdlib.h>

#include "api.h"
#include "daemon.h"
#include "gates.h"

#define MAX_HISTORY TO_JOURNAL_RECENT
#define MAX_CHANGES 1000

void to_api_stages(struct to_daemon *d, struct to_call *call)
{
	const struct to_plan *plan = d->plan->plan;
	json_t *list = json_array();

	to_view_refresh(&d->view, 0);
	for (uint32_t i = 0; i < plan->stages; i++)
		json_array_append_new(
			list, json_pack("{s:s, s:b, s:o}", "name", plan->stage[i].name, "live",
					to_live_stage(d) == (int)i, "gates", to_gates_of(d, i)));
	to_call_answer(call, json_pack("{s:o}", "stages", list));
}

static void add_change(json_t *list, const char *service, const char *who, uint16_t from,
		       uint16_t to)
{
	if (from != to && json_array_size(list) < MAX_CHANGES)
		json_array_append_new(list,
				      json_pack("{s:s, s:s, s:f, s:f}", "service", service, "who",
						who, "from", from / 100.0, "to", to / 100.0));
}

/* Shares of each partner in both stages: the exception's, or everyone's. */
static void compare_partners(const struct to_plan *plan, const struct to_plan_route *a,
			     const struct to_plan_route *b, const char *service, json_t *list)
{
	uint16_t *share = malloc((plan->partners + 1) * 2 * sizeof(*share));

	if (!share)
		return;
	for (uint32_t i = 0; i < plan->partners; i++) {
		share[2 * i] = a->share;
		share[2 * i + 1] = b->share;
	}
	for (uint32_t i = 0; i < a->exceptions; i++)
		share[2 * a->exception[i].partner] = a->exception[i].share;
	for (uint32_t i = 0; i < b->exceptions; i++)
		share[2 * b->exception[i].partner + 1] = b->exception[i].share;
	for (uint32_t i = 0; i < plan->partners; i++)
		if (share[2 * i] != a->share || share[2 * i + 1] != b->share)
			add_change(list, service, plan->partner[i].name, share[2 * i],
				   share[2 * i + 1]);
	free(share);
}

json_t *to_changes_json(const struct to_plan *plan, int from, uint32_t to)
{
	static const struct to_plan_route nothing; /* no stage: everything is legacy's */
	json_t *list = json_array();

	for (uint32_t i = 0; i < plan->services; i++) {
		const struct to_plan_route *a = from < 0 ? &nothing : &plan->stage[from].route[i];
		const struct to_plan_route *b = &plan->stage[to].route[i];

		add_change(list, plan->service[i].name, "everyone", a->share, b->share);
		compare_partners(plan, a, b, plan->service[i].name, list);
	}
	return list;
}

void to_api_preview(struct to_daemon *d, struct to_call *call)
{
	const char *name = to_request_text(&call->request, "to");
	int from = to_live_stage(d), to;

	if (!name) {
		to_call_refuse(call, "usage", "preview: 'to' is missing: a stage's name");
		return;
	}
	to = to_call_stage(call, name);
	if (to < 0)
		return;
	to_view_refresh(&d->view, 0);
	to_call_answer(call,
		       json_pack("{s:s?, s:s, s:o, s:o}", "from", to_live_stage_name(d), "to", name,
				 "changes", to_changes_json(d->plan->plan, from, (uint32_t)to),
				 "gates", to_gates_between(d, from, (uint32_t)to)));
}

void to_api_history(struct to_daemon *d, struct to_call *call)
{
	json_int_t limit = to_request_number(&call->request, "limit", 50);
	size_t count = json_array_size(d->journal.recent), i;
	json_t *list;

	if (limit < 1 || limit > MAX_HISTORY) {
		to_call_refuse(call, "usage", "history: limit is 1 to %d", MAX_HISTORY);
		return;
	}
	list = json_array();
	i = count > (size_t)limit ? count - (size_t)limit : 0;
	for (; i < count; i++)
		json_array_append(list, json_array_get(d->journal.recent, i));
	to_call_answer(call, json_pack("{s:o}", "records", list));
}
