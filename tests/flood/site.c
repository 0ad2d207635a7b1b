/* SPDX-License-Identifier: BSD-3-Clause */
#include "site.h"

#include <stdlib.h>

#define START 100000u

static const char plan_text[] =
	"turnout: 1\nsite: {name: flood, gateways: 192.0.2.1}\nsalt: flood\n"
	"pools:\n"
	"  old: {role: legacy, edges: {l1: {a: [10.1.0.0, 'fd00::']}, l2: {a: [10.1.0.1, "
	"'fd00::1']}, l3: {a: [10.1.0.2, 'fd00::2']}, l4: {a: [10.1.0.3, 'fd00::3']}}}\n"
	"  young: {role: new, edges: {n1: {a: [10.1.0.4, 'fd00::4']}, n2: {a: [10.1.0.5, "
	"'fd00::5']}, n3: {a: [10.1.0.6, 'fd00::6']}, n4: {a: [10.1.0.7, 'fd00::7']}}}\n"
	"services:\n"
	"  tls: {kind: sip-tls, vip: [192.0.2.10, '2001:db8::10'], protocol: tcp, port: 443, "
	"address: a}\n"
	"  udp: {kind: other, vip: 192.0.2.10, protocol: udp, port: 4000, address: a}\n"
	"  sip: {kind: sip, vip: 192.0.2.10, protocol: udp, port: 5060, address: a}\n"
	"stages:\n"
	"  - {name: before, routes: {tls: 50, udp: 50, sip: 50}}\n"
	"  - {name: after, routes: {tls: 100, udp: 100, sip: 100}}\n";

union to_addr site_vip(bool v4)
{
	return frame_addr(v4 ? "192.0.2.10" : "2001:db8::10");
}

union to_addr site_edge(int edge, bool v4)
{
	union to_addr a = v4 ? frame_v4(10, 1, 0, 0) : frame_addr("fd00::");

	a.b[15] = (uint8_t)edge;
	return a;
}

struct site *site_open(void)
{
	struct to_state_config config = {.now = START, .seed = 11};
	struct site *s = calloc(1, sizeof(*s));
	char err[256] = "";

	assert_non_null(s);
	to_state_sizes(&config, 1, 200000);
	if (to_state_open(NULL, &config, &s->state, err, sizeof(err)))
		fail_msg("state: %s", err);
	to_nexthops_replay(&s->nexthops, 1500);
	s->worker = to_worker_new(s->state, 0, &s->nexthops);
	assert_non_null(s->worker);
	s->plan = tables_plan(plan_text);
	s->now = START;
	site_stage(s, BEFORE);
	return s;
}

void site_close(struct site *s)
{
	to_worker_free(s->worker);
	to_state_close(s->state);
	tables_free(s->table);
	tables_plan_free(s->plan);
	free(s);
}

void site_stage(struct site *s, int stage)
{
	const struct to_table *before = s->table;

	s->table = tables_compile(s->plan, (uint32_t)stage, NULL,
				  before ? before->generation + 1 : 1, s->now, before);
	to_worker_set_table(s->worker, s->table);
	tables_free(before);
}

uint8_t *site_room(struct site *s, unsigned i)
{
	return s->room[i] + TO_FRAME_HEADROOM;
}

void site_run(struct site *s, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		s->frame[i].data = site_room(s, i);
		s->frame[i].zone = TO_ZONE_BOTH;
	}
	to_pipeline_run(s->worker, s->frame, n, s->now);
}

static int count_one(void *arg, const struct to_state_item *item)
{
	struct site_census *census = arg;

	census->proven[item->kind] += item->proven;
	return 0;
}

struct site_census site_count(const struct site *s)
{
	struct site_census census = {.room = 0};
	uint32_t used, capacity;

	for (int kind = 0; kind < TO_ENTRY_KIND_COUNT; kind++) {
		assert_int_equal(to_state_walk(s->state, kind, s->now, count_one, &census), 0);
		to_state_usage(to_state_worker(s->state, 0), kind, false, &used, &capacity);
		census.unproven += used;
		census.room += capacity;
	}
	return census;
}

uint64_t site_event(const struct site *s, enum to_event event)
{
	return to_worker_counters(s->worker)->events[event];
}
