/* SPDX-License-Identifier: BSD-3-Clause */
/* What turnoutd knows, as metrics. */
#include <string.h>

#include <turnout/lists.h>

#include "metrics_sample.h"

static const char *const states[] = {TO_NAMES(TO_EDGE_STATES)};
static const char *const healths[] = {"up", "down", "unknown", "none"};

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
	to_metric_family(out, name, type, help);
	to_metric_sample(out, name,
			 json_is_boolean(value) ? json_is_true(value) : json_number_value(value),
			 NULL);
}

static void write_stage(FILE *out, const json_t *status)
{
	const char *stage = text_of(status, "stage");

	if (stage) {
		to_metric_family(out, "stage", "gauge", "1 for the stage that is live.");
		to_metric_sample(out, "stage", 1,
				 TO_LABELS({"site", text_of(status, "site")}, {"stage", stage}));
	}
	one(out, "generation", "gauge", "The generation that decides.",
	    json_object_get(status, "generation"));
	one(out, "live", "gauge", "1 when every worker decides by that generation.",
	    json_object_get(status, "live"));
	to_metric_family(out, "switching", "gauge", "1 while a change is under way.");
	to_metric_sample(out, "switching", json_is_object(json_object_get(status, "switching")),
			 NULL);
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

	to_metric_family(out, "engine_connected", "gauge", "1 when an engine is connected.");
	to_metric_sample(out, "engine_connected", json_is_object(engine), NULL);
	if (!json_is_object(engine))
		return;
	to_metric_family(out, "engine_info", "gauge", "1 for the engine that is connected.");
	to_metric_sample(
		out, "engine_info", 1,
		TO_LABELS({"kind", text_of(engine, "kind")}, {"build", text_of(engine, "build")}));
	if (!json_array_size(json_object_get(engine, "ports")))
		return;
	to_metric_family(out, "port_up", "gauge", "1 when the port can carry frames.");
	json_array_foreach(json_object_get(engine, "ports"), i, port)
	{
		to_metric_sample(out, "port_up", json_is_true(json_object_get(port, "up")),
				 TO_LABELS({"port", text_of(port, "name")},
					   {"zone", text_of(port, "zone")}));
	}
}

/* One of the pools' or services' numbers; `labelled` is what the object is called. */
static void each(FILE *out, const json_t *array, const char *labelled, const char *name,
		 const char *key, const char *help)
{
	json_t *object;
	size_t i;

	to_metric_family(out, name, "gauge", help);
	json_array_foreach(array, i, object)
	{
		to_metric_sample(out, name, number_of(object, key),
				 TO_LABELS({labelled, text_of(object, "name")}));
	}
}

static void write_shares(FILE *out, const json_t *services)
{
	json_t *service, *exception;
	size_t i, k;

	to_metric_family(
		out, "new_share_ratio", "gauge",
		"The part of new clients that goes to the new pool; partner empty: everyone else.");
	json_array_foreach(services, i, service)
	{
		const json_t *share = json_object_get(service, "share");

		to_metric_sample(out, "new_share_ratio", number_of(share, "default") / 100,
				 TO_LABELS({"service", text_of(service, "name")}, {"partner", ""}));
		json_array_foreach(json_object_get(share, "exceptions"), k, exception)
		{
			to_metric_sample(out, "new_share_ratio",
					 number_of(exception, "share") / 100,
					 TO_LABELS({"service", text_of(service, "name")},
						   {"partner", text_of(exception, "partner")}));
		}
	}
}

static void write_flows(FILE *out, const json_t *services)
{
	json_t *service, *flows;
	size_t i;

	to_metric_family(out, "new_flows_total", "counter",
			 "Flows that a pool's edges were given.");
	json_array_foreach(services, i, service)
	{
		flows = json_object_get(service, "new_flows");
		for (int new = 0; new < 2; new ++)
			to_metric_sample(out, "new_flows_total",
					 number_of(flows, new ? "new" : "legacy"),
					 TO_LABELS({"service", text_of(service, "name")},
						   {"role", new ? "new" : "legacy"}));
	}
}

/* A sample for each thing that an edge can be: 1 for what it is. */
static void write_one_of(FILE *out, const char *name, const char *label, const json_t *edge,
			 const char *key, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		to_metric_sample(out, name, is_text(text_of(edge, key), words[i]),
				 TO_LABELS({"edge", text_of(edge, "name")},
					   {"pool", text_of(edge, "pool")}, {label, words[i]}));
}

static void write_edge_states(FILE *out, const json_t *edges)
{
	json_t *edge;
	size_t i;

	to_metric_family(out, "edge_state", "gauge", "1 for the state that the edge is in.");
	json_array_foreach(edges, i, edge)
	{
		write_one_of(out, "edge_state", "state", edge, "state", states,
			     TO_EDGE_STATE_COUNT);
	}

	to_metric_family(out, "edge_health", "gauge",
			 "1 for what the health checks say of the edge.");
	json_array_foreach(edges, i, edge)
	{
		write_one_of(out, "edge_health", "health", edge, "health", healths,
			     sizeof(healths) / sizeof(healths[0]));
	}

	to_metric_family(out, "edge_next_hop", "gauge", "1 when frames to the edge can leave.");
	json_array_foreach(edges, i, edge)
	{
		to_metric_sample(out, "edge_next_hop",
				 json_is_true(json_object_get(edge, "next_hop")),
				 TO_LABELS({"edge", text_of(edge, "name")},
					   {"pool", text_of(edge, "pool")}));
	}

	to_metric_family(out, "edge_safe_to_stop", "gauge", "1 when nothing is left on the edge.");
	json_array_foreach(edges, i, edge)
	{
		to_metric_sample(out, "edge_safe_to_stop",
				 json_is_true(json_object_get(edge, "safe_to_stop")),
				 TO_LABELS({"edge", text_of(edge, "name")},
					   {"pool", text_of(edge, "pool")}));
	}
}

static void write_edge_entries(FILE *out, const json_t *edges)
{
	json_t *edge, *counts;
	const char *service;
	size_t i;

	to_metric_family(out, "live_entries", "gauge",
			 "Live flows and their kin at the last census.");
	json_array_foreach(edges, i, edge)
	{
		json_object_foreach(json_object_get(edge, "entries"), service, counts)
		{
			for (int proven = 0; proven < 2; proven++)
				to_metric_sample(out, "live_entries",
						 number_of(counts, proven ? "proven" : "unproven"),
						 TO_LABELS({"edge", text_of(edge, "name")},
							   {"pool", text_of(edge, "pool")},
							   {"service", service},
							   {"proven", proven ? "yes" : "no"}));
		}
	}
}

static void write_checks(FILE *out, const json_t *edges)
{
	json_t *edge, *check;
	size_t i, k;

	to_metric_family(out, "check_up", "gauge",
			 "1 when a health check is good; absent until it is known.");
	json_array_foreach(edges, i, edge)
	{
		json_array_foreach(json_object_get(edge, "checks"), k, check)
		{
			const char *state = text_of(check, "state");

			if (is_text(state, "up") || is_text(state, "down"))
				to_metric_sample(out, "check_up", is_text(state, "up"),
						 TO_LABELS({"edge", text_of(edge, "name")},
							   {"service", text_of(check, "service")},
							   {"check", text_of(check, "kind")}));
		}
	}
}

static void write_alarms(FILE *out, const json_t *alarms)
{
	json_t *alarm;
	size_t i;

	to_metric_family(out, "alarms", "gauge", "How many things are not right.");
	to_metric_sample(out, "alarms", (double)json_array_size(alarms), NULL);
	to_metric_family(out, "alarm", "gauge", "1 for each thing that is not right.");
	json_array_foreach(alarms, i, alarm)
	{
		to_metric_sample(out, "alarm", 1, TO_LABELS({"alarm", text_of(alarm, "name")}));
	}
}

void to_metrics_status(FILE *out, const json_t *status)
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
