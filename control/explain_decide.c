/* SPDX-License-Identifier: BSD-3-Clause */
/* An engine without state: it runs the decision and keeps an eye on what that asks for. */
#include <stdlib.h>
#include <string.h>

#include <turnout/decide.h>
#include <turnout/rewrite.h>

#include "explain.h"

struct to_worker {
	const struct to_table *table;
	const uint8_t *data;
	const uint8_t *end;
	struct to_explanation *notes;
	struct to_claims claims;
};

static inline const struct to_table *to_engine_table(to_engine *x, const struct to_packet *k)
{
	(void)k;
	return x->table;
}

static inline const uint8_t *to_engine_data(to_engine *x, const uint8_t **end)
{
	*end = x->end;
	return x->data;
}

static inline struct to_bytes to_engine_payload(to_engine *x, const struct to_packet *k)
{
	return to_bytes_of(x->data, (uint32_t)(x->end - x->data), k->payload, k->payload_len);
}

static inline struct to_claims *to_engine_claims(to_engine *x)
{
	return &x->claims;
}

/* One packet is within any rate. */
static inline uint32_t to_engine_sip_rate(to_engine *x)
{
	(void)x;
	return 0;
}

static inline struct to_sip_buckets *to_engine_sip_buckets(to_engine *x)
{
	(void)x;
	return NULL;
}

static inline struct to_known_set *to_engine_known(to_engine *x, uint32_t index)
{
	(void)x;
	(void)index;
	return NULL;
}

static inline uint64_t to_engine_nanoseconds(to_engine *x, const struct to_packet *k)
{
	(void)x;
	(void)k;
	return 0;
}

static inline void to_engine_event(to_engine *x, enum to_event event)
{
	(void)x;
	(void)event;
}

/* Nothing is known of any flow; but what would have decided is worth telling. Once something is
 * written down the decision stands: what is looked for then is no part of it. */
static inline struct to_entry *to_engine_find(to_engine *x, struct to_packet *k,
					      enum to_entry_kind kind, bool proven, const void *key)
{
	struct to_explanation *n = x->notes;

	(void)k;
	(void)proven;
	(void)key;
	if (!n->keeps && !memchr(n->asked, kind, n->asks))
		n->asked[n->asks++] = (uint8_t)kind;
	return NULL;
}

static inline void to_engine_fetch(to_engine *x, enum to_entry_kind kind, const struct to_key *key)
{
	(void)x;
	(void)kind;
	(void)key;
}

static inline struct to_entry *to_engine_add(to_engine *x, struct to_packet *k,
					     enum to_entry_kind kind, bool proven, const void *key,
					     const struct to_entry *value)
{
	struct to_explanation *n = x->notes;

	(void)k;
	(void)key;
	if (n->keeps == TO_MAX_KEPT)
		return NULL;
	n->kept[n->keeps] = (struct to_kept){(uint8_t)kind, proven, *value};
	return &n->kept[n->keeps++].entry;
}

static inline struct to_entry *to_engine_prove(to_engine *x, struct to_packet *k,
					       enum to_entry_kind kind, const void *key,
					       const void *proven_key, struct to_entry *e,
					       bool *anew)
{
	(void)x;
	(void)k;
	(void)kind;
	(void)key;
	(void)proven_key;
	(void)e;
	(void)anew;
	return NULL;
}

/* Decides the flow's packet; what the decision asked and kept is added to `notes`. */
static void decide(struct to_worker *x, const struct to_flow *flow, enum to_cargo cargo,
		   uint8_t *frame, struct to_packet *k)
{
	uint32_t len = to_flow_frame(flow, cargo, frame);

	x->data = frame;
	x->end = frame + len;
	memset(k, 0, sizeof(*k));
	k->zone = TO_ZONE_BOTH;
	to_parse(x->data, x->end, k);
	to_prepare(x, k);
	to_decide(x, k);
}

/* What a flow like this begins with. `k`: its packet without payload, decided. */
static enum to_cargo first_cargo(const struct to_table *t, const struct to_packet *k)
{
	uint8_t service = k->from.kind == TO_ADDRESS_EDGE ? k->answers_service : k->out.service;
	const struct to_service *s = service == TO_NO_INDEX ? NULL : to_service_of(t, service);

	if (k->proto == TO_TCP)
		return TO_CARGO_SYN;
	if (!s || k->to.kind == TO_ADDRESS_EDGE)
		return TO_CARGO_EMPTY;
	if (to_is_sip_udp(s))
		return TO_CARGO_INVITE;
	if (!to_expects_media(s))
		return TO_CARGO_EMPTY;
	return s->kind == TO_KIND_TURN ? TO_CARGO_ALLOCATE : TO_CARGO_BINDING;
}

static int by_score(const void *a, const void *b)
{
	const struct to_candidate *x = a, *y = b;

	if (x->score != y->score)
		return x->score > y->score ? -1 : 1;
	return x->edge < y->edge ? -1 : 1;
}

/* Step 11 in one pool. */
static void explain_choice(struct to_worker *x, const struct to_packet *k, uint8_t pool,
			   struct to_choice *c)
{
	const struct to_table *t = x->table;
	const struct to_pool *p = to_element(t, TO_SECTION_POOLS, pool, sizeof(*p));
	const struct to_service *s = to_service_of(t, k->out.service);
	uint64_t flowkey = to_packet_flowkey(k, s, to_client(&k->src));

	c->pool = pool;
	c->edge = (uint8_t)to_choose_edge(x, k, k->out.service, pool, flowkey);
	c->count = p->edges;
	for (uint8_t i = 0; i < p->edges; i++) {
		uint8_t edge = p->first_edge + i;
		const struct to_edge *e = to_edge_of(t, edge);

		c->at[i] = (struct to_candidate){
			.edge = edge,
			.admits = to_admits(e, TO_NEW),
			.serves = to_serves(to_target_of(t, k->out.service, edge), k->family),
			.score = to_score(flowkey, e->seed),
		};
	}
	qsort(c->at, c->count, sizeof(*c->at), by_score);
}

/* Steps 9 to 11. */
static void explain_route(struct to_worker *x, const struct to_packet *k)
{
	const struct to_service *s = to_service_of(x->table, k->out.service);
	struct to_explanation *n = x->notes;
	uint64_t client = to_client(&k->src);
	uint64_t number = k->family == TO_IP4 ? client & UINT32_MAX : client;
	uint32_t route = to_find_route(x, k, k->out.service, number);
	bool new_side;

	n->routed = true;
	n->route = to_element(x->table, TO_SECTION_ROUTES, route, sizeof(*n->route));
	n->bucket = to_bucket(x->table->salt, client);
	for (int role = 0; role < 2; role++)
		n->takes_clients[role] = to_takes_clients(x->table, n->route, role, k->now);
	new_side = n->bucket < n->route->share;
	n->choices = 1;
	explain_choice(x, k, new_side ? s->new_pool : s->legacy_pool, &n->choice[0]);
	if (k->out.reason == TO_REASON_ROUTE || !(s->flags & TO_SERVICE_FALLBACK_OTHER))
		return;
	n->choices = 2;
	explain_choice(x, k, new_side ? s->legacy_pool : s->new_pool, &n->choice[1]);
}

/* Step 8, by a packet of the same flow that cannot begin one. */
static void explain_midflow(const struct to_table *t, const struct to_flow *flow,
			    struct to_explanation *n)
{
	struct to_explanation notes = {.table = t};
	struct to_worker x = {.table = t, .notes = &notes};
	uint8_t frame[TO_FLOW_FRAME];
	const struct to_service *s;
	struct to_packet k;

	n->midflow_cargo = flow->proto == TO_TCP ? TO_CARGO_ACK : TO_CARGO_CHANNEL;
	decide(&x, flow, n->midflow_cargo, frame, &k);
	if (k.to.kind != TO_ADDRESS_VIP || k.out.service == TO_NO_INDEX)
		return;
	s = to_service_of(t, k.out.service);
	n->has_midflow = !to_begins(&x, &k, s);
	n->midflow = k.out;
}

static void explain_leaving(const struct to_table *t, struct to_explanation *n)
{
	const struct to_packet *k = &n->packet;
	const struct to_gateway *gateway;
	const struct to_target *g;
	bool v4;

	if (k->out.action == TO_ACT_SNAT) {
		n->leaves_from = to_vip_of(t, k->out.vip)->addr;
		return;
	}
	if (k->out.verdict != TO_VERDICT_STEER || k->out.service == TO_NO_INDEX)
		return;
	g = to_target_of(t, k->out.service, k->out.edge);
	v4 = k->out.action == TO_ACT_ENCAP ? to_tunnel_is_v4(g, k) : k->family == TO_IP4;
	n->leaves_to = v4 ? to_addr_v4(g->v4) : g->v6;
	if (k->out.action != TO_ACT_ENCAP)
		return;
	gateway = to_element(t, TO_SECTION_GATEWAYS, v4 ? g->gateway4 : g->gateway6,
			     sizeof(*gateway));
	n->leaves_from = gateway->addr;
	n->overhead = to_tunnel_overhead(g, k);
}

/* Did the decision come to steps 9 to 11? Without state it then has one of these reasons. */
static bool was_routed(const struct to_decision *out)
{
	return out->reason == TO_REASON_ROUTE || out->reason == TO_REASON_FALLBACK ||
	       out->reason == TO_REASON_NO_EDGE;
}

void to_explain(const struct to_table *t, const struct to_flow *flow, struct to_explanation *out)
{
	struct to_explanation probe = {.table = t};
	struct to_worker x = {.table = t, .notes = &probe};
	uint8_t frame[TO_FLOW_FRAME];
	struct to_packet *k = &out->packet;

	decide(&x, flow, flow->proto == TO_TCP ? TO_CARGO_SYN : TO_CARGO_EMPTY, frame,
	       &probe.packet);
	memset(out, 0, sizeof(*out));
	out->table = t;
	out->cargo = (uint8_t)first_cargo(t, &probe.packet);
	x.notes = out;
	decide(&x, flow, out->cargo, frame, k);
	to_locate(&x, k, &k->src, &out->src);
	to_locate(&x, k, &k->dst, &out->dst);
	if (was_routed(&k->out))
		explain_route(&x, k);
	explain_midflow(t, flow, out);
	explain_leaving(t, out);
}
