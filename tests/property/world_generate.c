/* SPDX-License-Identifier: BSD-3-Clause */
/* Throws the dice for a site. */
#include <string.h>
#include <tests/pipeline/frame.h>

#include "world.h"

/* Kinds of service, each with the ports and the idle time-out that it has by default. */
static const struct {
	int kind, proto, low, high;
	uint32_t idle;
} templates[] = {
	{TO_KIND_SIP_TLS, TO_TCP, 443, 443, 1800},    {TO_KIND_SIP, TO_UDP, 5060, 5060, 14400},
	{TO_KIND_TURN, TO_UDP, 3478, 3478, 660},      {TO_KIND_MEDIA, TO_UDP, 50000, 50999, 300},
	{TO_KIND_OTHER, TO_UDP, 4000, 4009, 300},     {TO_KIND_SIP, TO_TCP, 5060, 5061, 1800},
	{TO_KIND_PSOM, TO_TCP, 8057, 8057, 1800},     {TO_KIND_TURN, TO_TCP, 3478, 3478, 1800},
	{TO_KIND_OTHER, TO_UDP, 6000, 6000, 300},     {TO_KIND_SIP, TO_UDP, 5070, 5070, 14400},
	{TO_KIND_TAKEOVER, TO_TCP, 5269, 5269, 1800},
};
enum { TEMPLATES = sizeof(templates) / sizeof(templates[0]) };

static const struct {
	const char *addr;
	int family, length;
} prefixes[MAX_PREFIXES] = {
	{"100.64.0.0", V4, 10},      {"100.64.0.0", V4, 16},    {"100.64.5.0", V4, 24},
	{"100.64.5.7", V4, 32},      {"2001:db8:50::", V6, 48}, {"2001:db8:50:5::", V6, 64},
	{"2001:db8:50:4::", V6, 62}, {"100.64.5.0", V4, 29},
};

static void generate_pools(struct world *w, struct random *r)
{
	int each = 1 + random_percent(r, 25);

	for (int role = LEGACY; role <= NEW; role++) {
		for (int i = 0; i < each; i++) {
			struct world_pool *p = &w->pool[w->pools];
			uint32_t dice = random_below(r, 100);

			p->role = role;
			p->mode = dice < 84 ? TO_MODE_DNAT : dice < 91 ? TO_MODE_L2 : TO_MODE_IPIP;
			p->first_edge = w->edges;
			p->edges = 1 + (int)random_below(r, 6);
			for (int k = 0; k < p->edges; k++)
				w->edge[w->edges++] = (struct world_edge){w->pools, {true, true}};
			w->pools++;
		}
	}
}

/* A tunnel goes to an edge of either family: so some have only one. */
static void generate_families(struct world *w, struct random *r)
{
	for (int e = 0; e < w->edges; e++) {
		if (world_mode(w, e) != TO_MODE_IPIP || random_percent(r, 50))
			continue;
		w->edge[e].has[random_below(r, 2)] = false;
	}
}

static int pick_pool(const struct world *w, struct random *r, int role)
{
	int i;

	do
		i = (int)random_below(r, (uint32_t)w->pools);
	while (w->pool[i].role != role);
	return i;
}

static void generate_families_of(struct world_service *s, struct random *r)
{
	uint32_t dice = random_below(r, 10);

	s->family[V4] = dice < 8;
	s->family[V6] = dice >= 5;
}

static void generate_service(struct world *w, struct random *r, int t)
{
	struct world_service *s = &w->service[w->services];

	s->kind = templates[t].kind;
	s->proto = templates[t].proto;
	s->port_low = templates[t].low;
	s->port_high = templates[t].high;
	s->idle = random_percent(r, 80) ? templates[t].idle : 20 + random_below(r, 200);
	generate_families_of(s, r);
	s->balance_flow = random_percent(r, 15);
	s->group = s->balance_flow || random_percent(r, 20) ? NONE
		   : random_percent(r, 70)                  ? (int)random_below(r, 2)
							    : 2 + w->services;
	s->fallback_other = random_percent(r, 40);
	s->through_vip = random_percent(r, 40);
	s->midflow = random_percent(r, 60) ? 0 : 1 + (int)random_below(r, 2);
	s->pool[LEGACY] = pick_pool(w, r, LEGACY);
	s->pool[NEW] = pick_pool(w, r, NEW);
	w->services++;
}

/* Services of one VIP share its families; a relayed port is on the VIP of its TURN service. */
static void generate_vips(struct world *w, struct random *r)
{
	bool one = random_percent(r, 50);

	w->vips = one ? 1 : w->services;
	for (int i = 0; i < w->services; i++) {
		struct world_service *s = &w->service[i], *first = &w->service[0];

		s->vip = one ? 0 : i;
		if (one && random_percent(r, 70)) {
			s->family[V4] = first->family[V4];
			s->family[V6] = first->family[V6];
		}
	}
}

static void generate_services(struct world *w, struct random *r)
{
	int wanted = 1 + (int)random_below(r, MAX_SERVICES);
	bool used[TEMPLATES] = {false};

	if (random_percent(r, 35)) { /* TURN and its relay ports */
		generate_service(w, r, 2);
		generate_service(w, r, 3);
		w->service[1].pool[LEGACY] = w->service[0].pool[LEGACY];
		w->service[1].pool[NEW] = w->service[0].pool[NEW];
		used[2] = used[3] = true;
	}
	while (w->services < wanted) {
		int t = (int)random_below(r, TEMPLATES);

		if (!used[t])
			generate_service(w, r, t);
		used[t] = true;
	}
}

/* A few shares that are telling, many that are not round. */
static int generate_share(struct random *r)
{
	static const int telling[] = {0, 10000, 5000, 1, 9999, 1000};

	return random_percent(r, 50) ? telling[random_below(r, 6)] : (int)random_below(r, 10001);
}

static void generate_stages(struct world *w, struct random *r)
{
	w->stages = 2 + (int)random_below(r, MAX_STAGES - 1);
	for (int i = 0; i < w->stages; i++) {
		for (int s = 0; s < w->services; s++) {
			struct world_stage *at = &w->stage[i];

			at->share[s] = generate_share(r);
			at->midflow[s] = random_percent(r, 80) ? NONE : (int)random_below(r, 3);
			for (int p = 0; p < w->partners; p++)
				at->exception[s][p] =
					random_percent(r, 50) ? NONE : generate_share(r);
		}
	}
}

static void generate_partners(struct world *w, struct random *r)
{
	w->partners = (int)random_below(r, MAX_PARTNERS + 1);
	for (int i = 0; i < MAX_PREFIXES && w->partners; i++) {
		struct world_prefix *p = &w->prefix[w->prefixes];

		/* every partner has one, the rest are anybody's */
		p->partner = i < w->partners ? i : (int)random_below(r, (uint32_t)w->partners);
		if (i >= w->partners && random_percent(r, 40))
			continue;
		p->family = prefixes[i].family;
		p->length = prefixes[i].length;
		p->addr = frame_addr(prefixes[i].addr);
		w->prefixes++;
	}
}

static union to_addr generate_client(struct random *r, int family)
{
	uint32_t dice = random_below(r, 5), x = random_below(r, 65536);
	union to_addr a;

	if (family == V6) {
		a = frame_addr(dice == 0   ? "2001:db8:50:5::"
			       : dice == 1 ? "2001:db8:50:6::"
			       : dice == 2 ? "2001:db8:50:99::"
					   : "2001:db8:99::");
		if (dice >= 3)
			a.b[7] = (uint8_t)(x >> 8);
		a.b[15] = (uint8_t)(1 + x % 250);
		return a;
	}
	switch (dice) {
	case 0:
		return frame_v4(100, 64, 5, (uint8_t)(x % 10));
	case 1:
		return frame_v4(100, 64, (uint8_t)(x >> 8), (uint8_t)x);
	case 2:
		return frame_v4(100, (uint8_t)(65 + x % 60), (uint8_t)(x >> 8), (uint8_t)x);
	default:
		return frame_v4(198, 18, (uint8_t)(x >> 8), (uint8_t)x);
	}
}

/* Clients and probes are apart: no probe is a client's neighbour in its /64. */
static void generate_clients(struct world *w, struct random *r)
{
	w->clients = 1 + (int)random_below(r, MAX_CLIENTS);
	w->probes = MAX_PROBES;
	for (int i = 0; i < w->clients + w->probes; i++) {
		struct world_client *c = &w->client[i];

		c->family = (int)random_below(r, 2);
		c->addr = generate_client(r, c->family);
		if (i >= w->clients && c->family == V6)
			c->addr.b[6] ^= 0x80;
		if (i >= w->clients && c->family == V4)
			c->addr.b[14] ^= 0x80;
		c->identity = i;
		for (int k = i - 1; k >= 0; k--)
			if (w->client[k].family == c->family &&
			    !memcmp(w->client[k].addr.b, c->addr.b, c->family == V4 ? 16 : 8))
				c->identity = k;
	}
}

/* One address a edge is possible when no two services have the same port. They never do. */
void world_generate(struct world *w, struct random *r)
{
	memset(w, 0, sizeof(*w));
	w->salt = random_below(r, 1000000);
	generate_pools(w, r);
	generate_families(w, r);
	generate_services(w, r);
	generate_vips(w, r);
	w->one_address = random_percent(r, 40);
	generate_partners(w, r);
	generate_stages(w, r);
	generate_clients(w, r);
}
