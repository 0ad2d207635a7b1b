/* SPDX-License-Identifier: BSD-3-Clause */
/* What the engine counts, as metrics. */
#include <stdbool.h>

#include <turnout/lists.h>

#include "metrics_sample.h"

static const char *const verdicts[] = {TO_NAMES(TO_VERDICTS)};
static const char *const events[] = {TO_NAMES(TO_EVENTS)};
static const char *const kinds[TO_ENTRY_KIND_COUNT] = {
	[TO_PIN4] = "pins-ipv4",           [TO_PIN6] = "pins-ipv6",      [TO_DIALOG] = "dialogs",
	[TO_TRANSACTION] = "transactions", [TO_AFFINITY] = "affinities", [TO_OWNER] = "owners",
	[TO_FRAGMENT] = "fragments"};

static void write_workers(FILE *out, const struct to_region *r)
{
	uint32_t count = r->workers < TO_PROTOCOL_WORKERS ? r->workers : TO_PROTOCOL_WORKERS;
	char number[12];

	to_metric_family(out, "worker_generation", "gauge",
			 "The generation that the worker decides by.");
	for (uint32_t i = 0; i < count; i++) {
		snprintf(number, sizeof(number), "%u", i);
		to_metric_sample(out, "worker_generation", (double)r->worker[i].generation,
				 TO_LABELS({"worker", number}));
	}
	to_metric_family(out, "worker_silence_seconds", "gauge",
			 "Since the worker was last seen to run.");
	for (uint32_t i = 0; i < count; i++) {
		snprintf(number, sizeof(number), "%u", i);
		to_metric_sample(out, "worker_silence_seconds",
				 (double)r->worker[i].silent_ns / 1e9,
				 TO_LABELS({"worker", number}));
	}
	to_metric_family(out, "worker_packets_total", "counter",
			 "Packets that the worker has received.");
	for (uint32_t i = 0; i < count; i++) {
		snprintf(number, sizeof(number), "%u", i);
		to_metric_sample(out, "worker_packets_total", (double)r->worker[i].packets,
				 TO_LABELS({"worker", number}));
	}
}

static void write_entries(FILE *out, const struct to_region *r, bool capacity)
{
	const char *name = capacity ? "entries_capacity" : "entries";

	to_metric_family(
		out, name, "gauge",
		capacity ? "Places of a kind of entry."
			 : "Places that are taken, by dead entries too until they are reclaimed.");
	for (int kind = 0; kind < TO_ENTRY_KIND_COUNT; kind++) {
		for (int proven = 0; proven < 2; proven++) {
			const struct to_region_entries *e = &r->entries[kind][proven];

			if (e->capacity)
				to_metric_sample(out, name, capacity ? e->capacity : e->used,
						 TO_LABELS({"kind", kinds[kind]},
							   {"proven", proven ? "yes" : "no"}));
		}
	}
}

static void write_named(FILE *out, const struct to_region *r)
{
	to_metric_family(out, "engine_events_total", "counter",
			 "What only one kind of engine knows, by name.");
	for (uint32_t i = 0; i < r->named_count && i < TO_REGION_NAMED; i++) {
		char name[sizeof(r->named[i].name) + 1];

		snprintf(name, sizeof(name), "%.*s", (int)sizeof(r->named[i].name),
			 r->named[i].name);
		to_metric_sample(out, "engine_events_total", (double)r->named[i].value,
				 TO_LABELS({"event", name}));
	}
}

void to_metrics_region(FILE *out, const struct to_region *r, uint64_t now_ns)
{
	to_metric_family(out, "verdicts_total", "counter", "Packets by what became of them.");
	for (int i = 0; i < TO_VERDICT_COUNT; i++)
		to_metric_sample(out, "verdicts_total", (double)r->verdicts[i],
				 TO_LABELS({"verdict", verdicts[i]}));
	to_metric_family(out, "events_total", "counter", "What happened beside verdicts.");
	for (int i = 0; i < TO_EVENT_COUNT; i++)
		to_metric_sample(out, "events_total", (double)r->events[i],
				 TO_LABELS({"event", events[i]}));
	write_entries(out, r, false);
	write_entries(out, r, true);
	write_workers(out, r);
	write_named(out, r);
	to_metric_family(out, "engine_silence_seconds", "gauge",
			 "Since the engine renewed its counters.");
	to_metric_sample(out, "engine_silence_seconds",
			 now_ns > r->renewed_ns ? (double)(now_ns - r->renewed_ns) / 1e9 : 0, NULL);
	to_metric_family(out, "rows_lost", "gauge",
			 "Rows of counters for which there was no room.");
	to_metric_sample(out, "rows_lost", r->rows_lost, NULL);
}
