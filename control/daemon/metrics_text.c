/* SPDX-License-Identifier: BSD-3-Clause */
#include "metrics_text.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <turnout/lists.h>

static const char *const verdicts[] = {TO_NAMES(TO_VERDICTS)};
static const char *const events[] = {TO_NAMES(TO_EVENTS)};
static const char *const states[] = {TO_NAMES(TO_EDGE_STATES)};
static const char *const healths[] = {"up", "down", "unknown", "none"};
static const char *const kinds[TO_ENTRY_KIND_COUNT] = {
	[TO_PIN4] = "pins-ipv4",           [TO_PIN6] = "pins-ipv6",      [TO_DIALOG] = "dialogs",
	[TO_TRANSACTION] = "transactions", [TO_AFFINITY] = "affinities", [TO_OWNER] = "owners",
	[TO_FRAGMENT] = "fragments"};
static const double bounds[TO_METRICS_BUCKETS - 1] = TO_METRICS_BOUNDS;

void to_metrics_took_add(struct to_metrics_took *took, uint64_t microseconds)
{
	double s = (double)microseconds / 1e6;
	size_t i = 0;

	while (i < TO_METRICS_BUCKETS - 1 && s > bounds[i])
		i++;
	took->bucket[i]++;
	took->sum += s;
}

static void family(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# HELP turnout_%s %s\n# TYPE turnout_%s %s\n", name, help, name, type);
}

/* A label's value: what is null or no text is empty, which is as if the label were not there. */
static void label_value(FILE *out, const char *text)
{
	for (; text && *text; text++) {
		if (*text == '\n')
			fputs("\\n", out);
		else if (*text == '\\' || *text == '"')
			fprintf(out, "\\%c", *text);
		else
			fputc(*text, out);
	}
}

struct label {
	const char *name;
	const char *value;
};
#define LABELS(...)                                                                                \
	(const struct label[])                                                                     \
	{                                                                                          \
		__VA_ARGS__,                                                                       \
		{                                                                                  \
			NULL, NULL                                                                 \
		}                                                                                  \
	}

/* turnout_NAME{label="value",…} number */
static void sample(FILE *out, const char *name, double number, const struct label *labels)
{
	/* whole numbers to their last digit, as far as a double has them */
	bool whole = number > -9e15 && number < 9e15 && number == (double)(int64_t)number;

	fprintf(out, "turnout_%s", name);
	for (const struct label *l = labels; l && l->name; l++) {
		fprintf(out, "%c%s=\"", l == labels ? '{' : ',', l->name);
		label_value(out, l->value);
		fputc('"', out);
	}
	fprintf(out, whole ? "%s %.0f\n" : "%s %.9g\n", labels ? "}" : "", number);
}

static const char *text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static double number_of(const json_t *object, const char *key)
{
	return json_number_value(json_object_get(object, key));
}

static bool is_text(const char *a, const char *b)
{
	return a && !strcmp(a, b);
}

/* A gauge of one number that is there or not. */
static void one(FILE *out, const char *name, const char *type, const char *help,
		const json_t *value)
{
	if (!json_is_number(value) && !json_is_boolean(value))
		return;
	family(out, name, type, help);
	sample(out, name, json_is_boolean(value) ? json_is_true(value) : json_number_value(value),
	       NULL);
}

static void write_stage(FILE *out, const json_t *status)
{
	const char *stage = text_of(status, "stage");

	if (stage) {
		family(out, "stage", "gauge", "1 for the stage that is live.");
		sample(out, "stage", 1,
		       LABELS({"site", text_of(status, "site")}, {"stage", stage}));
	}
	one(out, "generation", "gauge", "The generation that decides.",
	    json_object_get(status, "generation"));
	one(out, "live", "gauge", "1 when every worker decides by that generation.",
	    json_object_get(status, "live"));
	family(out, "switching", "gauge", "1 while a change is under way.");
	sample(out, "switching", json_is_object(json_object_get(status, "switching")), NULL);
	one(out, "uptime_seconds", "gauge", "Since turnoutd began.",
	    json_object_get(status, "uptime"));
	one(out, "journal_ok", "gauge", "0 when the journal cannot be written.",
	    json_object_get(json_object_get(status, "journal"), "ok"));
}

static void write_engine(FILE *out, const json_t *status)
{
	const json_t *engine = json_object_get(status, "engine");
	json_t *port;
	size_t i;

	family(out, "engine_connected", "gauge", "1 when an engine is connected.");
	sample(out, "engine_connected", json_is_object(engine), NULL);
	if (!json_is_object(engine))
		return;
	family(out, "engine_info", "gauge", "1 for the engine that is connected.");
	sample(out, "engine_info", 1,
	       LABELS({"kind", text_of(engine, "kind")}, {"build", text_of(engine, "build")}));
	if (!json_array_size(json_object_get(engine, "ports")))
		return;
	family(out, "port_up", "gauge", "1 when the port can carry frames.");
	json_array_foreach(json_object_get(engine, "ports"), i, port)
	{
		sample(out, "port_up", json_is_true(json_object_get(port, "up")),
		       LABELS({"port", text_of(port, "name")}, {"zone", text_of(port, "zone")}));
	}
}

/* One of the pools' or services' numbers; `labelled` is what the object is called. */
static void each(FILE *out, const json_t *array, const char *labelled, const char *name,
		 const char *key, const char *help)
{
	json_t *object;
	size_t i;

	family(out, name, "gauge", help);
	json_array_foreach(array, i, object)
	{
		sample(out, name, number_of(object, key),
		       LABELS({labelled, text_of(object, "name")}));
	}
}

static void write_shares(FILE *out, const json_t *services)
{
	json_t *service, *exception;
	size_t i, k;

	family(out, "new_share_ratio", "gauge",
	       "The part of new clients that goes to the new pool; partner empty: everyone else.");
	json_array_foreach(services, i, service)
	{
		const json_t *share = json_object_get(service, "share");

		sample(out, "new_share_ratio", number_of(share, "default") / 100,
		       LABELS({"service", text_of(service, "name")}, {"partner", ""}));
		json_array_foreach(json_object_get(share, "exceptions"), k, exception)
		{
			sample(out, "new_share_ratio", number_of(exception, "share") / 100,
			       LABELS({"service", text_of(service, "name")},
				      {"partner", text_of(exception, "partner")}));
		}
	}
}

static void write_flows(FILE *out, const json_t *services)
{
	json_t *service, *flows;
	size_t i;

	family(out, "new_flows_total", "counter", "Flows that a pool's edges were given.");
	json_array_foreach(services, i, service)
	{
		flows = json_object_get(service, "new_flows");
		for (int new = 0; new < 2; new ++)
			sample(out, "new_flows_total", number_of(flows, new ? "new" : "legacy"),
			       LABELS({"service", text_of(service, "name")},
				      {"role", new ? "new" : "legacy"}));
	}
}

/* A sample for each thing that an edge can be: 1 for what it is. */
static void write_one_of(FILE *out, const char *name, const char *label, const json_t *edge,
			 const char *key, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		sample(out, name, is_text(text_of(edge, key), words[i]),
		       LABELS({"edge", text_of(edge, "name")}, {"pool", text_of(edge, "pool")},
			      {label, words[i]}));
}

static void write_edge_states(FILE *out, const json_t *edges)
{
	json_t *edge;
	size_t i;

	family(out, "edge_state", "gauge", "1 for the state that the edge is in.");
	json_array_foreach(edges, i, edge)
	{
		write_one_of(out, "edge_state", "state", edge, "state", states,
			     TO_EDGE_STATE_COUNT);
	}

	family(out, "edge_health", "gauge", "1 for what the health checks say of the edge.");
	json_array_foreach(edges, i, edge)
	{
		write_one_of(out, "edge_health", "health", edge, "health", healths,
			     sizeof(healths) / sizeof(healths[0]));
	}

	family(out, "edge_next_hop", "gauge", "1 when frames to the edge can leave.");
	json_array_foreach(edges, i, edge)
	{
		sample(out, "edge_next_hop", json_is_true(json_object_get(edge, "next_hop")),
		       LABELS({"edge", text_of(edge, "name")}, {"pool", text_of(edge, "pool")}));
	}

	family(out, "edge_safe_to_stop", "gauge", "1 when nothing is left on the edge.");
	json_array_foreach(edges, i, edge)
	{
		sample(out, "edge_safe_to_stop",
		       json_is_true(json_object_get(edge, "safe_to_stop")),
		       LABELS({"edge", text_of(edge, "name")}, {"pool", text_of(edge, "pool")}));
	}
}

static void write_edge_entries(FILE *out, const json_t *edges)
{
	json_t *edge, *counts;
	const char *service;
	size_t i;

	family(out, "live_entries", "gauge", "Live flows and their kin at the last census.");
	json_array_foreach(edges, i, edge)
	{
		json_object_foreach(json_object_get(edge, "entries"), service, counts)
		{
			for (int proven = 0; proven < 2; proven++)
				sample(out, "live_entries",
				       number_of(counts, proven ? "proven" : "unproven"),
				       LABELS({"edge", text_of(edge, "name")},
					      {"pool", text_of(edge, "pool")}, {"service", service},
					      {"proven", proven ? "yes" : "no"}));
		}
	}
}

static void write_checks(FILE *out, const json_t *edges)
{
	json_t *edge, *check;
	size_t i, k;

	family(out, "check_up", "gauge",
	       "1 when a health check is good; absent until it is known.");
	json_array_foreach(edges, i, edge)
	{
		json_array_foreach(json_object_get(edge, "checks"), k, check)
		{
			const char *state = text_of(check, "state");

			if (is_text(state, "up") || is_text(state, "down"))
				sample(out, "check_up", is_text(state, "up"),
				       LABELS({"edge", text_of(edge, "name")},
					      {"service", text_of(check, "service")},
					      {"check", text_of(check, "kind")}));
		}
	}
}

static void write_alarms(FILE *out, const json_t *alarms)
{
	json_t *alarm;
	size_t i;

	family(out, "alarms", "gauge", "How many things are not right.");
	sample(out, "alarms", (double)json_array_size(alarms), NULL);
	family(out, "alarm", "gauge", "1 for each thing that is not right.");
	json_array_foreach(alarms, i, alarm)
	{
		sample(out, "alarm", 1, LABELS({"alarm", text_of(alarm, "name")}));
	}
}

static void write_status(FILE *out, const json_t *status)
{
	const json_t *edges = json_object_get(status, "edges");
	const json_t *pools = json_object_get(status, "pools");

	write_stage(out, status);
	write_engine(out, status);
	each(out, pools, "pool", "pool_edges", "edges", "Edges of the pool.");
	each(out, pools, "pool", "pool_edges_up", "up", "Edges of the pool that admit new flows.");
	write_shares(out, json_object_get(status, "services"));
	write_flows(out, json_object_get(status, "services"));
	write_edge_states(out, edges);
	write_edge_entries(out, edges);
	write_checks(out, edges);
	write_alarms(out, json_object_get(status, "alarms"));
}

static void write_rows(FILE *out, const json_t *rows, const char *name, const char *key,
		       const char *help)
{
	json_t *row;
	size_t i;

	family(out, name, "counter", help);
	json_array_foreach(rows, i, row)
	{
		sample(out, name, number_of(row, key),
		       LABELS({"service", text_of(row, "service")}, {"pool", text_of(row, "pool")},
			      {"edge", text_of(row, "edge")}, {"class", text_of(row, "class")},
			      {"reason", text_of(row, "reason")}));
	}
}

static void write_workers(FILE *out, const struct to_region *r)
{
	uint32_t count = r->workers < TO_PROTOCOL_WORKERS ? r->workers : TO_PROTOCOL_WORKERS;
	char number[12];

	family(out, "worker_generation", "gauge", "The generation that the worker decides by.");
	for (uint32_t i = 0; i < count; i++) {
		snprintf(number, sizeof(number), "%u", i);
		sample(out, "worker_generation", (double)r->worker[i].generation,
		       LABELS({"worker", number}));
	}
	family(out, "worker_silence_seconds", "gauge", "Since the worker was last seen to run.");
	for (uint32_t i = 0; i < count; i++) {
		snprintf(number, sizeof(number), "%u", i);
		sample(out, "worker_silence_seconds", (double)r->worker[i].silent_ns / 1e9,
		       LABELS({"worker", number}));
	}
	family(out, "worker_packets_total", "counter", "Packets that the worker has received.");
	for (uint32_t i = 0; i < count; i++) {
		snprintf(number, sizeof(number), "%u", i);
		sample(out, "worker_packets_total", (double)r->worker[i].packets,
		       LABELS({"worker", number}));
	}
}

static void write_entries(FILE *out, const struct to_region *r, bool capacity)
{
	const char *name = capacity ? "entries_capacity" : "entries";

	family(out, name, "gauge",
	       capacity ? "Places of a kind of entry."
			: "Places that are taken, by dead entries too until they are reclaimed.");
	for (int kind = 0; kind < TO_ENTRY_KIND_COUNT; kind++) {
		for (int proven = 0; proven < 2; proven++) {
			const struct to_region_entries *e = &r->entries[kind][proven];

			if (e->capacity)
				sample(out, name, capacity ? e->capacity : e->used,
				       LABELS({"kind", kinds[kind]},
					      {"proven", proven ? "yes" : "no"}));
		}
	}
}

static void write_named(FILE *out, const struct to_region *r)
{
	family(out, "engine_events_total", "counter",
	       "What only one kind of engine knows, by name.");
	for (uint32_t i = 0; i < r->named_count && i < TO_REGION_NAMED; i++) {
		char name[sizeof(r->named[i].name) + 1];

		snprintf(name, sizeof(name), "%.*s", (int)sizeof(r->named[i].name),
			 r->named[i].name);
		sample(out, "engine_events_total", (double)r->named[i].value,
		       LABELS({"event", name}));
	}
}

static void write_region(FILE *out, const struct to_region *r, uint64_t now_ns)
{
	family(out, "verdicts_total", "counter", "Packets by what became of them.");
	for (int i = 0; i < TO_VERDICT_COUNT; i++)
		sample(out, "verdicts_total", (double)r->verdicts[i],
		       LABELS({"verdict", verdicts[i]}));
	family(out, "events_total", "counter", "What happened beside verdicts.");
	for (int i = 0; i < TO_EVENT_COUNT; i++)
		sample(out, "events_total", (double)r->events[i], LABELS({"event", events[i]}));
	write_entries(out, r, false);
	write_entries(out, r, true);
	write_workers(out, r);
	write_named(out, r);
	family(out, "engine_silence_seconds", "gauge", "Since the engine renewed its counters.");
	sample(out, "engine_silence_seconds",
	       now_ns > r->renewed_ns ? (double)(now_ns - r->renewed_ns) / 1e9 : 0, NULL);
	family(out, "rows_lost", "gauge", "Rows of counters for which there was no room.");
	sample(out, "rows_lost", r->rows_lost, NULL);
}

static void write_took(FILE *out, const char *name, const char *help,
		       const struct to_metrics_took *took)
{
	char full[64], bound[32];
	uint64_t count = 0;

	family(out, name, "histogram", help);
	snprintf(full, sizeof(full), "%s_bucket", name);
	for (size_t i = 0; i < TO_METRICS_BUCKETS; i++) {
		count += took->bucket[i];
		if (i < TO_METRICS_BUCKETS - 1)
			snprintf(bound, sizeof(bound), "%g", bounds[i]);
		else
			snprintf(bound, sizeof(bound), "+Inf");
		sample(out, full, (double)count, LABELS({"le", bound}));
	}
	fprintf(out, "turnout_%s_sum %.9g\nturnout_%s_count %llu\n", name, took->sum, name,
		(unsigned long long)count);
}

char *to_metrics_text(const struct to_metrics_moment *m, size_t *size)
{
	const json_t *rows = json_object_get(m->counters, "rows");
	char *text = NULL;
	FILE *out = open_memstream(&text, size);
	bool bad;

	if (!out)
		return NULL;
	family(out, "build_info", "gauge", "1; the version of turnoutd.");
	sample(out, "build_info", 1, LABELS({"version", m->version}));
	if (m->status)
		write_status(out, m->status);
	if (m->counters) {
		write_rows(out, rows, "packets_total", "packets", "Packets.");
		write_rows(out, rows, "bytes_total", "bytes", "Bytes of these packets.");
	}
	if (m->region)
		write_region(out, m->region, m->now_ns);
	write_took(out, "switch_prepare_seconds", "What preparing a generation took.", &m->prepare);
	write_took(out, "switch_live_seconds", "From the commit until every worker followed.",
		   &m->live);
	bad = ferror(out);
	if (fclose(out) == 0 && !bad)
		return text;
	free(text);
	return NULL;
}
