/* SPDX-License-Identifier: BSD-3-Clause */
#include "xdp_control.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "dataplane/engine_region.h"
#include "turnout.skel.h"
#include "xdp_counters.h"
#include "xdp_table.h"
#include "xdp_walk.h"

#define SLICE 8192 /* entries: some milliseconds */

static const struct to_table *running(void *arg)
{
	const struct to_xdp_control *c = arg;

	return *c->running;
}

static bool is_live(struct to_xdp_control *c)
{
	if (*c->unacknowledged)
		*c->unacknowledged = to_xdp_await(c->xdp) < 0;
	if (!*c->running || *c->unacknowledged)
		return false;
	c->acknowledged = (*c->running)->generation;
	return true;
}

static int admits(void *arg, const struct to_table *t, char *err, size_t err_size)
{
	const struct to_xdp_control *c = arg;

	return to_xdp_holds(c->xdp, t, err, err_size) < 0 ? -EINVAL : 0;
}

static int commit(void *arg, struct to_table *t, char *err, size_t err_size)
{
	struct to_xdp_control *c = arg;

	if (*c->running && !is_live(c)) {
		snprintf(err, err_size, "generation %llu is not live yet",
			 (unsigned long long)(*c->running)->generation);
		return -EBUSY;
	}
	return c->publish(c->arg, t, err, err_size);
}

static bool applied(void *arg, uint64_t worker[TO_PROTOCOL_WORKERS])
{
	struct to_xdp_control *c = arg;
	bool live = is_live(c);

	/* the program reads by which it decides once a packet: it is one worker, whatever CPU */
	worker[0] = c->acknowledged;
	return live;
}

static int walk(void *arg, struct to_flow_cursor *at, uint32_t kinds, uint32_t most, uint32_t now,
		to_state_visit visit, void *visit_arg)
{
	const struct to_xdp_control *c = arg;

	return to_xdp_walk(c->xdp, at, kinds, most, now, visit, visit_arg);
}

static int release(void *arg, struct to_flow_cursor *at, uint32_t most, uint32_t now,
		   const struct to_release *what, uint64_t *ended)
{
	const struct to_xdp_control *c = arg;

	return to_xdp_release(c->xdp, at, most, now, what, ended);
}

static int capture_begin(void *arg, const struct to_capture *what)
{
	struct to_xdp_control *c = arg;

	to_xdp_capture_begin(&c->capture, what);
	return 0;
}

static bool capture_drain(void *arg, to_capture_visit visit, void *visit_arg)
{
	struct to_xdp_control *c = arg;

	return to_xdp_capture_drain(&c->capture, visit, visit_arg);
}

static void capture_count(void *arg, struct to_capture_counts *counts)
{
	const struct to_xdp_control *c = arg;

	to_xdp_capture_count(&c->capture, counts);
}

/* A packet that is under way still may come after; the next capture passes it over. */
static bool capture_stop(void *arg)
{
	struct to_xdp_control *c = arg;

	to_xdp_capture_stop(&c->capture);
	return true;
}

static void capture_close(void *arg)
{
	(void)arg;
}

/* The kernel counts no entries of a map: live ones, at the last census. */
static void fill_entries(const struct to_xdp_control *c, struct to_region *r)
{
	for (int i = 0; i < TO_ENTRY_KIND_COUNT * 2; i++) {
		const struct bpf_map *map = to_xdp_entries(c->xdp, i / 2, i % 2);

		r->entries[i / 2][i % 2].capacity = map ? bpf_map__max_entries(map) : 0;
	}
	for (uint32_t i = 0; i < r->lives; i++)
		r->entries[r->alive[i].kind][r->alive[i].life != TO_LIFE_UNPROVEN].used +=
			r->alive[i].count;
}

_Static_assert(TO_XDP_MAX_PORTS <= TO_REGION_PORTS, "all of them");

static void fill_ports(const struct to_xdp_control *c, struct to_region *r)
{
	for (unsigned i = 0; i < c->ports->n; i++) {
		const struct to_xdp_port *p = &c->ports->port[i];
		const struct to_link *link = p->ifindex ? to_hops_link(*c->hops, p->ifindex) : NULL;
		struct to_region_port *out = &r->port[r->ports++];

		snprintf(out->name, sizeof(out->name), "%s", p->option.name);
		out->zone = p->option.zone;
		out->up = p->attached && link && link->up;
		out->mode = p->native ? 2 : 1;
	}
}

static void fill_hops(const struct to_xdp_control *c, struct to_region *r)
{
	_Static_assert(sizeof(r->hop) / sizeof(r->hop[0]) == TO_BPF_HOPS, "in the same order");
	for (uint32_t i = 0; i < TO_BPF_HOPS; i++) {
		struct to_bpf_hop hop;

		if (bpf_map__lookup_elem(c->xdp->skel->maps.hops, &i, sizeof(i), &hop, sizeof(hop),
					 0) < 0)
			continue;
		r->hop[i].usable = hop.ifindex != 0;
		memcpy(r->hop[i].mac, hop.mac, sizeof(r->hop[i].mac));
	}
}

static void fill(void *arg, struct to_region *r)
{
	struct to_xdp_control *c = arg;
	const struct to_counters *counters = c->counters;
	const struct to_table *t = running(c);

	if (to_xdp_counters_read(c->xdp, c->counters) == 0)
		to_region_count(r, &counters, 1, t);
	r->worker[0].generation = c->acknowledged;
	for (int v = 0; v < TO_VERDICT_COUNT; v++)
		r->worker[0].packets += r->verdicts[v];
	fill_entries(c, r);
	fill_ports(c, r);
	fill_hops(c, r);
}

int to_xdp_control_open(struct to_xdp_control *c, const char *path, const char *group, char *err,
			size_t err_size)
{
	static const struct to_engine_ops ops = {.running = running,
						 .admits = admits,
						 .commit = commit,
						 .applied = applied,
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
					 .kind = TO_ENGINE_XDP,
					 .workers = 1,
					 .slice = SLICE,
					 .build = "turnout-xdp " TURNOUT_VERSION};
	int ret;

	c->counters = to_xdp_counters_new();
	if (!c->counters) {
		snprintf(err, err_size, "no memory for counters");
		return -ENOMEM;
	}
	ret = to_xdp_capture_open(&c->capture, c->xdp, c->ports);
	if (ret < 0) {
		snprintf(err, err_size, "cannot map the ring of captures: %s", strerror(-ret));
		return ret;
	}
	return to_engine_server_open(&c->server, &engine, path, group, -1, err, err_size);
}

void to_xdp_control_close(struct to_xdp_control *c)
{
	to_engine_server_close(c->server);
	to_xdp_capture_close(&c->capture);
	to_xdp_counters_free(c->counters);
	c->server = NULL;
	c->counters = NULL;
}

void to_xdp_control_committed(struct to_xdp_control *c)
{
	if (c->server)
		to_engine_server_committed(c->server);
}
