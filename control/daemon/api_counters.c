/* SPDX-License-Identifier: BSD-3-Clause */
/* The answer to `counters`: everything that the engine counts, by name. */
#include "api.h"
#include "daemon.h"

static const char *const class_names[] = {TO_NAMES(TO_CLASSES)};
static const char *const reason_names[] = {TO_NAMES(TO_REASONS)};
static const char *const event_names[] = {TO_NAMES(TO_EVENTS)};
static const char *const verdict_names[] = {TO_NAMES(TO_VERDICTS)};
static const char *const entry_names[TO_ENTRY_KIND_COUNT] = {
	[TO_PIN4] = "pins-ipv4",           [TO_PIN6] = "pins-ipv6",      [TO_DIALOG] = "dialogs",
	[TO_TRANSACTION] = "transactions", [TO_AFFINITY] = "affinities", [TO_OWNER] = "owners",
	[TO_FRAGMENT] = "fragments",
};

static json_t *row_json(const struct to_plan *plan, const struct to_region_row *r)
{
	const struct to_plan_edge *edge = r->edge < plan->edges ? &plan->edge[r->edge] : NULL;

	return json_pack("{s:s?, s:s?, s:s?, s:s, s:s, s:I, s:I}", "service",
			 r->service < plan->services ? plan->service[r->service].name : NULL,
			 "pool", edge ? plan->pool[edge->pool].name : NULL, "edge",
			 edge ? edge->name : NULL, "class", class_names[r->class], "reason",
			 reason_names[r->reason], "packets", (json_int_t)r->packets, "bytes",
			 (json_int_t)r->bytes);
}

static json_t *numbers(const char *const *names, const uint64_t *values, int count)
{
	json_t *all = json_object();

	for (int i = 0; i < count; i++)
		json_object_set_new(all, names[i], json_integer((json_int_t)values[i]));
	return all;
}

static json_t *entries(const struct to_region *r)
{
	json_t *all = json_object();

	for (int kind = 0; kind < TO_ENTRY_KIND_COUNT; kind++) {
		const struct to_region_entries *e = r->entries[kind];

		json_object_set_new(all, entry_names[kind],
				    json_pack("{s:{s:I, s:I}, s:{s:I, s:I}}", "unproven", "used",
					      (json_int_t)e[0].used, "capacity",
					      (json_int_t)e[0].capacity, "proven", "used",
					      (json_int_t)e[1].used, "capacity",
					      (json_int_t)e[1].capacity));
	}
	return all;
}

static json_t *named(const struct to_region *r)
{
	json_t *all = json_object();

	for (uint32_t i = 0; i < r->named_count; i++)
		json_object_set_new(all, r->named[i].name,
				    json_integer((json_int_t)r->named[i].value));
	return all;
}

void to_api_counters(struct to_daemon *d, struct to_call *call)
{
	const struct to_region *r = d->view.copy;
	json_t *rows;

	if (to_view_refresh(&d->view, 0) < 0 && !d->view.fresh) {
		to_call_refuse(call, "engine", "no engine is connected");
		return;
	}
	rows = json_array();
	for (uint32_t i = 0; i < r->rows; i++)
		json_array_append_new(rows, row_json(d->plan->plan, &r->row[i]));
	to_call_answer(call, json_pack("{s:o, s:I, s:o, s:o, s:o, s:o}", "rows", rows, "rows_lost",
				       (json_int_t)r->rows_lost, "events",
				       numbers(event_names, r->events, TO_EVENT_COUNT), "verdicts",
				       numbers(verdict_names, r->verdicts, TO_VERDICT_COUNT),
				       "entries", entries(r), "named", named(r)));
}
