/* SPDX-License-Identifier: BSD-3-Clause */
/* What should have become of a packet, byte by byte. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "game.h"

static const char *const verdicts[] = {TO_NAMES(TO_VERDICTS)};
static const char *const reasons[] = {TO_NAMES(TO_REASONS)};

const char *reason_name(int reason)
{
	return reason >= 0 && reason < TO_REASON_COUNT ? reasons[reason] : "?";
}

void game_fail(struct game *g, const char *format, ...)
{
	va_list args;

	if (g->failed)
		return;
	g->failed = true;
	va_start(args, format);
	vsnprintf(g->why, sizeof(g->why), format, args);
	va_end(args);
}

static const char *said(const struct outcome *o)
{
	static char text[96];
	const struct to_decision *d = &o->out->decision;

	snprintf(text, sizeof(text), "%s %s e%d s%d", verdicts[d->verdict], reasons[d->reason],
		 d->edge, d->service);
	return text;
}

/* `want` is the frame that should have left. */
static bool same_bytes(struct game *g, const struct outcome *o, const uint8_t *want, uint32_t len)
{
	const struct to_frame *f = o->out;
	const char *why = frame_verify(f->data, f->len);

	if (why)
		game_fail(g, "a frame left with a wrong %s (%s)", why, said(o));
	else if (f->len != len)
		game_fail(g, "a frame left with %u bytes instead of %u (%s)", f->len, len, said(o));
	for (uint32_t i = 0; i < len && !g->failed; i++)
		if (f->data[i] != want[i])
			game_fail(g, "byte %u of the frame that left is %02x instead of %02x (%s)",
				  i, f->data[i], want[i], said(o));
	return !g->failed;
}

/* What leaves: the next hop's MAC, one hop less to live, no padding. */
static void leaving(const struct game *g, const struct outcome *o, int edge, struct frame_spec *s)
{
	const struct to_nexthops *nh = &g->rig.nexthops;

	*s = *o->in;
	s->pad = 0;
	s->ttl--;
	memcpy(s->mac_src, nh->outside4.own, 6);
	memcpy(s->mac_dst, edge == NONE ? nh->outside4.mac : nh->edge[edge].mac, 6);
}

static bool is(struct game *g, const struct outcome *o, int verdict, int reason, int edge,
	       const char *what)
{
	const struct to_decision *d = &o->out->decision;

	if (d->verdict == verdict && d->reason == reason && d->edge == edge)
		return true;
	game_fail(g, "%s: expected %s %s e%d, got %s", what, verdicts[verdict], reasons[reason],
		  edge, said(o));
	return false;
}

/* The source stays what it was (I7): `want` has the client's address in all modes. */
static bool check_steered_bytes(struct game *g, const struct outcome *o, int service, int edge)
{
	int family = o->in->family == 4 ? V4 : V6;
	uint8_t want[FRAME_MAX];
	struct frame_spec s;
	uint32_t len;

	if (o->out->egress != TO_EGRESS_EDGE) {
		game_fail(g, "a steered packet did not leave (%s)", said(o));
		return false;
	}
	leaving(g, o, edge, &s);
	if (world_mode(g->w, edge) == TO_MODE_IPIP) {
		int outer = g->w->edge[edge].has[family] ? family : !family;
		union to_addr from = world_gateway(outer);
		union to_addr to = world_edge_addr(g->w, edge, service, outer);

		len = frame_build_tunnel(&s, &from, &to, want);
	} else {
		if (world_mode(g->w, edge) == TO_MODE_DNAT)
			s.dst = world_edge_addr(g->w, edge, service, family);
		len = frame_build(&s, want);
	}
	return same_bytes(g, o, want, len);
}

bool check_steer(struct game *g, const struct outcome *o, int service, int edge, int reason)
{
	const struct to_decision *d = &o->out->decision;
	bool pinned = reason != TO_REASON_ROUTE && reason != TO_REASON_AFFINITY;

	if (!is(g, o, TO_VERDICT_STEER, reason, edge,
		pinned ? "I1, an established or begun flow" : "a new flow"))
		return false;
	if (d->service != service)
		game_fail(g, "the service is s%d instead of s%d", d->service, service);
	if (g->state[edge] == TO_EDGE_RETIRED)
		game_fail(g, "I8: e%d is retired and gets a packet (%s)", edge, said(o));
	return !g->failed && check_steered_bytes(g, o, service, edge);
}

static bool eligible(const struct game *g, int edge, int service, int family)
{
	return g->state[edge] == TO_EDGE_UP && world_serves(g->w, edge, service, family);
}

static bool any_eligible(const struct game *g, int service, int role, int family)
{
	const struct world_pool *p = &g->w->pool[g->w->service[service].pool[role]];

	for (int e = p->first_edge; e < p->first_edge + p->edges; e++)
		if (eligible(g, e, service, family))
			return true;
	return false;
}

/* No edge: the pool that the route names has none, nor has the other where that would do. */
static void check_no_edge(struct game *g, int service, int client, bool midflow)
{
	const struct world_client *c = &g->w->client[client];
	const struct world_service *s = &g->w->service[service];
	int share = world_share(g->w, g->stage, service, c);
	bool any[2];

	for (int role = LEGACY; role <= NEW; role++)
		any[role] = any_eligible(g, service, role, c->family);
	if (s->fallback_other ? any[LEGACY] || any[NEW] : any[LEGACY] && any[NEW])
		game_fail(g, "no-edge on s%d, but there is one", service);
	else if (midflow && any[world_midflow(g->w, g->stage, service)])
		game_fail(g, "no-edge on s%d, but the mid-flow pool has one", service);
	else if (!midflow && ((share == 0 && any[LEGACY]) || (share == 10000 && any[NEW])))
		game_fail(g, "no-edge on s%d, but the route's pool has one", service);
}

static void check_pool(struct game *g, const struct outcome *o, int service, int client,
		       bool midflow)
{
	const struct to_decision *d = &o->out->decision;
	const struct world_client *c = &g->w->client[client];
	int role = world_role(g->w, service, d->edge);
	int share = world_share(g->w, g->stage, service, c);

	switch (d->reason) {
	case TO_REASON_ROUTE:
		if (midflow || (share == 0 && role == NEW) || (share == 10000 && role == LEGACY))
			game_fail(g, "by its route to the wrong pool (%s, share %d)", said(o),
				  share);
		break;
	case TO_REASON_AFFINITY:
		if (midflow || !affinity_may(g, service, client, d->edge))
			game_fail(g, "affinity where there can be none (%s)", said(o));
		break;
	case TO_REASON_MIDFLOW:
		if (!midflow || role != world_midflow(g->w, g->stage, service))
			game_fail(g, "mid-flow to the wrong pool (%s)", said(o));
		break;
	case TO_REASON_FALLBACK:
		if (!g->w->service[service].fallback_other ||
		    any_eligible(g, service, !role, c->family) ||
		    (midflow && role == world_midflow(g->w, g->stage, service)))
			game_fail(g, "a fallback that was not needed (%s)", said(o));
		break;
	default:
		game_fail(g, "a flow that nothing is known of: %s", said(o));
	}
}

int check_new(struct game *g, const struct outcome *o, int service, int client, bool midflow)
{
	const struct to_decision *d = &o->out->decision;
	int must = client < g->w->clients && !midflow ? affinity_must(g, service, client) : NONE;
	int family = g->w->client[client].family;

	if (midflow && world_midflow(g->w, g->stage, service) == 2) {
		check_dropped(g, o, TO_REASON_MIDFLOW);
		return NONE;
	}
	if (must != NONE) {
		check_steer(g, o, service, must, TO_REASON_AFFINITY);
		return must;
	}
	if (d->verdict == TO_VERDICT_DROP && d->reason == TO_REASON_NO_EDGE) {
		check_no_edge(g, service, client, midflow);
		return NONE;
	}
	if (d->verdict != TO_VERDICT_STEER || d->edge >= g->w->edges) {
		game_fail(g, "a new flow on s%d: %s", service, said(o));
		return NONE;
	}
	if (world_role(g->w, service, d->edge) == NONE)
		game_fail(g, "an edge of neither pool (%s)", said(o));
	else if (!eligible(g, d->edge, service, family))
		game_fail(g, "a new flow to an edge that takes none (%s)", said(o));
	else
		check_pool(g, o, service, client, midflow);
	if (!g->failed)
		check_steer(g, o, service, d->edge, d->reason);
	return d->edge;
}

static bool check_outwards(struct game *g, const struct outcome *o, const union to_addr *vip)
{
	uint8_t want[FRAME_MAX];
	struct frame_spec s;

	if (o->out->egress != TO_EGRESS_OUT) {
		game_fail(g, "an edge's packet did not leave (%s)", said(o));
		return false;
	}
	leaving(g, o, NONE, &s);
	if (vip)
		s.src = *vip;
	return same_bytes(g, o, want, frame_build(&s, want));
}

bool check_reply(struct game *g, const struct outcome *o, int edge, const union to_addr *vip)
{
	return is(g, o, TO_VERDICT_REPLY, TO_REASON_REPLY, edge, "I1, an answer") &&
	       check_outwards(g, o, vip);
}

bool check_reply_fragment(struct game *g, const struct outcome *o, int verdict, int edge,
			  const union to_addr *vip)
{
	return is(g, o, verdict, TO_REASON_FRAGMENT, edge, "a later fragment of an answer") &&
	       check_outwards(g, o, vip);
}

bool check_opened(struct game *g, const struct outcome *o, int edge, const union to_addr *vip)
{
	return is(g, o, TO_VERDICT_OUT, TO_REASON_EDGE_INITIATED, edge,
		  "a flow that an edge opens") &&
	       check_outwards(g, o, vip);
}

bool check_unchanged(struct game *g, const struct outcome *o, int edge)
{
	return is(g, o, TO_VERDICT_OUT, TO_REASON_EDGE_INITIATED, edge, "an edge's own packet") &&
	       check_outwards(g, o, NULL);
}

bool check_dropped(struct game *g, const struct outcome *o, int reason)
{
	const struct to_decision *d = &o->out->decision;

	if (d->verdict != TO_VERDICT_DROP || d->reason != reason ||
	    o->out->egress != TO_EGRESS_NONE)
		game_fail(g, "expected drop %s, got %s", reasons[reason], said(o));
	return !g->failed;
}

bool check_reset(struct game *g, const struct outcome *o, int edge)
{
	uint8_t want[FRAME_MAX];
	struct frame_spec s;

	if (!is(g, o, TO_VERDICT_DROP, TO_REASON_RESET, edge, "a connection that is reset"))
		return false;
	if (o->out->egress != TO_EGRESS_SENDER) {
		game_fail(g, "a segment was not answered (%s)", said(o));
		return false;
	}
	frame_reset(&s, o->in);
	memcpy(s.mac_dst, o->in->mac_src, 6);
	memcpy(s.mac_src, g->rig.nexthops.own[0], 6);
	return same_bytes(g, o, want, frame_build(&s, want));
}

bool check_owner(struct game *g, const struct outcome *o, int edge)
{
	uint8_t want[FRAME_MAX];
	struct frame_spec s;

	if (g->state[edge] == TO_EDGE_RETIRED)
		return check_dropped(g, o, TO_REASON_EDGE_RETIRED);
	if (!is(g, o, TO_VERDICT_STEER, TO_REASON_OWNER, edge, "to an edge's own address"))
		return false;
	leaving(g, o, edge, &s);
	return same_bytes(g, o, want, frame_build(&s, want));
}
