/* SPDX-License-Identifier: BSD-3-Clause */
#include "shots.h"

#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frame.h"

#define ESTABLISHED 16
#define CLIENT_PORT 40000
#define FIRST_HOST  10 /* of the new flows' clients; those of established ones are below */

struct established {
	union to_addr client;
	int edge;
};

static void put(struct rig_frame *f, const struct frame_spec *spec)
{
	f->len = frame_build(spec, f->data);
}

static void put_tcp(struct rig_frame *f, const union to_addr *src, uint16_t sport,
		    const union to_addr *dst, uint16_t dport, uint8_t flags)
{
	struct frame_spec spec;

	frame_init(&spec, src, dst, IPPROTO_TCP_, sport, dport);
	spec.tcp_flags = flags;
	if (!(flags & F_SYN))
		frame_fill_payload(&spec, 40, sport);
	put(f, &spec);
}

static void put_udp(struct rig_frame *f, const union to_addr *src, const union to_addr *dst,
		    uint16_t dport)
{
	struct frame_spec spec;

	frame_init(&spec, src, dst, IPPROTO_UDP_, CLIENT_PORT, dport);
	frame_fill_payload(&spec, 60, dport);
	put(f, &spec);
}

static void put_invite(struct rig_frame *f, const union to_addr *src, const union to_addr *dst,
		       unsigned call)
{
	struct frame_spec spec;
	char text[300];

	frame_init(&spec, src, dst, IPPROTO_UDP_, 5060, 5060);
	snprintf(text, sizeof(text),
		 "INVITE sip:bob@example.com SIP/2.0\r\n"
		 "Via: SIP/2.0/UDP client.example.org;branch=z9hG4bK%u\r\n"
		 "Call-ID: %u@client.example.org\r\nCSeq: 1 INVITE\r\n"
		 "Content-Length: 0\r\n\r\n",
		 call, call);
	frame_set_payload(&spec, text, (uint32_t)strlen(text));
	put(f, &spec);
}

/* A connection that an edge of world 0 has answered, and that stays wherever one looks from. */
static void establish(struct rig *r, unsigned owner, unsigned nth, struct established *e)
{
	union to_addr vip = worlds_vip(0, false), edge;
	unsigned site = nth * 7;
	struct rig_frame f;

	for (;; site++) {
		e->client = worlds_client(site % WORLD_SITES, 1 + owner, false);
		put_tcp(&f, &e->client, CLIENT_PORT, &vip, 443, F_SYN);
		rig_push(r, &f);
		e->edge = rig_egress(&f);
		if (e->edge >= 0 && e->edge < WORLD_EDGES / 2)
			break;
		if (site > WORLD_SITES)
			rig_fail("no client of world 0 has an edge that answers");
	}
	edge = worlds_edge(0, (unsigned)e->edge, 0, false);
	put_tcp(&f, &edge, 443, &e->client, CLIENT_PORT, F_SYN | F_ACK);
	rig_push(r, &f);
	if (rig_egress(&f) != RIG_OUT)
		rig_fail("the answer to a new connection is not sent on");
}

/* Packet i of a set. */
static void describe(struct shot *s, unsigned owner, unsigned i, const struct established *e)
{
	bool v6 = i % 2;
	union to_addr vip0 = worlds_vip(0, v6), vip1 = worlds_vip(1, v6);
	union to_addr client = worlds_client(i % WORLD_SITES, FIRST_HOST + owner, v6), edge;
	const struct established *old = &e[i % ESTABLISHED];
	struct rig_frame *f = &s->in;

	switch (i / 2 % 7) {
	case 0:
		s->what = "a SYN to a port of two services";
		put_tcp(f, &client, CLIENT_PORT, &vip0, i % 4 < 2 ? 443 : 8443, F_SYN);
		break;
	case 1:
		s->what = "a segment of no known connection";
		put_tcp(f, &client, CLIENT_PORT + 1, &vip0, 443, F_ACK);
		break;
	case 2:
		s->what = "a datagram";
		put_udp(f, &client, &vip1, i % 4 < 2 ? 6050 : 6300);
		break;
	case 3:
		s->what = "an INVITE";
		put_invite(f, &client, &vip1, owner * SHOTS + i);
		break;
	case 4:
		s->what = "a segment of an established connection";
		vip0 = worlds_vip(0, false);
		put_tcp(f, &old->client, CLIENT_PORT, &vip0, 443, F_ACK);
		break;
	case 5:
		s->what = "an answer on an established connection";
		edge = worlds_edge(i % WORLDS, (unsigned)old->edge, 0, false);
		put_tcp(f, &edge, 443, &old->client, CLIENT_PORT, F_ACK);
		break;
	default:
		s->what = "a packet to an edge's own address";
		edge = worlds_edge(i % WORLDS, i % WORLD_EDGES, i % 2, v6);
		put_udp(f, &client, &edge, 7);
		break;
	}
}

static bool same(const struct rig_frame *a, const struct rig_frame *b)
{
	return a->code == b->code && a->len == b->len && !memcmp(a->data, b->data, a->len);
}

unsigned shots_judge(const struct shot *s, const struct rig_frame *f)
{
	unsigned mask = 0;

	for (unsigned i = 0; i < WORLDS; i++)
		mask |= (unsigned)same(&s->made[i], f) << i;
	return mask;
}

static void ask(struct rig *r, struct shots *all, unsigned world)
{
	for (unsigned i = 0; i < SHOTS; i++) {
		struct rig_frame *f = &all->shot[i].made[world];

		*f = all->shot[i].in;
		rig_push(r, f);
	}
}

/* Were a new flow remembered, it would not be decided by the table. */
static void ask_again(struct rig *r, const struct shots *all, unsigned world)
{
	for (unsigned i = 0; i < SHOTS; i++) {
		struct rig_frame f = all->shot[i].in;

		rig_push(r, &f);
		if (!(shots_judge(&all->shot[i], &f) & 1u << world))
			rig_fail("%s: the same world has made two things of it", all->shot[i].what);
	}
}

struct shots *shots_make(struct rig *r, const struct worlds *w, unsigned owner)
{
	struct shots *all = calloc(1, sizeof(*all));
	struct established e[ESTABLISHED];

	if (!all)
		rig_fail("no memory for packets");
	rig_publish(r, w->table[0]);
	for (unsigned i = 0; i < ESTABLISHED; i++)
		establish(r, owner, i, &e[i]);
	for (unsigned i = 0; i < SHOTS; i++)
		describe(&all->shot[i], owner, i, e);
	for (unsigned world = 0; world < WORLDS; world++) {
		rig_publish(r, w->table[world]);
		ask(r, all, world);
		ask_again(r, all, world);
	}
	for (unsigned i = 0; i < SHOTS; i++) {
		const struct shot *s = &all->shot[i];

		all->telling += !same(&s->made[0], &s->made[1]) &&
				!same(&s->made[1], &s->made[2]) && !same(&s->made[0], &s->made[2]);
	}
	return all;
}
