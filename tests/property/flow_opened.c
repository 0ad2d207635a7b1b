/* SPDX-License-Identifier: BSD-3-Clause */
/* Flows that an edge opens: E6 to E8. With `edge_initiated: vip` their answers come back to the VIP
 * on a port that no service has. */
#include <turnout/limits.h>

#include "game.h"

enum { OPEN, FROM_EDGE, FROM_CLIENT, LATE };

static int pick_edge(const struct game *g, const struct flow *f, uint32_t dice)
{
	int edge = (int)(dice % (uint32_t)g->w->edges);

	if (g->state[edge] == TO_EDGE_RETIRED || !flow_is_dnat(g, edge) ||
	    world_role(g->w, f->service, edge) == NONE)
		return NONE;
	return edge;
}

static bool is_tcp(const struct game *g, const struct flow *f)
{
	return g->w->service[f->service].proto == TO_TCP;
}

static uint8_t edge_flags(uint32_t dice)
{
	uint32_t what = dice % 16;

	return what < 10 ? F_ACK | F_PSH : what < 12 ? F_ACK | F_FIN : what < 13 ? F_RST : F_SYN;
}

static uint8_t client_flags(uint32_t dice)
{
	uint32_t what = dice % 16;

	return what < 6    ? F_SYN | F_ACK
	       : what < 12 ? F_ACK | F_PSH
	       : what < 14 ? F_ACK | F_FIN
	       : what < 15 ? F_RST | F_ACK
			   : F_ACK;
}

static bool step(struct game *g, struct flow *f, uint32_t dice, struct frame_spec *s)
{
	if (hold_proven(&f->hold, g->now)) {
		f->act = dice % 2 ? FROM_EDGE : FROM_CLIENT;
		f->act_edge = f->hold.edge;
	} else {
		f->act = dice % 8 ? OPEN : LATE;
		f->act_edge = pick_edge(g, f, dice >> 3);
		if (f->act == OPEN && f->act_edge == NONE)
			return false;
	}
	if (f->act == OPEN || f->act == FROM_EDGE)
		flow_from_edge(g, f, f->act_edge, s);
	else
		flow_from_client(g, f, s);
	if (is_tcp(g, f))
		s->tcp_flags = f->act == OPEN        ? F_SYN
			       : f->act == FROM_EDGE ? edge_flags(dice >> 8)
			       : f->act == LATE      ? F_SYN | F_ACK
						     : client_flags(dice >> 8);
	if (!is_tcp(g, f) || s->tcp_flags & F_PSH)
		frame_fill_payload(s, 20 + (dice >> 12) % 200, dice);
	return true;
}

static void opened(struct game *g, struct flow *f, const struct outcome *o)
{
	bool tcp = is_tcp(g, f);
	uint32_t idle = g->w->service[f->service].idle;

	if (!g->w->service[f->service].through_vip) {
		check_unchanged(g, o, f->act_edge);
		return;
	}
	if (!check_opened(g, o, f->act_edge, &f->vip))
		return;
	hold_name(&f->hold, f->act_edge, g->now); /* an edge's own word is proof */
	hold_prove(&f->hold, g->now, idle);
	if (tcp)
		f->hold.expires = g->now + TO_OPENING_LIFE;
	f->tcp = (struct tcp_book){.opening = tcp};
	f->decided = false;
}

static void done(struct game *g, struct flow *f, const struct outcome *o)
{
	switch (f->act) {
	case OPEN:
		opened(g, f, o);
		break;
	case FROM_EDGE:
		pin_edge_packet(g, f, o);
		break;
	case FROM_CLIENT:
		pin_client_packet(g, f, o, false);
		break;
	default: /* nothing waits for it */
		check_dropped(g, o, TO_REASON_NO_SERVICE);
	}
}

const struct flow_kind flow_opened = {"opened", step, done};
