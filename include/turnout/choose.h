/* SPDX-License-Identifier: BSD-3-Clause */
/* Steps 8 to 11 of the decision: where a new flow goes. docs/state.md, section 6. */
#ifndef TURNOUT_CHOOSE_H
#define TURNOUT_CHOOSE_H

#include "affinity.h"

#define TO_ROUTE_STEPS 20 /* binary search over at most TO_MAX_INTERVALS */
_Static_assert(TO_MAX_INTERVALS <= 1u << (TO_ROUTE_STEPS - 1), "the search reaches every interval");

/* Index of the route that the client `number` (to_client(), IPv4 without its prefix) takes: the
 * last of the service's intervals that begins at or below it. */
TO_PART uint32_t to_find_route(to_engine *x, const struct to_packet *k, uint32_t service,
			       uint64_t number)
{
	const struct to_interval *at;
	const struct to_service *s;
	const struct to_table *t;
	uint32_t low, count;

	TO_PART_CHECK(k);
	t = to_engine_table(x, k);
	s = t ? to_service_of(t, service) : NULL;
	if (!s)
		return 0;
	low = s->first_interval[k->family == TO_IP6];
	count = s->intervals[k->family == TO_IP6];
	for (int i = 0; i < TO_ROUTE_STEPS && count > 1; i++) {
		uint32_t half = count / 2;

		at = to_element(t, TO_SECTION_INTERVALS, low + half, sizeof(*at));
		if (!at)
			return 0;
		/* no branch: it would be taken every second time */
		low += half & -(uint32_t)(at->first <= number);
		count -= half;
	}
	at = to_element(t, TO_SECTION_INTERVALS, low, sizeof(*at));
	return at ? at->route : 0;
}

/* The eligible edge of `pool` with the highest score, or TO_NO_INDEX. */
TO_PART uint32_t to_choose_edge(to_engine *x, const struct to_packet *k, uint32_t service,
				uint32_t pool, uint64_t flowkey)
{
	uint32_t best = TO_NO_INDEX;
	const struct to_table *t;
	const struct to_pool *p;
	uint64_t best_score = 0;

	TO_PART_CHECK(k);
	t = to_engine_table(x, k);
	p = t ? to_element(t, TO_SECTION_POOLS, pool, sizeof(*p)) : NULL;
	if (!p)
		return TO_NO_INDEX;
	for (uint32_t i = 0; i < TO_MAX_EDGES; i++) {
		uint32_t edge = p->first_edge + i;
		const struct to_edge *e;
		const struct to_target *g;
		uint64_t score;

		if (i >= p->edges)
			break;
		e = to_edge_of(t, edge);
		g = to_target_of(t, service, edge);
		if (!e || !g || !to_admits(e, TO_NEW) || !to_serves(g, k->family))
			continue;
		score = to_score(flowkey, e->seed);
		if (best == TO_NO_INDEX || score > best_score) {
			best = edge;
			best_score = score;
		}
	}
	return best;
}

TO_INLINE uint64_t to_packet_flowkey(const struct to_packet *k, const struct to_service *s,
				     uint64_t client)
{
	if (!(s->flags & TO_SERVICE_BALANCE_FLOW))
		return client;
	if (k->flags & TO_PKT_SIP)
		return k->sip.call_id[0];
	return to_flowkey(client, to_host16(k->sport), to_host16(k->dport));
}

/* Has this side of the route clients now, or had it less than `grace` ago? */
TO_INLINE bool to_takes_clients(const struct to_table *t, const struct to_route *r, bool new_side,
				uint32_t now)
{
	uint32_t since = new_side ? r->new_zero_since : r->legacy_zero_since;

	if (new_side ? r->share > 0 : r->share < TO_SHARE_ALL)
		return true;
	return since && now < since + t->grace;
}

/* Step 9. The edge, or TO_NO_INDEX. */
TO_INLINE uint32_t to_affine_edge(to_engine *x, struct to_packet *k, const struct to_table *t,
				  const struct to_service *s, uint32_t service,
				  const struct to_route *r)
{
	const struct to_edge *edge;
	const struct to_target *g;
	struct to_entry *a;

	if (s->group == TO_NO_INDEX)
		return TO_NO_INDEX;
	a = to_affinity_find(x, k, &k->src, s->group);
	if (!a)
		return TO_NO_INDEX;
	edge = to_edge_of(t, a->edge);
	g = to_target_of(t, service, a->edge);
	if (!edge || !g || !to_admits(edge, TO_NEW) || !to_serves(g, k->family) ||
	    (edge->pool != s->legacy_pool && edge->pool != s->new_pool) ||
	    !to_takes_clients(t, r, edge->pool == s->new_pool, k->now))
		return TO_NO_INDEX;
	return a->edge;
}

/*
 * Decides a packet to a VIP that nothing of its past decides: sets verdict, reason and edge.
 * k->out.service is known. `midflow`: it cannot begin a flow.
 */
TO_PART int to_choose(to_engine *x, struct to_packet *k, uint32_t midflow)
{
	uint32_t service, pool, edge = TO_NO_INDEX;
	const struct to_service *s;
	const struct to_route *r;
	const struct to_table *t;
	uint64_t client;
	bool new_side;

	TO_PART_CHECK(k);
	service = k->out.service;
	t = to_engine_table(x, k);
	s = t ? to_service_of(t, service) : NULL;
	if (!s)
		return 0;
	client = to_client(&k->src);
	if (midflow) {
		k->out.reason = TO_REASON_MIDFLOW;
		if (s->flags & TO_SERVICE_MIDFLOW_DROP) {
			k->out.verdict = TO_VERDICT_DROP;
			return 0;
		}
		new_side = s->flags & TO_SERVICE_MIDFLOW_NEW;
	} else {
		r = to_element(t, TO_SECTION_ROUTES,
			       to_find_route(x, k, service,
					     k->family == TO_IP4 ? client & 0xffffffff : client),
			       sizeof(*r));
		if (!r)
			return 0;
		edge = to_affine_edge(x, k, t, s, service, r);
		k->out.reason = edge == TO_NO_INDEX ? TO_REASON_ROUTE : TO_REASON_AFFINITY;
		new_side = to_bucket(t->salt, client) < r->share;
	}
	k->out.verdict = TO_VERDICT_STEER;
	client = to_packet_flowkey(k, s, client);
	pool = new_side ? s->new_pool : s->legacy_pool;
	if (edge == TO_NO_INDEX)
		edge = to_choose_edge(x, k, service, pool, client);
	if (edge == TO_NO_INDEX && s->flags & TO_SERVICE_FALLBACK_OTHER) {
		k->out.reason = TO_REASON_FALLBACK;
		pool = new_side ? s->legacy_pool : s->new_pool;
		edge = to_choose_edge(x, k, service, pool, client);
	}
	if (edge == TO_NO_INDEX) {
		k->out.verdict = TO_VERDICT_DROP;
		k->out.reason = TO_REASON_NO_EDGE;
	}
	k->out.edge = edge;
	return 0;
}

#endif
