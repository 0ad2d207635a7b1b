/* SPDX-License-Identifier: BSD-3-Clause */
/* What a service needs of its edges, and what two services must not share. */
#include <string.h>

#include <turnout/table.h>

#include "plan_loader.h"

/* Was enough of it read to compare it with others? */
static bool whole(const struct to_plan_service *s)
{
	return s->proto != TO_NO_INDEX && s->port_low && s->vips;
}

static bool overlap(const struct to_plan_service *a, const struct to_plan_service *b)
{
	return a->proto == b->proto && a->port_low <= b->port_high && b->port_low <= a->port_high;
}

bool to_share_vip(const struct to_plan_service *a, const struct to_plan_service *b)
{
	for (uint32_t i = 0; i < a->vips; i++)
		if (memchr(b->vip, a->vip[i], b->vips))
			return true;
	return false;
}

bool to_uses_mode(const struct to_plan *plan, const struct to_plan_service *s, uint8_t mode)
{
	for (uint32_t i = 0; i < plan->edges; i++)
		if ((plan->edge[i].pool == s->pool[TO_LEGACY] ||
		     plan->edge[i].pool == s->pool[TO_NEW]) &&
		    plan->edge[i].mode == mode)
			return true;
	return false;
}

/* Both answer from one address and port of a `dnat` edge: which VIP would the answer be for? */
static bool ambiguous_at(const struct to_plan_edge *edge, const struct to_plan_service *a,
			 const struct to_plan_service *b)
{
	const struct to_plan_address *x = to_plan_edge_address(edge, a);
	const struct to_plan_address *y = to_plan_edge_address(edge, b);

	if (edge->mode != TO_MODE_DNAT || !x || !y)
		return false;
	for (int f = 0; f < 2; f++)
		if (x->has[f] && y->has[f] && to_addr_equal(&x->addr[f], &y->addr[f]) &&
		    a->first_vip[f] != TO_NO_INDEX && b->first_vip[f] != TO_NO_INDEX)
			return true;
	return false;
}

static void check_two(struct to_loader *l, const struct to_plan_service *a,
		      const struct to_plan_service *b)
{
	if (!whole(a) || !whole(b) || !overlap(a, b))
		return;
	if (to_share_vip(a, b)) {
		to_bad(l, b->port_at,
		       "service '%s' overlaps service '%s' (line %u): same VIP, protocol and port",
		       b->name, a->name, a->at.line);
		return;
	}
	for (uint32_t i = 0; i < l->plan->edges; i++) {
		const struct to_plan_edge *edge = &l->plan->edge[i];

		if (!ambiguous_at(edge, a, b))
			continue;
		to_bad(l, b->port_at,
		       "edge '%s' would answer for two VIPs from one address and port: for service "
		       "'%s' (line %u) and service '%s'; give them different addresses",
		       edge->name, a->name, a->at.line, b->name);
		return;
	}
}

static bool has_gateway(const struct to_plan *plan, int family)
{
	for (uint32_t i = 0; i < plan->gateways; i++)
		if (to_family_index(&plan->gateway[i].addr) == family)
			return true;
	return false;
}

static void suggest_address(struct to_loader *l, const struct to_plan_service *s,
			    const struct to_plan_edge *edge)
{
	struct to_names known = {0};

	for (uint32_t i = 0; i < edge->addresses; i++)
		if (to_names_add(&known, edge->address[i].name) == TO_NO_NAME)
			l->no_memory = true;
	to_bad(l, s->at, "service '%s' needs an address '%s', which edge '%s' does not have%s",
	       s->name, s->address, edge->name,
	       to_did_you_mean(l, s->address, known.names, known.count));
	to_names_free(&known);
}

/* False: reported, and the other edges of the pool would only say the same. */
static bool check_edge(struct to_loader *l, const struct to_plan_service *s,
		       const struct to_plan_edge *edge)
{
	const struct to_plan_address *address = to_plan_edge_address(edge, s);
	bool fine = true;

	if (!edge->addresses || !*edge->name)
		return true; /* already reported */
	if (!address) {
		suggest_address(l, s, edge);
		return false;
	}
	for (int f = 0; f < 2 && edge->mode != TO_MODE_IPIP; f++) {
		if (s->first_vip[f] == TO_NO_INDEX || address->has[f])
			continue;
		to_bad(l, l->plan->vip[s->first_vip[f]].at,
		       "service '%s' has an IPv%d VIP, but edge '%s' of pool '%s' has no IPv%d "
		       "address '%s'",
		       s->name, f ? 6 : 4, edge->name, l->plan->pool[edge->pool].name, f ? 6 : 4,
		       s->address);
		fine = false;
	}
	return fine;
}

static void check_edges(struct to_loader *l, const struct to_plan_service *s)
{
	if (!*s->address || !*s->name)
		return;
	for (int role = TO_LEGACY; role <= TO_NEW; role++) {
		bool fine = true;

		for (uint32_t i = 0; i < l->plan->edges && fine; i++)
			if (l->plan->edge[i].pool == s->pool[role])
				fine = check_edge(l, s, &l->plan->edge[i]);
	}
}

static void check_vips(struct to_loader *l, const struct to_plan_service *s)
{
	bool seen[2] = {false, false};

	if (!to_uses_mode(l->plan, s, TO_MODE_DNAT))
		return;
	for (uint32_t i = 0; i < s->vips; i++) {
		int f = to_family_index(&l->plan->vip[s->vip[i]].addr);

		if (seen[f])
			to_bad(l, s->vip_at[i],
			       "a second IPv%d VIP of service '%s', whose pools use dnat: an "
			       "answer could be for either",
			       f ? 6 : 4, s->name);
		seen[f] = true;
	}
}

/* A tunnel begins at a gateway address of the family that it ends in. */
static void check_tunnels(struct to_loader *l)
{
	for (uint32_t i = 0; i < l->plan->edges; i++) {
		const struct to_plan_edge *edge = &l->plan->edge[i];
		bool missing[2] = {false, false};

		for (uint32_t k = 0; k < edge->addresses && edge->mode == TO_MODE_IPIP; k++)
			for (int f = 0; f < 2; f++)
				missing[f] |= edge->address[k].has[f] && !has_gateway(l->plan, f);
		for (int f = 0; f < 2; f++)
			if (missing[f])
				to_bad(l, edge->at,
				       "edge '%s' has the mode ipip and an IPv%d address, but the "
				       "site has no IPv%d gateway address for the tunnel to begin "
				       "at",
				       edge->name, f ? 6 : 4, f ? 6 : 4);
	}
}

static void warn_learning(struct to_loader *l, const struct to_plan_service *s)
{
	if (s->kind == TO_KIND_MEDIA &&
	    (to_uses_mode(l->plan, s, TO_MODE_L2) || to_uses_mode(l->plan, s, TO_MODE_IPIP)))
		to_doubt(l, s->at,
			 "the owners of the ports of service '%s' are learned from what edges "
			 "answer, which the modes l2 and ipip hide: its media follows the routes",
			 s->name);
}

/* Edge addresses serve no more services than a VIP may have: both lists are searched. */
static void check_binds(struct to_loader *l)
{
	const struct to_plan *plan = l->plan;

	for (uint32_t v = 0; v < plan->vips; v++) {
		uint32_t binds = 0;

		for (uint32_t i = 0; i < plan->services; i++)
			if (memchr(plan->service[i].vip, (int)v, plan->service[i].vips))
				binds++;
		if (binds > TO_MAX_BINDS_PER_ADDRESS)
			to_bad(l, plan->vip[v].at, "a VIP of more than %d services",
			       TO_MAX_BINDS_PER_ADDRESS);
	}
}

static uint32_t services_at(const struct to_plan *plan, const struct to_plan_edge *edge,
			    const union to_addr *addr)
{
	uint32_t binds = 0;

	for (uint32_t i = 0; i < plan->services; i++) {
		const struct to_plan_address *a = to_plan_edge_address(edge, &plan->service[i]);

		for (int f = 0; f < 2 && a; f++)
			binds += a->has[f] && to_addr_equal(&a->addr[f], addr);
	}
	return binds;
}

static void check_edge_binds(struct to_loader *l)
{
	const struct to_plan *plan = l->plan;

	if (plan->services <= TO_MAX_BINDS_PER_ADDRESS)
		return;
	for (uint32_t i = 0; i < plan->edges; i++) {
		const struct to_plan_edge *edge = &plan->edge[i];

		for (uint32_t k = 0; k < edge->addresses * 2; k++) {
			const struct to_plan_address *a = &edge->address[k / 2];

			if (a->has[k % 2] &&
			    services_at(plan, edge, &a->addr[k % 2]) > TO_MAX_BINDS_PER_ADDRESS)
				to_bad(l, a->at[k % 2],
				       "more than %d services at one address of edge '%s'",
				       TO_MAX_BINDS_PER_ADDRESS, edge->name);
		}
	}
}

void to_check_services(struct to_loader *l)
{
	const struct to_plan *plan = l->plan;

	for (uint32_t i = 0; i < plan->services; i++) {
		const struct to_plan_service *s = &plan->service[i];

		check_edges(l, s);
		check_vips(l, s);
		warn_learning(l, s);
		for (uint32_t k = 0; k < i; k++)
			check_two(l, &plan->service[k], s);
	}
	check_tunnels(l);
	check_binds(l);
	check_edge_binds(l);
}
