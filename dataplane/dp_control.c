/* SPDX-License-Identifier: BSD-3-Clause */
#include "dp_control.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <turnout/table_read.h>

#include "dp_clock.h"
#include "dp_report.h"
#include "engine_region.h"
#include "engine_socket.h"
#include "table_copy.h"

#define SLICE         65536 /* cells: about a millisecond */
#define KEEP_AGAIN_NS 1000000000u

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static const struct to_table *running(void *arg)
{
	const struct dp_control *c = arg;

	return c->live->generations.running;
}

static int admits(void *arg, const struct to_table *t, char *err, size_t err_size)
{
	const struct dp_control *c = arg;

	return to_state_check_meaning(c->state, t, dp_boottime(), err, err_size);
}

static int commit(void *arg, struct to_table *t, char *err, size_t err_size)
{
	return dp_control_publish(arg, t, err, err_size);
}

static void keep(void *arg)
{
	dp_control_keep(arg);
}

static bool applied(void *arg, uint64_t worker[TO_PROTOCOL_WORKERS])
{
	const struct dp_control *c = arg;
	struct dp_generations *g = &c->live->generations;

	for (unsigned i = 0; i < g->workers; i++)
		worker[i] = __atomic_load_n(&g->acknowledged[i].generation, __ATOMIC_ACQUIRE);
	return g->running && dp_generation_is_live(g) && dp_generation_reclaim(g);
}

static struct to_state_cursor cursor_of(const struct to_flow_cursor *at)
{
	return (struct to_state_cursor){.table = at->word[0] < UINT32_MAX ? (uint32_t)at->word[0]
									  : UINT32_MAX,
					.cell = at->word[1]};
}

static void keep_cursor(struct to_flow_cursor *at, const struct to_state_cursor *c)
{
	*at = (struct to_flow_cursor){{c->table, c->cell, 0, 0}};
}

static int walk(void *arg, struct to_flow_cursor *at, uint32_t kinds, uint32_t most, uint32_t now,
		to_state_visit visit, void *visit_arg)
{
	const struct dp_control *c = arg;
	struct to_state_cursor cursor = cursor_of(at);
	int ret = to_state_walk_on(c->state, &cursor, kinds, most, now, visit, visit_arg);

	keep_cursor(at, &cursor);
	return ret;
}

static int release(void *arg, struct to_flow_cursor *at, uint32_t most, uint32_t now,
		   const struct to_release *what, uint64_t *ended)
{
	const struct dp_control *c = arg;
	struct to_state_cursor cursor = cursor_of(at);
	int ret = to_state_release_on(c->state, &cursor, most, now, what, ended);

	keep_cursor(at, &cursor);
	return ret;
}

static int capture_begin(void *arg, const struct to_capture *what)
{
	const struct dp_control *c = arg;
	struct dp_live *live = c->live;

	return dp_capture_begin(&live->capture, what, live->workers, live->generations.qsbr);
}

static bool capture_drain(void *arg, to_capture_visit visit, void *visit_arg)
{
	const struct dp_control *c = arg;

	return dp_capture_drain(&c->live->capture, visit, visit_arg);
}

static void capture_count(void *arg, struct to_capture_counts *counts)
{
	const struct dp_control *c = arg;

	dp_capture_count(&c->live->capture, counts);
}

static bool capture_stop(void *arg)
{
	const struct dp_control *c = arg;

	return dp_capture_stop(&c->live->capture);
}

static void capture_close(void *arg)
{
	const struct dp_control *c = arg;

	dp_capture_close(&c->live->capture);
}

static void fill_entries(const struct dp_control *c, struct to_region *r)
{
	for (unsigned w = 0; w < c->live->workers; w++) {
		const struct to_worker_state *ws = to_state_worker(c->state, w);

		for (int i = 0; i < TO_ENTRY_KIND_COUNT * 2; i++) {
			struct to_region_entries *e = &r->entries[i / 2][i % 2];
			uint32_t used, capacity;

			if (to_state_is_shared(i / 2, i % 2) && w)
				continue;
			to_state_usage(ws, i / 2, i % 2, &used, &capacity);
			e->used += used;
			e->capacity += capacity;
		}
	}
}

static void fill_workers(struct dp_control *c, struct to_region *r)
{
	uint64_t now = now_ns();

	for (unsigned i = 0; i < c->live->workers; i++) {
		const struct dp_live_count *count = &c->workers[i].count;
		struct to_region_worker *w = &r->worker[i];
		struct dp_pulse *p = &c->pulse[i];

		w->generation = __atomic_load_n(&c->live->generations.acknowledged[i].generation,
						__ATOMIC_RELAXED);
		w->packets = __atomic_load_n(&count->received, __ATOMIC_RELAXED);
		w->rounds = __atomic_load_n(&count->rounds, __ATOMIC_RELAXED);
		if (w->rounds != p->rounds)
			*p = (struct dp_pulse){w->rounds, now};
		w->silent_ns = now - p->since_ns;
	}
}

_Static_assert(DP_MAX_PORTS <= TO_REGION_PORTS, "all of them");

static void fill_ports(const struct dp_control *c, struct to_region *r)
{
	for (unsigned i = 0; i < c->live->ports; i++) {
		const struct dp_port *p = &c->live->port[i];
		struct to_region_port *out = &r->port[r->ports];
		struct rte_eth_link link = {0};

		if (!p->zone)
			continue;
		snprintf(out->name, sizeof(out->name), "%.*s", (int)sizeof(out->name) - 1, p->name);
		out->zone = p->zone;
		out->up = rte_eth_link_get_nowait(p->id, &link) == 0 && link.link_status;
		r->ports++;
	}
}

static void fill_hop(struct to_region_hop *hop, const struct to_nexthop *from)
{
	hop->usable = from->port != TO_NO_PORT;
	memcpy(hop->mac, from->mac, sizeof(hop->mac));
}

static void fill_hops(const struct dp_control *c, struct to_region *r)
{
	const struct to_nexthops *nh = c->live->nexthops.running;

	if (!nh)
		return; /* no table yet */
	for (uint32_t i = 0; i < TO_MAX_EDGES; i++)
		fill_hop(&r->hop[i], &nh->edge[i]);
	fill_hop(&r->hop[TO_MAX_EDGES], &nh->outside4);
	fill_hop(&r->hop[TO_MAX_EDGES + 1], &nh->outside6);
}

static void fill_named(const struct dp_control *c, struct to_region *r)
{
	struct dp_live_sum sum[DP_LIVE_COUNTS];

	dp_live_sums(c->live, c->workers, sum);
	for (unsigned i = 0; i < DP_LIVE_COUNTS; i++)
		to_region_name(r, sum[i].name, sum[i].value);
}

static void fill(void *arg, struct to_region *r)
{
	const struct to_counters *counters[TO_PROTOCOL_WORKERS];
	struct dp_control *c = arg;

	for (unsigned i = 0; i < c->live->workers; i++)
		counters[i] = to_worker_counters(c->workers[i].pipeline);
	to_region_count(r, counters, c->live->workers, running(c));
	fill_entries(c, r);
	fill_workers(c, r);
	fill_ports(c, r);
	fill_hops(c, r);
	fill_named(c, r);
}

int dp_control_lock(struct dp_control *c, const char *path, char *err, size_t err_size)
{
	c->lock = to_engine_lock(path, err, err_size);
	return c->lock < 0 ? c->lock : 0;
}

int dp_control_open(struct dp_control *c, const char *path, const char *group, char *err,
		    size_t err_size)
{
	static const struct to_engine_ops ops = {.running = running,
						 .admits = admits,
						 .commit = commit,
						 .applied = applied,
						 .keep = keep,
						 .walk = walk,
						 .release = release,
						 .capture_begin = capture_begin,
						 .capture_drain = capture_drain,
						 .capture_count = capture_count,
						 .capture_stop = capture_stop,
						 .capture_close = capture_close,
						 .fill = fill};
	const struct to_engine engine = {.ops = &ops,
					 .arg = c,
					 .kind = TO_ENGINE_DPDK,
					 .workers = c->live->workers,
					 .slice = SLICE,
					 .build = "turnout-dp " TURNOUT_VERSION};

	for (unsigned i = 0; i < c->live->workers; i++)
		c->pulse[i].since_ns = now_ns();
	return to_engine_server_open(&c->server, &engine, path, group, c->lock, err, err_size);
}

void dp_control_close(struct dp_control *c)
{
	to_engine_server_close(c->server);
	c->server = NULL;
}

int dp_control_prepare(const struct dp_control *c, const char *path, struct to_table **t, char *err,
		       size_t err_size)
{
	int ret = dp_generation_prepare(&c->live->generations, path, t, err, err_size);

	if (ret < 0)
		return ret;
	ret = to_state_check_meaning(c->state, *t, dp_boottime(), err, err_size);
	if (ret < 0)
		dp_generation_discard(*t);
	return ret;
}

int dp_control_publish(struct dp_control *c, struct to_table *t, char *err, size_t err_size)
{
	struct dp_generations *g = &c->live->generations;
	int ret;

	if (g->running && !(dp_generation_is_live(g) && dp_generation_reclaim(g))) {
		snprintf(err, err_size, "generation %llu is not live yet",
			 (unsigned long long)g->running->generation);
		return -EBUSY;
	}
	ret = admits(c, t, err, err_size);
	if (ret == 0)
		ret = c->admit(c->arg, t, err, err_size);
	if (ret < 0)
		return ret;
	to_state_set_meaning(c->state, t);
	ret = dp_generation_publish(g, t);
	if (ret < 0)
		return ret;
	c->unkept = c->state_path != NULL;
	c->keep_after_ns = 0;
	if (c->server)
		to_engine_server_committed(c->server);
	return 0;
}

/* Not before it is live, which is not to wait for a disk. A copy that is older than what was
 * committed last is true as well. */
void dp_control_keep(struct dp_control *c)
{
	const struct dp_generations *g = &c->live->generations;
	char why[TO_TABLE_COPY_ERR];

	if (!c->unkept || !dp_generation_is_live(g) || dp_generation_age_ns(g) < c->keep_after_ns)
		return;
	c->unkept = to_table_copy_write(c->state_path, g->running, why, sizeof(why)) < 0;
	if (!c->unkept) {
		to_state_kept(c->state, g->running);
		return;
	}
	if (!c->keep_after_ns)
		fprintf(stderr, "turnout-dp: generation %llu is not kept, and is tried again: %s\n",
			(unsigned long long)g->running->generation, why);
	c->keep_after_ns = dp_generation_age_ns(g) + KEEP_AGAIN_NS;
}

struct to_table *dp_control_restore(const struct dp_control *c)
{
	struct to_table *t = NULL;
	char err[TO_TABLE_COPY_ERR];
	int ret = c->state_path ? to_table_copy_read(c->state_path, &t, err, sizeof(err)) : -ENOENT;

	if (ret < 0 && ret != -ENOENT)
		fprintf(stderr, "turnout-dp: %s\n", err);
	return ret < 0 ? NULL : t;
}
