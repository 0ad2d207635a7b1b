/* SPDX-License-Identifier: BSD-3-Clause */
/* TURN allocations: what the edge answers says how long they live and which port is theirs. */
#include <string.h>

#include "game.h"

enum { ALLOCATE, REFRESH, CHANNEL, GRANTED, REFRESHED, DATA };
enum { COOKIE = 0x2112a442 };

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v & 0xffff);
}

uint16_t turn_relayed_port(const struct game *g, const struct flow *f)
{
	const struct world_service *turn = &g->w->service[f->service];

	for (int i = 0; i < g->w->services; i++) {
		const struct world_service *s = &g->w->service[i];

		if (s->kind == TO_KIND_MEDIA && s->vip == turn->vip && s->family[f->family])
			return (uint16_t)(s->port_low + f->index);
	}
	return 0;
}

/* XOR-RELAYED-ADDRESS, RFC 8656, 18.5; behind a STUN header at m. Returns its length. */
static uint32_t put_relayed(uint8_t *m, uint32_t at, const union to_addr *vip, uint16_t port)
{
	bool v4 = frame_is_v4(vip);
	uint32_t len = v4 ? 8 : 20;

	put16(m + at, 0x0016);
	put16(m + at + 2, len);
	m[at + 4] = 0;
	m[at + 5] = v4 ? 1 : 2;
	put16(m + at + 6, port ^ (COOKIE >> 16));
	for (uint32_t i = 0; i < len - 4; i++)
		m[at + 8 + i] = vip->b[(v4 ? 12 : 0) + i] ^ m[4 + i];
	return 4 + len;
}

static void message(const struct game *g, const struct flow *f, uint16_t type, struct frame_spec *s)
{
	uint16_t port = turn_relayed_port(g, f);
	uint32_t at = 20;
	uint8_t m[64];

	put16(m, type);
	put32(m + 4, COOKIE);
	for (uint32_t i = 0; i < 12; i++)
		m[8 + i] = (uint8_t)(f->index * 31 + (int)i);
	if (type & 0x0100) {
		put16(m + at, 0x000d);
		put16(m + at + 2, 4);
		put32(m + at + 4, f->lifetime);
		at += 8;
	}
	if (type == 0x0103 && port)
		at += put_relayed(m, at, &f->vip, port);
	put16(m + 2, at - 20);
	frame_set_payload(s, m, at);
}

static void channel_data(struct frame_spec *s, uint32_t dice)
{
	uint32_t len = 4 + dice % 50 * 4;

	frame_fill_payload(s, len, dice);
	put16(s->payload, 0x4001);
	put16(s->payload + 2, len - 4);
}

/* Mostly what a client and an edge would say next. */
static int choose_act(const struct game *g, const struct flow *f, uint32_t dice)
{
	uint32_t what = dice % 16;

	if (hold_proven(&f->hold, g->now)) {
		if (!flow_is_dnat(g, f->hold.edge))
			return what < 2 ? REFRESH : CHANNEL;
		return what < 4    ? CHANNEL
		       : what < 8  ? DATA
		       : what < 10 ? REFRESH
		       : what < 14 ? REFRESHED
				   : GRANTED;
	}
	if (hold_unproven(&f->hold, g->now) && flow_is_dnat(g, f->hold.named))
		return what < 12 ? GRANTED : what < 13 ? DATA : ALLOCATE;
	return what < 13 ? ALLOCATE : what < 14 ? REFRESH : CHANNEL;
}

static bool step(struct game *g, struct flow *f, uint32_t dice, struct frame_spec *s)
{
	static const uint32_t lifetimes[] = {600, 600, 60, 0, 3600, 70000};
	static const uint16_t types[] = {
		[ALLOCATE] = 0x0003, [REFRESH] = 0x0004, [GRANTED] = 0x0103, [REFRESHED] = 0x0104};

	f->act = choose_act(g, f, dice);
	if (f->act >= GRANTED) {
		f->act_edge = hold_proven(&f->hold, g->now) ? f->hold.edge : f->hold.named;
		flow_from_edge(g, f, f->act_edge, s);
		f->lifetime = lifetimes[(dice >> 8) % 6];
	} else {
		flow_from_client(g, f, s);
	}
	if (f->act == CHANNEL || f->act == DATA)
		channel_data(s, dice >> 4);
	else
		message(g, f, types[f->act], s);
	return true;
}

/* LIFETIME and a minute, as far as 16 bits go. */
static uint32_t granted_life(const struct flow *f)
{
	return f->lifetime + 60 < 65535 ? f->lifetime + 60 : 65535;
}

/* The first live claim wins; the same edge's renews. */
static void claim(struct game *g, struct flow *f)
{
	struct hold *owner = &f->owner;

	if (hold_proven(owner, g->now) && owner->edge != f->act_edge)
		return;
	owner->edge = f->act_edge;
	owner->expires = g->now + granted_life(f);
}

static void learn(struct game *g, struct flow *f)
{
	if (!hold_proven(&f->hold, g->now) || f->hold.edge != f->act_edge)
		return;
	if (f->act == GRANTED)
		f->remembers = turn_relayed_port(g, f) != 0; /* the pin remembers the port */
	if (f->remembers)
		claim(g, f);
	f->hold.life = granted_life(f);
	f->hold.expires = g->now + f->hold.life;
}

static void done(struct game *g, struct flow *f, const struct outcome *o)
{
	if (f->act < GRANTED)
		pin_client_packet(g, f, o, f->act == ALLOCATE);
	else if (pin_edge_packet(g, f, o) && f->act != DATA)
		learn(g, f);
}

const struct flow_kind flow_turn = {"turn", step, done};
