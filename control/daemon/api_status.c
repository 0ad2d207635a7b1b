/* SPDX-License-Identifier: BSD-3-Clause */
/* The answer to `status`. */
#include <stdio.h>

#include "api.h"
#include "clock.h"
#include "daemon.h"
#include "drain.h"

#define FRESH          (TO_NS / 5) /* how old a copy of the engine's region may be */
#define MAX_EXCEPTIONS 100         /* of a service: status is asked each second */

static const char *const engine_names[] = {[TO_ENGINE_DPDK] = "dpdk", [TO_ENGINE_XDP] = "xdp"};
/* enum to_zone: packet.h */
static const char *const zone_names[] = {"?", "outside", "edges", "both"};

static json_t *text_or_null(const char *text)
{
	return text ? json_string(text) : json_null();
}

static json_t *time_json(int64_t seconds)
{
	char text[TO_TIME_TEXT];

	return json_string(to_time_text(seconds, text));
}

static json_t *workers_json(const struct to_region *r)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < r->workers; i++)
		json_array_append_new(list,
				      json_pack("{s:I, s:I}", "generation",
						(json_int_t)r->worker[i].generation, "silent_ms",
						(json_int_t)(r->worker[i].silent_ns / 1000000)));
	return list;
}

static json_t *ports_json(const struct to_region *r)
{
	static const char *const modes[] = {"poll", "generic", "native"};
	json_t *list = json_array();

	for (uint32_t i = 0; i < r->ports; i++) {
		const struct to_region_port *p = &r->port[i];

		json_array_append_new(list,
				      json_pack("{s:s, s:s, s:b, s:s}", "name", p->name, "zone",
						zone_names[p->zone < 4 ? p->zone : 0], "up", p->up,
						"mode", p->mode < 3 ? modes[p->mode] : "?"));
	}
	return list;
}

static json_t *engine_json(const struct to_daemon *d)
{
	const struct to_msg_welcome *w = &d->welcome;
	bool seen = d->view.fresh;

	if (d->engine == TO_ENGINE_ABSENT)
		return json_null();
	return json_pack("{s:s, s:s, s:I, s:o, s:o, s:o}", "kind", engine_names[w->engine], "build",
			 w->build, "pid", (json_int_t)w->pid, "workers",
			 seen ? workers_json(d->view.copy) : json_array(), "connected_since",
			 time_json(d->connected_since), "ports",
			 seen ? ports_json(d->view.copy) : json_array());
}

static json_t *switching_json(const struct to_daemon *d)
{
	const struct to_publisher *p = &d->publisher;
	const struct to_plan_file *file;

	if (p->step == TO_STEP_IDLE)
		return json_null();
	file = p->change->plan ? p->change->plan : d->plan;
	return json_pack("{s:s, s:I, s:o, s:s}", "to", file->plan->stage[p->change->stage].name,
			 "generation", (json_int_t)p->generation, "since", time_json(p->since),
			 "cause", p->change->cause);
}

static uint64_t entries(const struct to_daemon *d, const struct to_plan_pool *pool,
			uint32_t service)
{
	uint64_t all = 0;

	for (int e = 0; e < pool->edges; e++) {
		const uint32_t *n = d->view.flows[pool->first_edge + e][service];

		all += n[0] + n[1];
	}
	return all;
}

static uint64_t new_flows(const struct to_daemon *d, const struct to_plan_pool *pool,
			  uint32_t service)
{
	uint64_t all = 0;

	for (int e = 0; e < pool->edges; e++)
		all += d->view.new_flows[service][pool->first_edge + e];
	return all;
}

static json_t *pool_json(const struct to_daemon *d, const struct to_plan_pool *pool,
			 const uint8_t *states)
{
	uint64_t live = 0, began = 0;
	int up = 0;

	for (int e = 0; e < pool->edges; e++) {
		up += states[pool->first_edge + e] == TO_EDGE_UP;
		live += to_flows_at(d, pool->first_edge + (uint32_t)e);
	}
	for (uint32_t s = 0; s < d->plan->plan->services; s++)
		began += new_flows(d, pool, s);
	return json_pack("{s:s, s:s, s:i, s:i, s:I, s:I}", "name", pool->name, "role",
			 pool->role == TO_NEW ? "new" : "legacy", "edges", pool->edges, "up", up,
			 "entries", (json_int_t)live, "new_flows", (json_int_t)began);
}

static json_t *pools_json(const struct to_daemon *d)
{
	const struct to_plan *plan = d->plan->plan;
	json_t *list = json_array();
	uint8_t states[TO_MAX_EDGES];

	to_edge_states(&d->asked, &d->unhealthy, plan->edges, states);
	for (uint32_t i = 0; i < plan->pools; i++)
		json_array_append_new(list, pool_json(d, &plan->pool[i], states));
	return list;
}

static json_t *share_json(const struct to_plan *plan, const struct to_plan_route *route)
{
	uint32_t shown = route->exceptions < MAX_EXCEPTIONS ? route->exceptions : MAX_EXCEPTIONS;
	json_t *exceptions = json_array();

	for (uint32_t i = 0; i < shown; i++)
		json_array_append_new(exceptions,
				      json_pack("{s:s, s:f}", "partner",
						plan->partner[route->exception[i].partner].name,
						"share", route->exception[i].share / 100.0));
	return json_pack("{s:f, s:o, s:I}", "default", route->share / 100.0, "exceptions",
			 exceptions, "more", (json_int_t)(route->exceptions - shown));
}

static json_t *service_json(const struct to_daemon *d, int stage, uint32_t i)
{
	static const char *const kinds[] = {TO_NAMES(TO_KINDS)};
	const struct to_plan *plan = d->plan->plan;
	const struct to_plan_service *s = &plan->service[i];
	const struct to_plan_pool *legacy = &plan->pool[s->pool[TO_LEGACY]];
	const struct to_plan_pool *new = &plan->pool[s->pool[TO_NEW]];
	json_t *share = stage < 0 ? json_null() : share_json(plan, &plan->stage[stage].route[i]);

	return json_pack("{s:s, s:s, s:o, s:{s:I, s:I}, s:{s:I, s:I}}", "name", s->name, "kind",
			 kinds[s->kind], "share", share, "new_flows", "legacy",
			 (json_int_t)new_flows(d, legacy, i), "new",
			 (json_int_t)new_flows(d, new, i), "entries", "legacy",
			 (json_int_t)entries(d, legacy, i), "new", (json_int_t)entries(d, new, i));
}

static json_t *services_json(const struct to_daemon *d, int stage)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < d->plan->plan->services; i++)
		json_array_append_new(list, service_json(d, stage, i));
	return list;
}

static json_t *journal_json(const struct to_daemon *d)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/" TO_JOURNAL_NAME, d->options.state);
	return json_pack("{s:s, s:I, s:b}", "path", path, "records", (json_int_t)d->journal.count,
			 "ok", d->journal.failed == 0);
}

static const char *stage_name(const struct to_plan *plan, int stage)
{
	return stage >= 0 && stage < (int)plan->stages ? plan->stage[stage].name : NULL;
}

static void add_stage(const struct to_daemon *d, json_t *answer)
{
	const struct to_plan *plan = d->plan->plan;
	int stage = to_live_stage(d);
	bool live = d->engine == TO_ENGINE_OURS && d->view.fresh && d->view.copy->live;

	json_object_set_new(answer, "stage", text_or_null(to_live_stage_name(d)));
	json_object_set_new(answer, "next",
			    text_or_null(stage < 0 ? NULL : stage_name(plan, stage + 1)));
	json_object_set_new(answer, "previous", text_or_null(stage_name(plan, stage - 1)));
	json_object_set_new(answer, "generation", json_integer((json_int_t)to_live_generation(d)));
	json_object_set_new(answer, "live", json_boolean(live));
	json_object_set_new(answer, "since",
			    d->past.live.record && d->engine != TO_ENGINE_FOREIGN
				    ? time_json(d->past.stage_since)
				    : json_null());
	json_object_set_new(answer, "services", services_json(d, stage));
}

void to_api_status(struct to_daemon *d, struct to_call *call)
{
	json_t *answer =
		json_pack("{s:s, s:s}", "site", d->plan->plan->site, "plan", d->options.plan);

	if (!answer) {
		to_call_refuse(call, "busy", "no memory");
		return;
	}
	to_view_refresh(&d->view, FRESH);
	add_stage(d, answer);
	json_object_set_new(answer, "switching", switching_json(d));
	json_object_set_new(answer, "engine", engine_json(d));
	json_object_set_new(answer, "pools", pools_json(d));
	json_object_set_new(answer, "edges", to_edges_json(d));
	json_object_set_new(answer, "alarms", to_alarms_json(&d->alarms));
	json_object_set_new(answer, "journal", journal_json(d));
	json_object_set_new(answer, "uptime", json_integer(to_today() - d->started));
	to_call_answer(call, answer);
}
