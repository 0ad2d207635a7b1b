/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The short way (dataplane/quick.h) and the long one: the same random traffic through two workers,
 * one of which somebody captures from, so that it has the long way alone. Frames, decisions,
 * counters and entries must be the same, and the short way must have been gone often.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <dataplane/capture_ring.h>
#include <dataplane/state.h>
#include <dataplane/worker.h>
#include <turnout/hash.h>

#include "frame.h"
#include "tables.h"

enum { BURSTS = 30000, CLIENTS = 12, PORTS = 3, EDGES = 6, STAGES = 2, TABLES = 4, MTU = 1500 };
enum { UNTOUCHED = 0xa5 };

static const char plan[] =
	"turnout: 1\n"
	"site: {name: quick, gateways: [10.9.0.1]}\n"
	"salt: quick\n"
	"relay_key: shared\n"
	"pools:\n"
	"  legacy: {role: legacy, edges: {a: {any: 10.1.0.1}, b: {any: 10.1.0.2},\n"
	"    c: {any: 10.1.0.3}}}\n"
	"  new: {role: new, edges: {d: {any: 10.1.0.4}, e: {any: 10.1.0.5},\n"
	"    f: {any: 10.1.0.6}}}\n"
	"services:\n"
	"  media: {kind: media, vip: 10.2.0.1, protocol: udp, port: 50000-50100, idle: 30s, "
	"address: any}\n"
	"  turn: {kind: turn, vip: 10.2.0.1, protocol: udp, port: 3478, idle: 60s, address: any}\n"
	"  tls: {kind: sip-tls, vip: 10.2.0.2, protocol: tcp, port: 443, idle: 600s,\n"
	"    address: any}\n"
	"  sip: {kind: sip, vip: 10.2.0.2, protocol: tcp, port: 5060, idle: 600s,\n"
	"    address: any}\n"
	"  trunk: {kind: sip, vip: 10.2.0.2, protocol: udp, port: 5060, idle: 600s,\n"
	"    address: any}\n"
	"stages:\n"
	"  - {name: half, routes: {media: 50, turn: 50, tls: 50, sip: 50, trunk: 50}}\n"
	"  - {name: all, routes: {media: 100, turn: 100, tls: 100, sip: 100, trunk: 100}}\n";

static const struct service {
	uint8_t proto;
	uint8_t vip;
	uint16_t port;
} services[] = {{IPPROTO_UDP_, 1, 50000}, {IPPROTO_UDP_, 1, 50001}, {IPPROTO_UDP_, 1, 3478},
		{IPPROTO_TCP_, 2, 443},   {IPPROTO_TCP_, 2, 5060},  {IPPROTO_UDP_, 2, 5060}};
enum { SERVICES = sizeof(services) / sizeof(*services) };

struct side {
	struct to_state *state;
	struct to_worker *worker;
	struct to_frame frame[TO_BURST];
	uint8_t room[TO_BURST][TO_FRAME_HEADROOM + FRAME_MAX];
};

static struct side quick, slow;
static struct to_nexthops hops[2], here;
static uint64_t dice;
static uint64_t gone_quick;

static uint32_t roll(uint32_t n)
{
	return (uint32_t)(to_mix(++dice) >> 32) % n;
}

static void open_side(struct side *s, const struct to_table *t)
{
	struct to_state_config config = {.workers = 1, .now = 1000, .seed = 7, .boot_id = "quick"};
	char err[256];

	for (unsigned i = 0; i < TO_ENTRY_KIND_COUNT; i++)
		config.size[i] = (struct to_state_size){.proven = 256, .unproven = 64};
	assert_int_equal(to_state_open(NULL, &config, &s->state, err, sizeof(err)), 0);
	s->worker = to_worker_new(s->state, 0, &here);
	assert_non_null(s->worker);
	to_worker_set_table(s->worker, t);
}

static void close_side(struct side *s)
{
	to_worker_free(s->worker);
	to_state_close(s->state);
}

/* What is looked at first of each class, and nothing in particular. */
static void put_payload(struct frame_spec *s)
{
	static const uint8_t rtp[] = {0x80, 0, 0, 1, 0, 0, 0, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
	static const uint8_t rtcp[] = {0x80, 200, 0, 1, 1, 2, 3, 4, 0, 0};
	static const uint8_t stun[] = {0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1,  2,
				       3, 4, 5, 6, 7,    8,    9,    10,   11, 12};
	static const uint8_t tls[] = {0x17, 3, 3, 0, 20, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
	static const char sip[] = "OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bK-1"
				  "\r\nCall-ID: 1@h\r\nCSeq: 1 OPTIONS\r\n\r\n";

	/* an Allocate success that relays 10.2.0.1:50001 for 600 s */
	static const uint8_t allocated[] = {1, 3, 0,    20,   0x21, 0x12, 0xa4, 0x42, 1, 2,    3, 4,
					    5, 6, 7,    8,    9,    10,   11,   12,   0, 0x16, 0, 8,
					    0, 1, 0xe2, 0x43, 0x2b, 0x10, 0xa4, 0x43, 0, 0x0d, 0, 4,
					    0, 0, 2,    0x58};

	switch (roll(9)) {
	case 8:
		frame_set_payload(s, allocated, sizeof(allocated));
		return;
	case 0:
		frame_set_payload(s, rtcp, sizeof(rtcp));
		return;
	case 1:
		frame_set_payload(s, stun, sizeof(stun));
		return;
	case 2:
		frame_set_payload(s, tls, sizeof(tls));
		return;
	case 3:
		frame_set_payload(s, sip, sizeof(sip) - 1);
		return;
	case 4:
		frame_fill_payload(s, roll(3) ? roll(40) : roll(1800), roll(4));
		return;
	default:
		frame_set_payload(s, rtp, sizeof(rtp));
	}
}

static uint8_t tcp_flags(void)
{
	static const uint8_t rare[] = {F_SYN, F_SYN | F_ACK, F_FIN | F_ACK, F_RST, F_RST | F_ACK,
				       0,     F_SYN | F_FIN};

	return roll(6) ? F_ACK | (roll(2) ? F_PSH : 0) : rare[roll(sizeof(rare))];
}

/* Things that the short way must leave to the long one. */
static void spoil(struct frame_spec *s)
{
	switch (roll(60)) {
	case 0:
		s->ttl = (uint8_t)roll(3);
		break;
	case 1:
		s->vlans = 1;
		break;
	case 2:
		s->ip_options = 4;
		break;
	case 3:
		s->more = true;
		break;
	case 4:
		s->udp_unsummed = true;
		break;
	case 5:
		s->pad = (uint16_t)roll(20);
		break;
	default:
		break;
	}
}

static uint32_t make_frame(uint8_t *out, uint8_t *zone)
{
	static struct frame_spec s;
	const struct service *v = &services[roll(SERVICES)];
	uint32_t who = roll(CLIENTS), len;
	union to_addr client = frame_v4(100, 64, (uint8_t)who, 1);
	union to_addr vip = frame_v4(10, 2, 0, v->vip);
	union to_addr edge = frame_v4(10, 1, 0, (uint8_t)(1 + roll(EDGES)));
	uint16_t port = (uint16_t)(2000 + roll(PORTS));

	*zone = roll(20) ? TO_ZONE_BOTH : roll(2) ? TO_ZONE_OUTSIDE : TO_ZONE_EDGES;
	if (!roll(100))
		client = roll(2) ? frame_v4(224, 0, 0, 1) : frame_v4(10, 9, 0, 1);
	if (roll(2))
		frame_init(&s, &client, &vip, v->proto, port, v->port);
	else
		frame_init(&s, &edge, &client, v->proto, v->port, port);
	s.tcp_flags = tcp_flags();
	put_payload(&s);
	spoil(&s);
	len = frame_build(&s, out);
	if (!roll(200))
		out[roll(len)] ^= 1u << roll(8);
	return roll(200) ? len : roll(len);
}

static void expect_same(unsigned i)
{
	const struct to_frame *a = &quick.frame[i], *b = &slow.frame[i];

	assert_memory_equal(&a->decision, &b->decision, sizeof(a->decision));
	assert_int_equal(a->egress, b->egress);
	if (a->egress == TO_EGRESS_NONE)
		return;
	assert_int_equal(a->port, b->port);
	assert_int_equal(a->len, b->len);
	assert_memory_equal(a->data, b->data, a->len);
}

static void run_burst(uint32_t now)
{
	unsigned n = 1 + roll(TO_BURST);

	for (unsigned i = 0; i < n; i++) {
		uint8_t zone, *p = quick.room[i] + TO_FRAME_HEADROOM;
		uint32_t len = make_frame(p, &zone);
		struct to_frame f = {.data = p, .len = len, .zone = zone};

		quick.frame[i] = f;
		f.data = slow.room[i] + TO_FRAME_HEADROOM;
		memcpy(f.data, p, len);
		slow.frame[i] = f;
	}
	memset(quick.worker->packets, UNTOUCHED, n * sizeof(*quick.worker->packets));
	to_pipeline_run(quick.worker, quick.frame, n, now);
	to_pipeline_run(slow.worker, slow.frame, n, now);
	for (unsigned i = 0; i < n; i++) {
		gone_quick += quick.worker->packets[i].family == UNTOUCHED;
		expect_same(i);
	}
}

static int add_entry(void *arg, const struct to_state_item *item)
{
	uint64_t *sum = arg, w[5] = {item->kind, item->proven};

	memcpy(&w[2], &item->key, sizeof(item->key));
	*sum += to_mix(w[0] + to_mix(w[1] + to_mix(w[2] + to_mix(w[3]))));
	memcpy(w, &item->entry, sizeof(item->entry));
	*sum += to_mix(w[0] + to_mix(w[1]));
	return 0;
}

static uint64_t entries(const struct side *s, uint32_t now)
{
	uint64_t sum = 0;

	for (int kind = 0; kind < TO_ENTRY_KIND_COUNT; kind++)
		to_state_walk(s->state, kind, now, add_entry, &sum);
	return sum;
}

/* The stages, twice each: with all edges up, and with one in each other state. */
static void make_tables(const struct to_plan *p, const struct to_table **t)
{
	static const uint8_t mixed[EDGES] = {TO_EDGE_UP,        TO_EDGE_DRAINING, TO_EDGE_RETIRED,
					     TO_EDGE_RESETTING, TO_EDGE_UP,       TO_EDGE_DRAINING};

	for (unsigned i = 0; i < TABLES; i++)
		t[i] = tables_compile(p, i % STAGES, i < STAGES ? NULL : mixed, i + 1, 1000, NULL);
}

/* The second ones: no way to one edge, and little room on another's. */
static void make_hops(void)
{
	for (int i = 0; i < 2; i++)
		to_nexthops_replay(&hops[i], MTU);
	hops[1].edge[1].port = TO_NO_PORT;
	hops[1].edge[4].mtu = 60;
	hops[1].edge[0].port = 3;
}

/* At the same address each time, as an allocator may have it. */
static void here_are(const struct to_nexthops *h)
{
	uint64_t serial = here.serial + 1;

	here = *h;
	here.serial = serial;
}

static void both_ways_are_one(void **state)
{
	struct to_capture what = {.until = UINT32_MAX, .rate = 1, .snap = 64};
	struct to_capture_ring *ring = to_capture_ring_new(&what, 0);
	struct to_plan *p = tables_plan(plan);
	const struct to_table *table[TABLES];
	uint32_t now = 1000;

	(void)state;
	make_tables(p, table);
	make_hops();
	here_are(&hops[0]);
	open_side(&quick, table[0]);
	open_side(&slow, table[0]);
	to_worker_set_capture(slow.worker, ring);
	for (unsigned i = 0; i < BURSTS; i++) {
		const struct to_table *t = table[roll(3) ? roll(STAGES) : roll(TABLES)];

		if (!roll(50)) {
			to_worker_set_table(quick.worker, t);
			to_worker_set_table(slow.worker, t);
		}
		if (!roll(50)) {
			here_are(&hops[!roll(4)]);
			to_worker_set_nexthops(quick.worker, &here);
			to_worker_set_nexthops(slow.worker, &here);
		}
		now += roll(4) ? 0 : roll(12);
		run_burst(now);
	}
	assert_true(entries(&quick, now) == entries(&slow, now));
	assert_memory_equal(to_worker_counters(quick.worker), to_worker_counters(slow.worker),
			    sizeof(struct to_counters));
	print_message("%llu packets went the short way\n", (unsigned long long)gone_quick);
	assert_true(gone_quick > BURSTS);
	close_side(&quick);
	close_side(&slow);
	to_capture_ring_free(ring);
	for (unsigned i = 0; i < TABLES; i++)
		tables_free(table[i]);
	tables_plan_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(both_ways_are_one)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
