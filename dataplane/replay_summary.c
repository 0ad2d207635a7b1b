/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "counters_json.h"
#include "replay_summary.h"
#include "table_view.h"

#define NS 1000000000u

static json_t *time_json(uint64_t ns)
{
	return json_sprintf("%llu.%09llu", (unsigned long long)(ns / NS),
			    (unsigned long long)(ns % NS));
}

static json_t *pool_clients(const struct to_table *t, uint8_t pool, const struct to_client_count *n)
{
	return json_pack("{s:s, s:I, s:I, s:I, s:I}", "pool",
			 to_table_string(t, to_table_pools(t)[pool].name), "flows",
			 (json_int_t)n->flows, "clients", (json_int_t)n->clients, "first",
			 (json_int_t)n->first, "moved", (json_int_t)n->moved);
}

/* What each pool got in generation `index`; services that got nothing are left out. */
static json_t *generation_clients(const struct to_replay_result *r, unsigned index)
{
	const struct to_clients *c = to_observer_clients(r->observer);
	const struct to_table *t = r->table;
	json_t *all = json_array();

	for (uint32_t i = 0; i < to_table_service_count(t); i++) {
		const struct to_service *s = to_view_service(t, i);
		const struct to_client_count *legacy = to_clients_of(c, index, i, 0);
		const struct to_client_count *new = to_clients_of(c, index, i, 1);
		json_t *pools;

		if (!legacy->flows && !new->flows)
			continue;
		pools = json_pack("[o, o]", pool_clients(t, s->legacy_pool, legacy),
				  pool_clients(t, s->new_pool, new));
		json_array_append_new(all, json_pack("{s:s, s:o}", "service",
						     to_table_string(t, s->name), "pools", pools));
	}
	return all;
}

static json_t *generations_json(const struct to_replay_result *r)
{
	json_t *all = json_array();
	unsigned live = 0;

	for (unsigned i = 0; i < r->generation_count; i++) {
		const struct to_replay_generation *g = &r->generations[i];
		json_t *j = json_pack("{s:o}", "at", time_json(g->at));

		if (g->path)
			json_object_set_new(j, "image", json_string(g->path));
		if (g->number) {
			json_object_update_new(j, json_pack("{s:I, s:s, s:I, s:I, s:I, s:o}",
							    "generation", (json_int_t)g->number,
							    "stage", g->stage, "first_frame",
							    (json_int_t)g->first_frame, "frames",
							    (json_int_t)g->frames, "live_after_ns",
							    (json_int_t)g->live_ns, "services",
							    generation_clients(r, live++)));
		} else {
			json_object_set_new(j, "refused", json_string(g->error));
		}
		json_array_append_new(all, j);
	}
	return all;
}

static json_t *flows_json(const struct to_flow_count *n)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "established",
			 (json_int_t)n->established, "moved", (json_int_t)n->moved, "cut",
			 (json_int_t)n->cut, "retired", (json_int_t)n->retired, "first_moved_frame",
			 (json_int_t)n->first_moved, "first_cut_frame", (json_int_t)n->first_cut);
}

static json_t *summary(const struct to_replay_engine *e, const struct to_replay_result *r)
{
	const struct to_counters *counters[TO_REPLAY_MAX_WORKERS];
	json_t *j = json_pack("{s:s, s:i, s:I, s:I, s:I, s:o, s:o, s:f}", "engine", e->name,
			      "workers", (int)e->workers, "frames", (json_int_t)r->frames, "bytes",
			      (json_int_t)r->bytes, "truncated", (json_int_t)r->truncated, "first",
			      time_json(r->first_ns), "last", time_json(r->last_ns), "duration",
			      (double)(r->last_ns - r->first_ns) / NS);

	for (unsigned i = 0; i < e->workers; i++)
		counters[i] = e->counters(e->self, i);
	json_object_set_new(j, "verdicts", to_verdicts_json(counters, e->workers));
	json_object_set_new(j, "events", to_events_json(counters, e->workers));
	json_object_set_new(j, "flows", flows_json(to_observer_flows(r->observer)));
	json_object_set_new(j, "generations", generations_json(r));
	json_object_set_new(j, "counters", to_cells_json(counters, e->workers, r->table));
	return j;
}

int to_summary_write(const char *path, const struct to_replay_engine *engine,
		     const struct to_replay_result *result, char *err, size_t err_size)
{
	json_t *j = summary(engine, result);
	int ret = 0;
	FILE *f = fopen(path, "we");

	if (!j) {
		ret = -ENOMEM;
	} else if (!f) {
		ret = -errno;
	} else {
		if (json_dumpf(j, f, JSON_INDENT(1)) < 0 || fputc('\n', f) == EOF || fflush(f))
			ret = errno ? -errno : -EIO;
	}
	if (f && fclose(f) != 0 && ret == 0)
		ret = -errno;
	json_decref(j);
	if (ret < 0)
		snprintf(err, err_size, "cannot write %s: %s", path, strerror(-ret));
	return ret;
}
