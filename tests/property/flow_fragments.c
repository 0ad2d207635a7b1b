/* SPDX-License-Identifier: BSD-3-Clause */
/* UDP in large datagrams, both ways: later fragments go where the first one went. */
#include <turnout/limits.h>

#include "game.h"

enum { FROM_CLIENT, FROM_EDGE };
enum { PIECES = 3, UDP_HEADER = 8 };

static void fragment(const struct flow *f, struct frame_spec *s, uint32_t at)
{
	uint32_t total = UDP_HEADER + f->datagram_len, piece = (total / PIECES + 8) & ~7u;

	frame_fill_payload(s, f->datagram_len, f->datagram);
	s->id = f->datagram;
	s->fragment_at = (uint16_t)at;
	s->more = at + piece < total;
	s->fragment_len = (uint16_t)(s->more ? piece : total - at);
}

static void begin(struct game *g, struct flow *f, uint32_t dice)
{
	bool begun = hold_unproven(&f->hold, g->now);
	int edge = hold_proven(&f->hold, g->now) ? f->hold.edge : begun ? f->hold.named : NONE;

	f->act = FROM_CLIENT;
	if (edge != NONE && flow_is_dnat(g, edge) && dice % 2) {
		f->act = FROM_EDGE;
		f->act_edge = edge;
	}
	f->datagram = ++g->datagram;
	f->datagram_len = (uint16_t)(200 + (dice >> 8) % 2200);
	f->next = 0;
	f->first_until = 0;
	if ((dice >> 4) % 10 == 0) /* the first one is lost, or comes too late */
		f->next = ((UDP_HEADER + f->datagram_len) / PIECES + 8) & ~7u;
}

static bool step(struct game *g, struct flow *f, uint32_t dice, struct frame_spec *s)
{
	if (!f->next || (f->act == FROM_EDGE && g->state[f->act_edge] == TO_EDGE_RETIRED))
		begin(g, f, dice);
	if (f->act == FROM_CLIENT)
		flow_from_client(g, f, s);
	else
		flow_from_edge(g, f, f->act_edge, s);
	fragment(f, s, f->next);
	return true;
}

static void first(struct game *g, struct flow *f, const struct outcome *o)
{
	const struct to_decision *d = &o->out->decision;

	if (f->act == FROM_CLIENT)
		pin_client_packet(g, f, o, true);
	else
		pin_edge_packet(g, f, o);
	f->first_until = g->now + TO_FRAGMENT_LIFE;
	f->first_verdict = d->verdict;
	f->first_edge = d->verdict == TO_VERDICT_DROP ? NONE : d->edge;
}

static void later(struct game *g, struct flow *f, const struct outcome *o)
{
	const struct to_decision *d = &o->out->decision;
	bool known = g->now < f->first_until &&
		     (f->first_edge == NONE || g->state[f->first_edge] != TO_EDGE_RETIRED);

	if (!g->roomy && (d->reason == TO_REASON_FRAGMENT_EARLY))
		known = false; /* displaced */
	if (f->act == FROM_EDGE) {
		if (known)
			check_reply_fragment(g, o, f->first_verdict, f->act_edge,
					     f->first_verdict == TO_VERDICT_REPLY ? &f->vip : NULL);
		else
			check_unchanged(g, o, f->act_edge);
	} else if (!known) {
		check_dropped(g, o, TO_REASON_FRAGMENT_EARLY);
	} else if (f->first_verdict == TO_VERDICT_DROP) {
		check_dropped(g, o, TO_REASON_FRAGMENT);
	} else {
		check_steer(g, o, f->service, f->first_edge, TO_REASON_FRAGMENT);
	}
}

static void done(struct game *g, struct flow *f, const struct outcome *o)
{
	if (o->in->fragment_at)
		later(g, f, o);
	else
		first(g, f, o);
	f->next = o->in->more ? o->in->fragment_at + o->in->fragment_len : 0u;
}

const struct flow_kind flow_fragments = {"fragments", step, done};
