/* SPDX-License-Identifier: BSD-3-Clause */
#include "counters_json.h"
#include "table_view.h"

static const char *const class_names[] = {TO_NAMES(TO_CLASSES)};
static const char *const event_names[] = {TO_NAMES(TO_EVENTS)};
static const char *const reason_names[] = {TO_NAMES(TO_REASONS)};
static const char *const verdict_names[] = {TO_NAMES(TO_VERDICTS)};

/* A counter that its worker may be writing: read once, whole. */
static uint64_t read_once(const uint64_t *p)
{
	return __atomic_load_n(p, __ATOMIC_RELAXED);
}

json_t *to_verdicts_json(const struct to_counters *const *workers, unsigned n)
{
	json_t *j = json_object();

	for (int v = 0; v < TO_VERDICT_COUNT; v++) {
		uint64_t sum = 0;

		for (unsigned i = 0; i < n; i++)
			sum += read_once(&workers[i]->verdicts[v]);
		json_object_set_new(j, verdict_names[v], json_integer((json_int_t)sum));
	}
	return j;
}

json_t *to_events_json(const struct to_counters *const *workers, unsigned n)
{
	json_t *j = json_object();

	for (int e = 0; e < TO_EVENT_COUNT; e++) {
		uint64_t sum = 0;

		for (unsigned i = 0; i < n; i++)
			sum += read_once(&workers[i]->events[e]);
		json_object_set_new(j, event_names[e], json_integer((json_int_t)sum));
	}
	return j;
}

static json_t *name_json(const char *name)
{
	return name ? json_string(name) : json_null();
}

static void add_cell(json_t *all, const struct to_counters *const *workers, unsigned n,
		     const struct to_table *t, uint8_t service, uint8_t class, uint8_t edge,
		     uint8_t reason)
{
	uint32_t cell = to_counters_cell(service, class, edge, reason);
	struct to_count sum = {0};

	for (unsigned i = 0; i < n; i++) {
		sum.packets += read_once(&workers[i]->cell[cell].packets);
		sum.bytes += read_once(&workers[i]->cell[cell].bytes);
	}
	if (!sum.packets)
		return;
	json_array_append_new(
		all,
		json_pack("{s:o, s:s, s:o, s:o, s:s, s:I, s:I}", "service",
			  name_json(to_view_service_name(t, service)), "class", class_names[class],
			  "pool", name_json(to_view_pool_name(t, edge)), "edge",
			  name_json(to_view_edge_name(t, edge)), "reason", reason_names[reason],
			  "packets", (json_int_t)sum.packets, "bytes", (json_int_t)sum.bytes));
}

/* Index `i` of `count` names, the last of them standing for "none". */
static uint8_t or_none(uint32_t i, uint32_t count)
{
	return i < count ? (uint8_t)i : TO_NO_INDEX;
}

json_t *to_cells_json(const struct to_counters *const *workers, unsigned n,
		      const struct to_table *table)
{
	uint32_t services = table ? to_table_service_count(table) : 0;
	uint32_t edges = table ? to_table_edge_count(table) : 0;
	json_t *all = json_array();

	for (uint32_t s = 0; table && s <= services; s++) {
		for (uint32_t c = 0; c < TO_CLASS_COUNT; c++) {
			for (uint32_t e = 0; e <= edges; e++) {
				for (uint32_t r = 0; r < TO_REASON_COUNT; r++)
					add_cell(all, workers, n, table, or_none(s, services), c,
						 or_none(e, edges), r);
			}
		}
	}
	return all;
}
