/* SPDX-License-Identifier: BSD-3-Clause */
/* UDP flows, and peers that send to a relayed port. */
#include "game.h"

enum { FROM_CLIENT, FROM_EDGE, FROM_STRANGER };

static void datagram(struct frame_spec *s, uint32_t dice)
{
	frame_fill_payload(s, 20 + dice % 400, dice);
	s->udp_unsummed = s->family == 4 && (dice >> 9) % 8 == 0;
	s->vlans = (uint8_t)((dice >> 16) % 8 < 6 ? 0 : 1 + (dice >> 16) % 2);
	s->ttl = (uint8_t)(2 + (dice >> 20) % 200);
	s->ip_options = (dice >> 24) % 16 ? 0 : 8;
}

static bool step(struct game *g, struct flow *f, uint32_t dice, struct frame_spec *s)
{
	bool begun = hold_unproven(&f->hold, g->now);
	int edge = hold_proven(&f->hold, g->now) ? f->hold.edge : begun ? f->hold.named : NONE;
	uint32_t what = dice % 16;

	f->act = FROM_CLIENT;
	if (edge != NONE && flow_is_dnat(g, edge) && what < (begun ? 10 : 7)) {
		f->act = FROM_EDGE;
		f->act_edge = edge;
	} else if (what == 15) {
		f->act_edge = pin_stranger(g, f, dice >> 4);
		f->act = f->act_edge == NONE ? FROM_CLIENT : FROM_STRANGER;
	}
	if (f->act == FROM_CLIENT)
		flow_from_client(g, f, s);
	else
		flow_from_edge(g, f, f->act_edge, s);
	datagram(s, dice >> 4);
	return true;
}

static void done(struct game *g, struct flow *f, const struct outcome *o)
{
	if (f->act == FROM_CLIENT)
		pin_client_packet(g, f, o, true);
	else if (f->act == FROM_EDGE)
		pin_edge_packet(g, f, o);
	else
		check_unchanged(g, o, f->act_edge);
}

const struct flow_kind flow_udp = {"udp", step, done};
const struct flow_kind flow_peer = {"peer", step, done};
