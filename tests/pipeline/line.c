/* SPDX-License-Identifier: BSD-3-Clause */
#include "line.h"

#include <dataplane/state.h>
#include <stdio.h>
#include <string.h>

#include "tables.h"

static const char rest[] =
	"  direct: {role: legacy, mode: l2, edges: {m1: {a: [10.1.0.4, 'fd00::4']}}}\n"
	"  young: {role: new, edges: {n1: {a: [10.1.0.5, 'fd00::5']}}}\n"
	"services:\n"
	"  tls: {kind: sip-tls, vip: [192.0.2.10, '2001:db8::10'], protocol: tcp, port: 443, "
	"address: a, pools: {legacy: old, new: young}}\n"
	"  udp: {kind: other, vip: [192.0.2.10, '2001:db8::10'], protocol: udp, port: 4000, "
	"address: a, pools: {legacy: old, new: young}}\n"
	"  tun4: {kind: other, vip: [192.0.2.20, '2001:db8::20'], protocol: tcp, port: 4443, "
	"address: a, pools: {legacy: four, new: young}}\n"
	"  tun6: {kind: other, vip: [192.0.2.30, '2001:db8::30'], protocol: tcp, port: 5443, "
	"address: a, pools: {legacy: six, new: young}}\n"
	"  direct: {kind: other, vip: [192.0.2.40, '2001:db8::40'], protocol: tcp, port: 6443, "
	"address: a, pools: {legacy: direct, new: young}}\n"
	"stages: [{name: only}]\n";

uint32_t line_now;
struct to_nexthops line_nexthops;
static struct to_state *state;
static struct to_worker *worker;
static struct to_plan *plan;
static const struct to_table *table;
static uint8_t states[TO_MAX_EDGES];

static void write_plan(char *out, size_t size, bool gateways)
{
	/* without a gateway there is no tunnel: these edges are dnat then, and nobody asks them */
	snprintf(out, size,
		 "turnout: 1\nsite: {name: line%s}\nsalt: line\n"
		 "pools:\n"
		 "  old: {role: legacy, edges: {d1: {a: [10.1.0.1, 'fd00::1']}}}\n"
		 "  four: {role: legacy, mode: %s, edges: {t1: {a: %s}}}\n"
		 "  six: {role: legacy, mode: %s, edges: {t2: {a: %s}}}\n%s",
		 gateways ? ", gateways: [192.0.2.1, '2001:db8::1']" : "",
		 gateways ? "ipip" : "dnat", gateways ? "10.1.0.2" : "[10.1.0.2, 'fd00::2']",
		 gateways ? "ipip" : "dnat", gateways ? "'fd00::3'" : "[10.1.0.3, 'fd00::3']",
		 rest);
}

void line_open(bool gateways)
{
	struct to_state_config config = {.seed = 5};
	char err[200] = "", text[4096];

	line_now = config.now = 5000;
	to_state_sizes(&config, 1, 8192);
	if (to_state_open(NULL, &config, &state, err, sizeof(err)))
		fail_msg("state: %s", err);
	to_nexthops_replay(&line_nexthops, LINE_MTU);
	worker = to_worker_new(state, 0, &line_nexthops);
	assert_non_null(worker);
	write_plan(text, sizeof(text), gateways);
	plan = tables_plan(text);
	memset(states, TO_EDGE_UP, sizeof(states));
	table = tables_compile(plan, 0, states, 1, line_now, NULL);
	to_worker_set_table(worker, table);
}

void line_close(void)
{
	to_worker_free(worker);
	to_state_close(state);
	tables_free(table);
	tables_plan_free(plan);
}

void line_set_state(enum line_edge edge, enum to_edge_state is)
{
	const struct to_table *before = table;

	states[edge] = (uint8_t)is;
	table = tables_compile(plan, 0, states, before->generation + 1, line_now, before);
	to_worker_set_table(worker, table);
	tables_free(before);
}

const struct to_table *line_table(void)
{
	return table;
}

struct to_worker *line_worker(void)
{
	return worker;
}

union to_addr line_client(bool v4)
{
	return frame_addr(v4 ? "198.51.100.7" : "2001:db8:c::7");
}

union to_addr line_vip(enum line_port port, bool v4)
{
	uint8_t last = port == TUN4 ? 0x20 : port == TUN6 ? 0x30 : port == DIRECT ? 0x40 : 0x10;
	union to_addr a = frame_addr("2001:db8::");

	if (v4)
		return frame_v4(192, 0, 2, (uint8_t)(last / 16 * 10));
	a.b[15] = last;
	return a;
}

union to_addr line_edge(enum line_edge edge, bool v4)
{
	union to_addr a = frame_addr("fd00::");

	if (v4)
		return frame_v4(10, 1, 0, (uint8_t)(edge + 1));
	a.b[15] = (uint8_t)(edge + 1);
	return a;
}

union to_addr line_gateway(bool v4)
{
	return frame_addr(v4 ? "192.0.2.1" : "2001:db8::1");
}

void line_to_vip(struct frame_spec *s, enum line_port port, bool v4)
{
	union to_addr from = line_client(v4), to = line_vip(port, v4);

	frame_init(s, &from, &to, port == UDP ? IPPROTO_UDP_ : IPPROTO_TCP_, CLIENT_PORT, port);
	s->tcp_flags = F_ACK;
}

void line_from_edge(struct frame_spec *s, enum line_port port, bool v4)
{
	union to_addr from = line_edge(DNAT_EDGE, v4), to = line_client(v4);

	frame_init(s, &from, &to, port == UDP ? IPPROTO_UDP_ : IPPROTO_TCP_, port, CLIENT_PORT);
	s->tcp_flags = F_ACK;
}

const struct to_frame *line_run_bytes(const uint8_t *data, uint32_t len)
{
	static uint8_t room[TO_FRAME_HEADROOM + FRAME_MAX];
	static struct to_frame f;

	memcpy(room + TO_FRAME_HEADROOM, data, len);
	f = (struct to_frame){.data = room + TO_FRAME_HEADROOM, .len = len, .zone = TO_ZONE_BOTH};
	to_pipeline_run(worker, &f, 1, line_now);
	return &f;
}

const struct to_frame *line_run(const struct frame_spec *s)
{
	uint8_t data[FRAME_MAX];

	return line_run_bytes(data, frame_build(s, data));
}

void line_expect(const struct to_frame *f, int verdict, int reason)
{
	static const char *const verdicts[] = {TO_NAMES(TO_VERDICTS)};
	static const char *const reasons[] = {TO_NAMES(TO_REASONS)};
	const struct to_decision *d = &f->decision;

	if (d->verdict != verdict || d->reason != reason)
		fail_msg("%s %s instead of %s %s", verdicts[d->verdict], reasons[d->reason],
			 verdicts[verdict], reasons[reason]);
}

void line_expect_bytes(const struct to_frame *f, const uint8_t *want, uint32_t len)
{
	const char *wrong = frame_verify(f->data, f->len);

	if (wrong)
		fail_msg("wrong %s", wrong);
	assert_int_equal(f->len, len);
	assert_memory_equal(f->data, want, len);
}

void line_expect_frame(const struct to_frame *f, const struct frame_spec *s)
{
	uint8_t want[FRAME_MAX];

	line_expect_bytes(f, want, frame_build(s, want));
}

void line_leaves(struct frame_spec *s, int edge)
{
	s->pad = 0;
	s->ttl--;
	memcpy(s->mac_src, line_nexthops.outside4.own, 6);
	memcpy(s->mac_dst,
	       edge == OUTWARDS ? line_nexthops.outside4.mac : line_nexthops.edge[edge].mac, 6);
}

void line_establish(enum line_port port, bool v4)
{
	static struct frame_spec s;

	line_to_vip(&s, port, v4);
	s.tcp_flags = F_SYN;
	line_expect(line_run(&s), TO_VERDICT_STEER, TO_REASON_ROUTE);
	if (port == TLS || port == UDP) {
		line_from_edge(&s, port, v4);
		s.tcp_flags = F_SYN | F_ACK;
		line_expect(line_run(&s), TO_VERDICT_REPLY, TO_REASON_REPLY);
	} else {
		line_to_vip(&s, port, v4); /* DSR: the second packet of the client */
		line_expect(line_run(&s), TO_VERDICT_STEER, TO_REASON_PIN);
	}
}

void line_icmp_error(struct frame_spec *s, const union to_addr *src, const union to_addr *dst,
		     bool too_big, const struct frame_spec *about, uint32_t quoted)
{
	bool v4 = frame_is_v4(src);
	uint8_t packet[FRAME_MAX];
	uint32_t len = frame_build_ip(about, packet);

	frame_init(s, src, dst, v4 ? IPPROTO_ICMP_ : IPPROTO_ICMP6_, 0, 0);
	if (too_big) {
		s->icmp_type = v4 ? 0x0304 : 0x0200;
		s->icmp_value = 1400;
	} else {
		s->icmp_type = v4 ? 0x0303 : 0x0104; /* port unreachable */
	}
	frame_set_payload(s, packet, quoted && quoted < len ? quoted : len);
}
