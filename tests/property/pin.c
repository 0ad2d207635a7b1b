/* SPDX-License-Identifier: BSD-3-Clause */
/* The test's book of a flow that has a pin: docs/state.md, section 5, V5 to V12, E4 to E8, 5.2. */
#include <turnout/limits.h>

#include "game.h"

enum { CLIENT, EDGE };

bool flow_is_dnat(const struct game *g, int edge)
{
	return world_mode(g->w, edge) == TO_MODE_DNAT;
}

bool tcp_closing(const struct tcp_book *t)
{
	return t->rst || (t->fin[CLIENT] && t->fin[EDGE]);
}

static void tcp_segment(struct tcp_book *t, uint8_t flags, bool payload, int side)
{
	if (side == CLIENT && !(flags & F_RST))
		t->opening = false;
	if (flags & F_SYN) {
		if (side == EDGE && tcp_closing(t))
			*t = (struct tcp_book){.opening = t->opening};
	} else if (flags & F_RST) {
		t->rst = true;
		t->seen[CLIENT] = t->seen[EDGE] = false;
	} else if (flags & F_FIN) {
		t->fin[side] = true;
	} else {
		if (t->rst)
			t->seen[side] = true;
		if (t->seen[CLIENT] && t->seen[EDGE])
			t->rst = t->seen[CLIENT] = t->seen[EDGE] = false;
		if (payload)
			t->fin[side] = false;
	}
}

static bool is_tcp(const struct outcome *o)
{
	return o->in->proto == IPPROTO_TCP_;
}

/* A packet of a proven pin: when it ends now, and whether its client's affinity hears of it. */
static void touch(struct game *g, struct flow *f, const struct outcome *o, int side)
{
	bool was = is_tcp(o) && tcp_closing(&f->tcp), is;

	if (is_tcp(o))
		tcp_segment(&f->tcp, o->in->tcp_flags, o->in->len > 0, side);
	is = is_tcp(o) && tcp_closing(&f->tcp);
	f->hold.expires = g->now + (is                            ? TO_CLOSING_LIFE
				    : is_tcp(o) && f->tcp.opening ? TO_OPENING_LIFE
								  : f->hold.life);
	if (is && !was)
		affinity_closed(g, f);
	else if (was && !is)
		affinity_proved(g, f);
	else if (!is)
		affinity_packet(g, f);
}

/* 5.4: are this edge's TCP connections reset? Not by what is the client's own RST. */
static bool resets(const struct game *g, const struct outcome *o, int edge)
{
	return is_tcp(o) && !(o->in->tcp_flags & F_RST) && g->state[edge] == TO_EDGE_RESETTING &&
	       flow_is_dnat(g, edge);
}

static void end_book(struct tcp_book *t)
{
	t->rst = true;
	t->seen[CLIENT] = t->seen[EDGE] = false;
}

/* The proven pin closes, as by its client's RST. */
static void end(struct game *g, struct flow *f)
{
	bool was = tcp_closing(&f->tcp);

	end_book(&f->tcp);
	f->hold.expires = g->now + TO_CLOSING_LIFE;
	if (!was)
		affinity_closed(g, f);
}

static void prove(struct game *g, struct flow *f)
{
	hold_prove(&f->hold, g->now, g->w->service[f->service].idle);
	f->tcp = f->tcp_next;
}

/* After the packet that proved the pin. */
static void join(struct game *g, struct flow *f)
{
	if (!tcp_closing(&f->tcp))
		affinity_proved(g, f);
}

/* An unproven pin, of what has just been decided. */
static void record(struct game *g, struct flow *f, const struct outcome *o, int edge)
{
	hold_name(&f->hold, edge, g->now);
	f->remembers = false;
	f->decided = o->out->decision.reason != TO_REASON_LEARNED_OWNER;
	f->tcp_next = (struct tcp_book){.fin = {false, !flow_is_dnat(g, edge)}};
	if (is_tcp(o) && o->in->tcp_flags & F_FIN)
		f->tcp_next.fin[CLIENT] = true;
}

static void decide_new(struct game *g, struct flow *f, const struct outcome *o, bool begins)
{
	bool rst = is_tcp(o) && o->in->tcp_flags & F_RST;
	int edge;

	if (f->relay && hold_proven(&f->relay->owner, g->now) &&
	    world_serves(g->w, f->relay->owner.edge, f->service, f->family)) {
		edge = f->relay->owner.edge;
		check_steer(g, o, f->service, edge, TO_REASON_LEARNED_OWNER);
	} else {
		edge = check_new(g, o, f->service, f->client, !begins);
	}
	if (g->failed || edge == NONE || rst)
		return;
	if (hold_proven(&f->hold, g->now) && f->hold.edge == edge)
		return; /* a SYN beside the closing pin of the same edge */
	record(g, f, o, edge);
}

/* A packet that the unproven pin decides. A DSR edge is proven by the client's second one. */
static void second_packet(struct game *g, struct flow *f, const struct outcome *o, bool begins)
{
	bool syn = is_tcp(o) && o->in->tcp_flags == F_SYN;
	bool rst = is_tcp(o) && o->in->tcp_flags & F_RST;

	if (!g->roomy && o->out->decision.reason != TO_REASON_PIN &&
	    o->out->decision.reason != TO_REASON_RESET) {
		f->hold.named = NO_EDGE; /* it was displaced */
		decide_new(g, f, o, begins);
		return;
	}
	if (resets(g, o, f->hold.named)) {
		if (syn)
			decide_new(g, f, o, begins);
		else if (check_reset(g, o, f->hold.named))
			end_book(&f->tcp_next);
		return;
	}
	if (!check_steer(g, o, f->service, f->hold.named, TO_REASON_PIN) || syn)
		return;
	if (is_tcp(o))
		tcp_segment(&f->tcp_next, o->in->tcp_flags, o->in->len > 0, CLIENT);
	if (!flow_is_dnat(g, f->hold.named) && !rst) {
		prove(g, f);
		join(g, f);
		if (tcp_closing(&f->tcp))
			f->hold.expires = g->now + TO_CLOSING_LIFE;
	}
}

void pin_client_packet(struct game *g, struct flow *f, const struct outcome *o, bool begins)
{
	bool tcp = is_tcp(o), closing = tcp && tcp_closing(&f->tcp);
	bool syn = tcp && o->in->tcp_flags == F_SYN, rst = tcp && o->in->tcp_flags & F_RST;
	bool proven = hold_proven(&f->hold, g->now), unproven = hold_unproven(&f->hold, g->now);

	if (proven && syn && !closing && resets(g, o, f->hold.edge)) {
		end(g, f);
		closing = true;
	}
	if (proven && !(syn && closing)) {
		if (closing && unproven && !rst && !flow_is_dnat(g, f->hold.named)) {
			second_packet(g, f, o, begins);
			return;
		}
		if (resets(g, o, f->hold.edge)) {
			if (check_reset(g, o, f->hold.edge))
				end(g, f);
		} else if (check_steer(g, o, f->service, f->hold.edge, TO_REASON_PIN) && !syn) {
			touch(g, f, o, CLIENT);
		}
	} else if (unproven) {
		second_packet(g, f, o, begins);
	} else {
		decide_new(g, f, o, begins);
	}
}

static bool answers_unproven(struct game *g, struct flow *f, const struct outcome *o)
{
	bool rst = is_tcp(o) && o->in->tcp_flags & F_RST;

	if (!g->roomy && o->out->decision.verdict == TO_VERDICT_OUT) {
		f->hold.named = NO_EDGE;
		return false;
	}
	if (!check_reply(g, o, f->act_edge, &f->vip))
		return false;
	if (rst || (hold_proven(&f->hold, g->now) && !tcp_closing(&f->tcp))) {
		tcp_segment(&f->tcp_next, o->in->tcp_flags, o->in->len > 0, EDGE);
		return true;
	}
	prove(g, f);
	touch(g, f, o, EDGE);
	join(g, f);
	return true;
}

bool pin_edge_packet(struct game *g, struct flow *f, const struct outcome *o)
{
	int edge = f->act_edge;

	if (hold_proven(&f->hold, g->now) && f->hold.edge == edge) {
		if (!check_reply(g, o, edge, &f->vip))
			return false;
		touch(g, f, o, EDGE);
		return true;
	}
	if (hold_unproven(&f->hold, g->now) && f->hold.named == edge)
		return answers_unproven(g, f, o);
	check_unchanged(g, o, edge);
	return false;
}

int pin_stranger(struct game *g, const struct flow *f, uint32_t dice)
{
	int edge = (int)(dice % (uint32_t)g->w->edges);

	if (edge == f->hold.edge || edge == f->hold.named || !flow_is_dnat(g, edge) ||
	    f->hold.lost >> edge & 1 ||
	    (f->family == V4 ? !g->w->edge[edge].has[V4] : !g->w->edge[edge].has[V6]))
		return NONE;
	return edge;
}

void flow_from_client(const struct game *g, const struct flow *f, struct frame_spec *s)
{
	const struct world_service *service = &g->w->service[f->service];

	frame_init(s, &g->w->client[f->client].addr, &f->vip,
		   service->proto == TO_TCP ? IPPROTO_TCP_ : IPPROTO_UDP_, f->client_port,
		   f->vip_port);
}

void flow_from_edge(const struct game *g, const struct flow *f, int edge, struct frame_spec *s)
{
	const struct world_service *service = &g->w->service[f->service];
	union to_addr from = world_edge_addr(g->w, edge, f->service, f->family);

	frame_init(s, &from, &g->w->client[f->client].addr,
		   service->proto == TO_TCP ? IPPROTO_TCP_ : IPPROTO_UDP_, f->vip_port,
		   f->client_port);
}
