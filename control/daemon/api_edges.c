/* SPDX-License-Identifier: BSD-3-Clause */
/* The answer to `edges`. */
#include <string.h>

#include "api.h"
#include "clock.h"
#include "daemon.h"
#include "deadline.h"
#include "drain.h"

static json_t *checks_json(const struct to_daemon *d, uint32_t edge)
{
	const struct to_plan *plan = d->plan->plan;
	json_t *list = json_array();
	struct to_health_check c;
	char last[TO_TIME_TEXT];

	for (unsigned i = 0; i < to_health_count(d->health); i++) {
		to_health_get(d->health, i, &c);
		if (c.edge != edge)
			continue;
		json_array_append_new(
			list,
			json_pack("{s:s?, s:s, s:s, s:s?, s:s}", "service",
				  c.service < plan->services ? plan->service[c.service].name : NULL,
				  "kind", c.kind, "state", to_check_names[c.state], "last",
				  c.at ? to_time_text((int64_t)c.at, last) : NULL, "message",
				  c.message));
	}
	return list;
}

static json_t *entries_json(const struct to_daemon *d, uint32_t edge)
{
	const struct to_plan *plan = d->plan->plan;
	json_t *all = json_object();

	for (uint32_t s = 0; s < TO_VIEW_SERVICES; s++) {
		const uint32_t *n = d->view.flows[edge][s];
		/* "-": no name of a service begins so */
		const char *name = s < plan->services ? plan->service[s].name : "-";

		if (n[0] || n[1])
			json_object_set_new(all, name,
					    json_pack("{s:I, s:I}", "proven", (json_int_t)n[1],
						      "unproven", (json_int_t)n[0]));
	}
	return all;
}

static json_t *draining_json(const struct to_daemon *d, const char *edge)
{
	const json_t *since = json_object_get(d->past.draining, edge);
	char text[TO_TIME_TEXT];

	return since ? json_string(to_time_text(json_integer_value(since), text)) : json_null();
}

static json_t *deadline_json(const struct to_daemon *d, uint32_t edge)
{
	char text[TO_TIME_TEXT];

	if (!d->asked.deadline[edge])
		return json_null();
	return json_string(to_time_text(d->asked.deadline[edge], text));
}

static json_t *edge_json(const struct to_daemon *d, uint32_t i, const uint8_t *states)
{
	static const char *const modes[] = {TO_NAMES(TO_MODES)};
	const struct to_plan_edge *edge = &d->plan->plan->edge[i];
	bool hop = d->view.fresh && d->view.copy->hop[i].usable;
	json_t *evidence = json_array();
	bool safe = to_safe_to_stop(d, i, evidence);

	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:s, s:o, s:b, s:o, s:I, s:I, s:o, s:o, "
			 "s:b, s:b, s:o}",
			 "name", edge->name, "pool", d->plan->plan->pool[edge->pool].name, "mode",
			 modes[edge->mode], "state", to_edge_state_names[states[i]], "asked",
			 to_edge_state_names[d->asked.state[i]], "by_hand", d->asked.by_hand[i],
			 "health", to_health_names[to_health_of(d->health, i)], "checks",
			 checks_json(d, i), "next_hop", hop, "entries", entries_json(d, i), "total",
			 (json_int_t)to_flows_at(d, i), "resettable",
			 (json_int_t)to_resettable_at(d, i), "drained_since",
			 draining_json(d, edge->name), "deadline", deadline_json(d, i), "overdue",
			 to_is_overdue(d, i), "safe_to_stop", safe, "evidence", evidence);
}

json_t *to_edges_json(const struct to_daemon *d)
{
	const struct to_plan *plan = d->plan->plan;
	json_t *list = json_array();
	uint8_t states[TO_MAX_EDGES];

	to_edge_states(&d->asked, &d->unhealthy, plan->edges, states);
	for (uint32_t i = 0; i < plan->edges; i++)
		json_array_append_new(list, edge_json(d, i, states));
	return list;
}

void to_api_edges(struct to_daemon *d, struct to_call *call)
{
	to_view_refresh(&d->view, TO_NS / 5);
	to_call_answer(call, json_pack("{s:o}", "edges", to_edges_json(d)));
}
