/* SPDX-License-Identifier: BSD-3-Clause */
/* What the flows of a schedule are. */
#include "game.h"

static const struct flow_kind *pick_kind(const struct world_service *s, struct random *r)
{
	uint32_t dice = random_below(r, 100);

	if (s->proto == TO_TCP)
		return dice < 85 ? &flow_tcp : &flow_opened;
	switch (s->kind) {
	case TO_KIND_SIP:
		return dice < 88 ? &flow_sip : &flow_opened;
	case TO_KIND_TURN:
		return dice < 75 ? &flow_turn : dice < 90 ? &flow_udp : &flow_fragments;
	case TO_KIND_MEDIA:
		return dice < 80 ? &flow_peer : &flow_udp;
	default:
		return dice < 50 ? &flow_udp : dice < 80 ? &flow_fragments : &flow_opened;
	}
}

static int pick_client(const struct game *g, const bool family[2], struct random *r)
{
	int first = (int)random_below(r, (uint32_t)g->w->clients);

	for (int i = 0; i < g->w->clients; i++) {
		int c = (first + i) % g->w->clients;

		if (family[g->w->client[c].family])
			return c;
	}
	return NONE;
}

/* A TURN flow whose relayed port a peer may send to. */
static struct flow *pick_relay(struct game *g, int before)
{
	for (int i = before - 1; i >= 0; i--)
		if (g->flow[i].kind == &flow_turn && !g->flow[i].off &&
		    turn_relayed_port(g, &g->flow[i]))
			return &g->flow[i];
	return NULL;
}

static void give_ports(struct flow *f, const struct world_service *s, struct random *r)
{
	uint32_t range = (uint32_t)(s->port_high - s->port_low + 1);

	f->client_port = (uint16_t)(20000 + f->index);
	f->vip_port = (uint16_t)(s->port_low + (int)random_below(r, range));
	if (f->kind == &flow_sip)
		f->client_port = 5060; /* one socket for all calls */
	else if (f->kind == &flow_opened) {
		f->client_port = f->vip_port;
		f->vip_port = (uint16_t)(30000 + f->index);
	} else if (f->relay)
		f->vip_port = turn_relayed_port(f->relay->game, f->relay);
	else if (s->kind == TO_KIND_MEDIA)
		f->vip_port = (uint16_t)(s->port_low + 500 + f->index);
}

static void generate(struct game *g, struct flow *f, struct random *r)
{
	const struct world_service *s;
	bool family[2];

	f->service = (int)random_below(r, (uint32_t)g->w->services);
	s = &g->w->service[f->service];
	f->kind = pick_kind(s, r);
	family[V4] = s->family[V4];
	family[V6] = s->family[V6];
	if (f->kind == &flow_peer)
		f->relay = pick_relay(g, f->index);
	if (f->relay)
		family[!f->relay->family] = false;
	f->client = pick_client(g, family, r);
	f->off = f->client == NONE;
	if (f->off)
		return;
	f->family = g->w->client[f->client].family;
	f->vip = world_vip(s->vip, f->family);
	give_ports(f, s, r);
}

void flows_generate(struct game *g, struct random *r)
{
	for (int i = 0; i < MAX_FLOWS; i++) {
		struct flow *f = &g->flow[i];

		f->index = i;
		f->game = g;
		hold_init(&f->hold);
		hold_init(&f->transaction);
		hold_init(&f->owner);
		generate(g, f, r);
	}
}
