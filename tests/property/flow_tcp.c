/* SPDX-License-Identifier: BSD-3-Clause */
/* TCP connections, whole and broken ones: handshake, data, half-closing, forged RST, a new SYN on
 * an old port, segments of a connection that nobody has seen begin. */
#include "game.h"

enum { FROM_CLIENT, FROM_EDGE, FROM_STRANGER };

static void segment(struct frame_spec *s, uint8_t flags, uint32_t dice)
{
	s->tcp_flags = flags;
	frame_fill_payload(s, flags & F_PSH ? 1 + dice % 300 : 0, dice);
	s->tos = (uint8_t)(dice >> 8 & 0xfc);
	s->vlans = (uint8_t)((dice >> 16) % 8 < 6 ? 0 : 1 + (dice >> 16) % 2);
	s->ttl = (uint8_t)(2 + (dice >> 20) % 200);
	s->ip_options = (dice >> 24) % 16 ? 0 : 8;
	s->pad = s->len ? 0 : (uint16_t)((dice >> 28) % 7);
}

static bool from_client(struct game *g, struct flow *f, uint8_t flags, uint32_t dice,
			struct frame_spec *s)
{
	f->act = FROM_CLIENT;
	flow_from_client(g, f, s);
	segment(s, flags, dice);
	return true;
}

static bool from_edge(struct game *g, struct flow *f, int edge, uint8_t flags, uint32_t dice,
		      struct frame_spec *s)
{
	if (!flow_is_dnat(g, edge))
		return from_client(g, f, F_ACK | F_PSH, dice, s); /* its answers go past us */
	f->act = FROM_EDGE;
	f->act_edge = edge;
	flow_from_edge(g, f, edge, s);
	segment(s, flags, dice);
	return true;
}

static bool from_stranger(struct game *g, struct flow *f, uint32_t dice, struct frame_spec *s)
{
	int edge = pin_stranger(g, f, dice >> 4);

	if (edge == NONE)
		return false;
	f->act = FROM_STRANGER;
	f->act_edge = edge;
	flow_from_edge(g, f, edge, s);
	segment(s, dice & 8 ? F_ACK | F_PSH : F_SYN | F_ACK, dice);
	return true;
}

/* Nothing lives: a SYN, or something out of the middle. */
static bool step_fresh(struct game *g, struct flow *f, uint32_t dice, struct frame_spec *s)
{
	static const uint8_t middle[] = {F_ACK, F_ACK | F_PSH, F_ACK | F_FIN, F_RST};

	if (dice % 16 < 13)
		return from_client(g, f, F_SYN, dice, s);
	return from_client(g, f, middle[(dice >> 4) % 4], dice, s);
}

/* Begun, or begun anew beside a closing pin; not answered by the edge that was named. */
static bool step_begun(struct game *g, struct flow *f, uint32_t dice, struct frame_spec *s)
{
	uint32_t what = dice % 32;

	if (what < 18)
		return from_edge(g, f, f->hold.named, F_SYN | F_ACK, dice, s);
	if (what < 20)
		return from_edge(g, f, f->hold.named, F_ACK | F_PSH, dice, s);
	if (what < 27)
		return from_client(g, f, F_SYN, dice, s);
	if (what == 27)
		return from_edge(g, f, f->hold.named, F_RST | F_ACK, dice, s);
	if (what == 28)
		return from_stranger(g, f, dice, s);
	return from_client(g, f, F_ACK | (what & 1 ? F_PSH : 0), dice, s);
}

static bool step_open(struct game *g, struct flow *f, uint32_t dice, struct frame_spec *s)
{
	uint32_t what = dice % 64;

	if (what < 22)
		return from_client(g, f, F_ACK | F_PSH, dice, s);
	if (what < 40)
		return from_edge(g, f, f->hold.edge, F_ACK | F_PSH, dice, s);
	if (what < 44)
		return from_client(g, f, F_ACK, dice, s);
	if (what < 49)
		return from_client(g, f, F_ACK | F_FIN, dice, s);
	if (what < 54)
		return from_edge(g, f, f->hold.edge, F_ACK | F_FIN, dice, s);
	if (what < 56)
		return from_client(g, f, F_RST, dice, s);
	if (what < 57)
		return from_edge(g, f, f->hold.edge, F_RST | F_ACK, dice, s);
	if (what < 60)
		return from_client(g, f, F_SYN, dice, s); /* stray or forged */
	if (what < 62)
		return from_edge(g, f, f->hold.edge, F_SYN | F_ACK, dice, s);
	return from_stranger(g, f, dice, s);
}

static bool step_closing(struct game *g, struct flow *f, uint32_t dice, struct frame_spec *s)
{
	uint32_t what = dice % 16;

	if (what < 6)
		return from_client(g, f, F_SYN, dice, s);
	if (what < 8)
		return from_client(g, f, F_ACK, dice, s);
	if (what < 10)
		return from_client(g, f, F_ACK | F_PSH, dice, s);
	if (what < 13)
		return from_edge(g, f, f->hold.edge, F_ACK | F_PSH, dice, s);
	if (what < 14)
		return from_edge(g, f, f->hold.edge, F_ACK, dice, s);
	if (what < 15)
		return from_edge(g, f, f->hold.edge, F_SYN | F_ACK, dice, s);
	return from_client(g, f, F_RST, dice, s);
}

static bool step(struct game *g, struct flow *f, uint32_t dice, struct frame_spec *s)
{
	if (hold_unproven(&f->hold, g->now))
		return step_begun(g, f, dice, s);
	if (!hold_proven(&f->hold, g->now))
		return step_fresh(g, f, dice, s);
	return tcp_closing(&f->tcp) ? step_closing(g, f, dice, s) : step_open(g, f, dice, s);
}

static void done(struct game *g, struct flow *f, const struct outcome *o)
{
	if (f->act == FROM_CLIENT)
		pin_client_packet(g, f, o, o->in->tcp_flags == F_SYN);
	else if (f->act == FROM_EDGE)
		pin_edge_packet(g, f, o);
	else
		check_unchanged(g, o, f->act_edge);
}

const struct flow_kind flow_tcp = {"tcp", step, done};
