/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Probes: clients without any state begin flows, and get no answer. So where they go follows from
 * the stage and from which edges are up alone: back at a stage they go where they went before, and
 * a higher share never takes one back to legacy.
 */
#include <stdio.h>
#include <string.h>

#include "game.h"

enum { KEPT = 16 };

struct aim {
	int client; /* in the world's list */
	int probe;
	int service;
};

static struct aim aim_of(const struct game *g, uint32_t dice)
{
	int probe = (int)(dice % MAX_PROBES);

	return (struct aim){.probe = probe,
			    .client = g->w->clients + probe,
			    .service = (int)((dice >> 8) % (uint32_t)g->w->services)};
}

/* Always the same port or Call-ID where the edge depends on it, so not while an entry lives. */
bool probe_step(struct game *g, uint32_t dice, struct frame_spec *s)
{
	struct aim a = aim_of(g, dice);
	const struct world_service *service = &g->w->service[a.service];
	const struct world_client *c = &g->w->client[a.client];
	struct probe_book *p = &g->probe[a.probe][a.service];
	union to_addr vip = world_vip(service->vip, c->family);
	uint32_t one = service->balance_flow ? 0 : ++p->count;

	if (c->identity != a.client || !service->family[c->family] ||
	    (service->balance_flow && g->now < p->last + 10))
		return false;
	p->last = g->now;
	frame_init(s, &c->addr, &vip, service->proto == TO_TCP ? IPPROTO_TCP_ : IPPROTO_UDP_,
		   (uint16_t)(10000 + one),
		   (uint16_t)service->port_high); /* of media: a port that nobody relays */
	s->tcp_flags = F_SYN;
	if (service->kind == TO_KIND_SIP && service->proto == TO_UDP)
		s->len = (uint16_t)snprintf((char *)s->payload, 300,
					    "OPTIONS sip:x@y SIP/2.0\r\nVia: SIP/2.0/UDP "
					    "h;branch=z9hG4bKp%d-%d-%u\r\n"
					    "Call-ID: probe-%d-%d-%u\r\nCSeq: 1 OPTIONS\r\n\r\n",
					    a.probe, a.service, one, a.probe, a.service, one);
	else if (service->proto == TO_UDP)
		frame_fill_payload(s, 40, one);
	return true;
}

static uint32_t edges_up(const struct game *g)
{
	uint32_t up = 0;

	for (int e = 0; e < g->w->edges; e++)
		up |= (uint32_t)(g->state[e] == TO_EDGE_UP) << e;
	return up;
}

static void remember(struct game *g, struct probe_book *p, const struct aim *a, int edge)
{
	uint32_t up = edges_up(g);

	for (int i = 0; i < KEPT; i++) {
		int *known = &p->edge[g->stage][i];

		if (*known && p->up[g->stage][i] != up)
			continue;
		if (*known && *known != 1 + edge)
			game_fail(
				g,
				"a client without affinity goes to e%d on s%d at stage%d, and went "
				"to e%d when the same edges were up",
				edge, a->service, g->stage, *known - 1);
		*known = 1 + edge;
		p->up[g->stage][i] = up;
		return;
	}
}

static void compare_shares(struct game *g, struct probe_book *p, const struct aim *a, int edge)
{
	int share = world_share(g->w, g->stage, a->service, &g->w->client[a->client]);

	if (world_role(g->w, a->service, edge) == NEW) {
		if (!p->new_at || share + 1 < p->new_at)
			p->new_at = share + 1; /* 1 + share; 0: never */
	} else if (share + 1 > p->legacy_at) {
		p->legacy_at = share + 1;
	}
	if (p->new_at && p->legacy_at >= p->new_at)
		game_fail(g, "a client is on new at a share of %d and on legacy at one of %d (s%d)",
			  p->new_at - 1, p->legacy_at - 1, a->service);
}

void probe_done(struct game *g, uint32_t dice, const struct outcome *o)
{
	struct aim a = aim_of(g, dice);
	struct probe_book *p = &g->probe[a.probe][a.service];
	int edge = check_new(g, o, a.service, a.client, false);

	if (g->failed || edge == NONE)
		return;
	remember(g, p, &a, edge);
	if (o->out->decision.reason == TO_REASON_ROUTE)
		compare_shares(g, p, &a, edge);
}
