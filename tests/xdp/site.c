/* SPDX-License-Identifier: BSD-3-Clause */
#include "site.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdio.h>
#include <string.h>
#include <turnout/key.h>
#include <turnout/sip.h>

#include "frame.h"
#include "tables.h"

#define CLIENT_PORT 40000
#define PORT        443
#define PORT_SHORT  8443
#define PORT_DATA   6000
#define PORT_SIP    5060
#define FRAGMENT_ID 7
#define SIP_AT      42 /* the message, behind Ethernet, IPv4 and UDP */

static const char text[] =
	"turnout: 1\n"
	"site: {name: rig, gateways: [192.0.2.1, \"2001:db8:200::1\"]}\n"
	"salt: rig\n"
	"pools:\n"
	"  old: {role: legacy, edges: {e0: {a: [10.0.0.1, \"2001:db8:1::1\"]},\n"
	"    e1: {a: [10.0.0.2, \"2001:db8:1::2\"]}}}\n"
	"  fresh: {role: new, edges: {e2: {a: [10.0.0.3, \"2001:db8:1::3\"]},\n"
	"    e3: {a: [10.0.0.4, \"2001:db8:1::4\"]}}}\n"
	"services:\n"
	"  web: {kind: sip-tls, vip: [203.0.113.1, \"2001:db8:100::1\"], protocol: tcp,\n"
	"    port: \"443\", address: a, affinity: none, idle: 600s}\n"
	"  short: {kind: sip-tls, vip: [203.0.113.1, \"2001:db8:100::1\"], protocol: tcp,\n"
	"    port: \"8443\", address: a, affinity: none, idle: 60s}\n"
	"  data: {kind: other, vip: [203.0.113.1, \"2001:db8:100::1\"], protocol: udp,\n"
	"    port: \"6000\", address: a, affinity: none, idle: 600s}\n"
	"  sip: {kind: sip, vip: [203.0.113.1, \"2001:db8:100::1\"], protocol: udp,\n"
	"    port: \"5060\", address: a, affinity: none, idle: 600s}\n"
	"stages:\n"
	"  - name: legacy\n"
	"  - {name: new, routes: {web: 100, short: 100, data: 100, sip: 100}}\n";

void site_make(struct site *s)
{
	s->plan = tables_plan(text);
	s->legacy = tables_compile(s->plan, 0, NULL, 1, 0, NULL);
	s->fresh = tables_compile(s->plan, 1, NULL, 2, 0, NULL);
}

void site_free(struct site *s)
{
	tables_free(s->legacy);
	tables_free(s->fresh);
	tables_plan_free(s->plan);
}

const char *site_sort_name(enum site_sort sort)
{
	static const char *const names[] = {"TCP over IPv4", "TCP over IPv6", "UDP over IPv4",
					    "UDP over IPv6", "SIP",           "fragments"};

	return names[sort];
}

static bool is_v6(enum site_sort sort)
{
	return sort == SITE_TCP6 || sort == SITE_UDP6;
}

static bool is_tcp(enum site_sort sort)
{
	return sort == SITE_TCP4 || sort == SITE_TCP6;
}

static uint16_t service_port(enum site_sort sort, unsigned n)
{
	if (is_tcp(sort))
		return n % 2 ? PORT_SHORT : PORT;
	return sort == SITE_CALL ? PORT_SIP : PORT_DATA;
}

/* Every flow has a client of its own. */
static union to_addr client_of(enum site_sort sort, unsigned n)
{
	union to_addr a = frame_addr(is_v6(sort) ? "2001:db8:4000::1" : "20.0.0.0");
	uint8_t *at = is_v6(sort) ? a.b + 5 : a.b + 13;

	at[0] = (uint8_t)(n >> 16);
	at[1] = (uint8_t)(n >> 8);
	at[2] = (uint8_t)n;
	return a;
}

static union to_addr vip_of(enum site_sort sort)
{
	return frame_addr(is_v6(sort) ? "2001:db8:100::1" : "203.0.113.1");
}

static union to_addr edge_of(enum site_sort sort, unsigned edge)
{
	union to_addr a = frame_addr(is_v6(sort) ? "2001:db8:1::1" : "10.0.0.1");

	a.b[15] = (uint8_t)(1 + edge);
	return a;
}

static void from_client(struct frame_spec *s, enum site_sort sort, unsigned n)
{
	union to_addr client = client_of(sort, n), vip = vip_of(sort);

	frame_init(s, &client, &vip, is_tcp(sort) ? IPPROTO_TCP_ : IPPROTO_UDP_, CLIENT_PORT,
		   service_port(sort, n));
}

static void from_edge(struct frame_spec *s, enum site_sort sort, unsigned n, unsigned edge)
{
	union to_addr client = client_of(sort, n), own = edge_of(sort, edge);

	frame_init(s, &own, &client, is_tcp(sort) ? IPPROTO_TCP_ : IPPROTO_UDP_,
		   service_port(sort, n), CLIENT_PORT);
}

static void put_sip(struct frame_spec *s, unsigned n, const char *start, unsigned branch)
{
	char message[300];

	snprintf(message, sizeof(message),
		 "%s\r\nVia: SIP/2.0/UDP client.example.org;branch=z9hG4bK%u.%u\r\n"
		 "Call-ID: %u@client.example.org\r\nCSeq: 1 INVITE\r\n"
		 "Content-Length: 0\r\n\r\n",
		 start, n, branch, n);
	frame_set_payload(s, message, (uint32_t)strlen(message));
}

static void put(struct rig_frame *f, const struct frame_spec *s)
{
	f->len = frame_build(s, f->data);
}

void site_open(struct rig_frame *f, enum site_sort sort, unsigned n)
{
	struct frame_spec s;

	from_client(&s, sort, n);
	if (is_tcp(sort))
		s.tcp_flags = F_SYN;
	else if (sort == SITE_CALL)
		put_sip(&s, n, "INVITE sip:bob@example.com SIP/2.0", 1);
	else
		frame_fill_payload(&s, sort == SITE_FRAGMENT ? 100 : 20, n);
	if (sort == SITE_FRAGMENT) {
		s.more = true;
		s.fragment_len = 64;
		s.id = FRAGMENT_ID;
	}
	put(f, &s);
}

void site_more(struct rig_frame *f, enum site_sort sort, unsigned n)
{
	struct frame_spec s;

	from_client(&s, sort, n);
	s.tcp_flags = F_ACK;
	if (sort == SITE_CALL)
		put_sip(&s, n, "INVITE sip:bob@example.com SIP/2.0", 2); /* another transaction */
	else
		frame_fill_payload(&s, 30, n);
	put(f, &s);
}

void site_reset(struct rig_frame *f, enum site_sort sort, unsigned n)
{
	struct frame_spec s;

	from_client(&s, sort, n);
	s.tcp_flags = F_RST;
	put(f, &s);
}

void site_answer(struct rig_frame *f, enum site_sort sort, unsigned n, unsigned edge)
{
	struct frame_spec s;

	from_edge(&s, sort, n, edge);
	if (is_tcp(sort))
		s.tcp_flags = F_SYN | F_ACK;
	else if (sort == SITE_CALL)
		put_sip(&s, n, "SIP/2.0 180 Ringing", 1);
	else
		frame_fill_payload(&s, 40, n);
	put(f, &s);
}

void site_talk(struct rig_frame *f, enum site_sort sort, unsigned n, unsigned edge)
{
	struct frame_spec s;

	if (sort == SITE_CALL) {
		site_answer(f, sort, n, edge);
		return;
	}
	from_edge(&s, sort, n, edge);
	s.tcp_flags = F_ACK;
	frame_fill_payload(&s, 50, n);
	put(f, &s);
}

bool site_is_from_vip(const struct rig_frame *f)
{
	bool v6 = f->data[12] == 0x86;
	union to_addr vip = vip_of(v6 ? SITE_TCP6 : SITE_TCP4);

	return v6 ? !memcmp(f->data + 22, vip.b, 16) : !memcmp(f->data + 26, vip.b + 12, 4);
}

enum to_entry_kind site_kind(enum site_sort sort)
{
	static const enum to_entry_kind kinds[] = {TO_PIN4, TO_PIN6,   TO_PIN4,
						   TO_PIN6, TO_DIALOG, TO_FRAGMENT};

	return kinds[sort];
}

union site_key {
	struct to_key narrow;
	struct to_key6 wide;
};

/* Of the call's dialog, out of its INVITE. */
static struct to_key call_key(const struct rig *r, unsigned n, bool proven)
{
	union to_addr client = client_of(SITE_CALL, n);
	struct rig_frame f;
	struct to_bytes payload;
	struct to_sip sip;
	struct to_key key;

	site_open(&f, SITE_CALL, n);
	payload = to_bytes_of(f.data, f.len, SIP_AT, f.len - SIP_AT);
	if (!to_sip_read(&payload, r->running->salt, &sip))
		rig_fail("the INVITE is none");
	key = to_key_sip(sip.call_id);
	return proven ? key : to_key_sip_unproven(&key, &client);
}

static struct to_key fragment_key(unsigned n)
{
	struct to_packet k = {.family = TO_IP4,
			      .src = client_of(SITE_FRAGMENT, n),
			      .dst = vip_of(SITE_FRAGMENT),
			      .fragment_id = FRAGMENT_ID,
			      .ipproto = IPPROTO_UDP_};

	return to_key_fragment(&k, 0);
}

static union site_key key_of(const struct rig *r, enum site_sort sort, unsigned n, bool proven)
{
	union to_addr client = client_of(sort, n);
	to_be16 from = to_net16(CLIENT_PORT), to = to_net16(service_port(sort, n));
	uint8_t proto = is_tcp(sort) ? TO_TCP : TO_UDP, vip = is_v6(sort);

	if (sort == SITE_CALL)
		return (union site_key){.narrow = call_key(r, n, proven)};
	if (sort == SITE_FRAGMENT)
		return (union site_key){.narrow = fragment_key(n)};
	if (is_v6(sort))
		return (union site_key){.wide = to_key_pin6(&client, from, vip, to, proto)};
	return (union site_key){.narrow = to_key_pin4(&client, from, vip, to, proto)};
}

bool site_entry(const struct rig *r, enum site_sort sort, unsigned n, bool proven,
		struct to_bpf_entry *e)
{
	union site_key key = key_of(r, sort, n, proven);
	const struct bpf_map *map = to_xdp_entries(&r->xdp, site_kind(sort), proven);

	return bpf_map_lookup_elem(bpf_map__fd(map), &key, e) == 0;
}

int site_establish(struct rig *r, enum site_sort sort, unsigned n)
{
	struct rig_frame f;
	int edge;

	site_open(&f, sort, n);
	rig_push(r, &f);
	edge = rig_egress(&f);
	if (edge < 0)
		rig_fail("%s, flow %u: not steered", site_sort_name(sort), n);
	site_answer(&f, sort, n, (unsigned)edge);
	rig_push(r, &f);
	if (rig_egress(&f) != RIG_OUT || !site_is_from_vip(&f))
		rig_fail("%s, flow %u: the answer is not sent on", site_sort_name(sort), n);
	return edge;
}
