/* SPDX-License-Identifier: BSD-3-Clause */
/* An explanation for programs: everything that the text has. */
#include <arpa/inet.h>

#include <turnout/table_read.h>

#include "cli.h"
#include "explain.h"
#include "show.h"

static const char *const verdicts[] = {TO_NAMES(TO_VERDICTS)};
static const char *const reasons[] = {TO_NAMES(TO_REASONS)};
static const char *const classes[] = {TO_NAMES(TO_CLASSES)};
static const char *const states[] = {TO_NAMES(TO_EDGE_STATES)};
static const char *const modes[] = {TO_NAMES(TO_MODES)};
static const char *const kinds[] = {TO_NAMES(TO_KINDS)};

static json_t *text_or_null(const char *text)
{
	return (text ? json_string(text) : NULL) ?: json_null(); /* a path may be no UTF-8 */
}

static json_t *address_json(const union to_addr *addr)
{
	char text[INET6_ADDRSTRLEN];

	return json_string(to_address_text(addr, text));
}

static const char *proto_name(uint8_t proto)
{
	return proto == TO_TCP ? "tcp" : "udp";
}

static const char *edge_name(const struct to_table *t, uint8_t edge)
{
	return edge == TO_NO_INDEX ? NULL : to_edge_name(t, edge);
}

static const char *pool_name(const struct to_table *t, uint8_t edge)
{
	return edge == TO_NO_INDEX ? NULL : to_pool_name(t, to_pool_of_edge(t, edge));
}

static const char *service_name(const struct to_table *t, uint8_t service)
{
	return service == TO_NO_INDEX ? NULL : to_service_name(t, service);
}

/* verdict, reason, pool, edge: what every decision has */
static json_t *decision_json(const struct to_table *t, const struct to_decision *d)
{
	return json_pack("{s:s, s:s, s:o, s:o, s:o}", "verdict", verdicts[d->verdict], "reason",
			 reasons[d->reason], "service", text_or_null(service_name(t, d->service)),
			 "pool", text_or_null(pool_name(t, d->edge)), "edge",
			 text_or_null(edge_name(t, d->edge)));
}

static json_t *endpoint_json(const struct to_table *t, const union to_addr *addr, uint16_t port,
			     const struct to_identity *place)
{
	static const char *const whose[] = {
		[TO_ADDRESS_FREE] = NULL,
		[TO_ADDRESS_VIP] = "vip",
		[TO_ADDRESS_EDGE] = "edge",
		[TO_ADDRESS_GATEWAY] = "gateway",
	};
	json_t *services = json_array();

	for (uint32_t i = 0; i < place->binds && place->kind != TO_ADDRESS_FREE; i++) {
		const struct to_bind *b = &to_table_binds(t)[place->first_bind + i];

		json_array_append_new(services,
				      json_pack("{s:s, s:s, s:i, s:i}", "service",
						to_service_name(t, b->service), "protocol",
						proto_name(b->proto), "port_low", (int)b->port_low,
						"port_high", (int)b->port_high));
	}
	return json_pack(
		"{s:o, s:i, s:o, s:o, s:o}", "address", address_json(addr), "port", (int)port, "is",
		text_or_null(whose[place->kind]), "edge",
		text_or_null(place->kind == TO_ADDRESS_EDGE ? edge_name(t, place->index) : NULL),
		"services", services);
}

static json_t *service_json(const struct to_table *t, uint8_t service)
{
	const struct to_service *s;

	if (service == TO_NO_INDEX)
		return json_null();
	s = &to_table_services(t)[service];
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "name", to_table_string(t, s->name),
			 "kind", kinds[s->kind], "protocol", proto_name(s->proto), "midflow",
			 to_midflow_rule(s), "fallback",
			 s->flags & TO_SERVICE_FALLBACK_OTHER ? "other" : "drop", "balance",
			 s->flags & TO_SERVICE_BALANCE_FLOW ? "flow" : "client");
}

static json_t *affinity_json(const struct to_explained *e)
{
	const struct to_explanation *n = e->what;
	const struct to_service *s;

	if (!n->routed)
		return json_null();
	s = &to_table_services(n->table)[n->packet.out.service];
	if (s->group == TO_NO_INDEX)
		return json_null();
	return json_pack("{s:s, s:{s:b, s:b}}", "group", e->plan->group[s->group], "takes_clients",
			 "legacy", n->takes_clients[0], "new", n->takes_clients[1]);
}

static json_t *asked_json(const struct to_explanation *n)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < n->asks; i++)
		json_array_append_new(list, json_string(to_entry_kind_names[n->asked[i]]));
	return list;
}

static json_t *midflow_json(const struct to_explanation *n)
{
	json_t *json;

	if (!n->has_midflow)
		return json_null();
	json = decision_json(n->table, &n->midflow);
	json_object_set_new(json, "packet", json_string(to_cargo_names[n->midflow_cargo]));
	return json;
}

static json_t *route_json(const struct to_explained *e)
{
	const struct to_explanation *n = e->what;
	char prefix[TO_RANGE_TEXT], client[TO_RANGE_TEXT];
	const char *partner;
	bool below;

	if (!n->routed)
		return json_null();
	partner = to_table_string(n->table, n->route->partner);
	to_route_prefix(e, prefix);
	below = n->bucket < n->route->share;
	return json_pack("{s:o, s:o, s:s, s:f, s:i, s:i, s:i, s:b, s:s, s:s}", "partner",
			 text_or_null(*partner ? partner : NULL), "prefix",
			 text_or_null(*prefix ? prefix : NULL), "client",
			 to_client_text(&e->flow->src, client), "new_percent",
			 n->route->share / 100.0, "share", (int)n->route->share, "bucket",
			 (int)n->bucket, "buckets", TO_SHARE_ALL, "below", below, "role",
			 to_pool_role(n->table, n->choice[0].pool), "pool",
			 to_pool_name(n->table, n->choice[0].pool));
}

static json_t *candidate_json(const struct to_table *t, const struct to_candidate *c)
{
	char score[20];

	snprintf(score, sizeof(score), "%016llx", (unsigned long long)c->score);
	return json_pack("{s:s, s:s, s:b, s:b, s:b, s:s}", "edge", to_edge_name(t, c->edge),
			 "state", states[to_table_edges(t)[c->edge].state], "admits_new", c->admits,
			 "has_address", c->serves, "eligible", c->admits && c->serves, "score",
			 score);
}

static json_t *choices_json(const struct to_explanation *n)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < n->choices; i++) {
		const struct to_choice *c = &n->choice[i];
		json_t *edges = json_array();

		for (uint32_t k = 0; k < c->count; k++)
			json_array_append_new(edges, candidate_json(n->table, &c->at[k]));
		json_array_append_new(list, json_pack("{s:s, s:s, s:o, s:o}", "pool",
						      to_pool_name(n->table, c->pool), "role",
						      to_pool_role(n->table, c->pool), "edge",
						      text_or_null(edge_name(n->table, c->edge)),
						      "edges", edges));
	}
	return list;
}

static json_t *kept_json(const struct to_explanation *n)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < n->keeps; i++)
		json_array_append_new(list,
				      json_pack("{s:s, s:b, s:i, s:i}", "kind",
						to_entry_kind_names[n->kept[i].kind], "proven",
						n->kept[i].proven, "seconds",
						(int)(n->kept[i].entry.expires - n->packet.now),
						"life", (int)n->kept[i].entry.life));
	return list;
}

static json_t *leaving_json(const struct to_explanation *n)
{
	static const char *const actions[] = {
		[TO_ACT_NONE] = "none",
		[TO_ACT_FORWARD] = "forward",
		[TO_ACT_DNAT] = "rewrite-destination",
		[TO_ACT_SNAT] = "rewrite-source",
		[TO_ACT_ENCAP] = "tunnel",
	};
	const struct to_decision *d = &n->packet.out;
	bool to_edge = d->verdict == TO_VERDICT_STEER && d->service != TO_NO_INDEX;
	json_t *json = json_pack("{s:s}", "action", actions[d->action]);

	if (to_edge) {
		json_object_set_new(json, "mode",
				    json_string(modes[to_table_edges(n->table)[d->edge].mode]));
		json_object_set_new(json, "to", address_json(&n->leaves_to));
	}
	if (d->action == TO_ACT_SNAT || d->action == TO_ACT_ENCAP)
		json_object_set_new(json, "from", address_json(&n->leaves_from));
	if (d->action == TO_ACT_ENCAP)
		json_object_set_new(json, "overhead", json_integer(n->overhead));
	return json;
}

static json_t *stages_json(const struct to_explained *e)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < e->plan->stages; i++) {
		const struct to_stage_answer *a = &e->answers[i];
		json_t *json = decision_json(e->what->table, &a->out);

		json_object_set_new(json, "stage", json_string(e->plan->stage[i].name));
		json_object_set_new(json, "new_percent",
				    a->routed ? json_real(a->share / 100.0) : json_null());
		json_object_set_new(json, "moves", json_boolean(a->moves));
		json_array_append_new(list, json);
	}
	return list;
}

static json_t *edges_json(const struct to_explained *e)
{
	json_t *json = json_object();

	for (uint32_t i = 0; i < e->plan->edges; i++)
		json_object_set_new(json, e->plan->edge[i].name,
				    json_string(states[e->edge_states[i]]));
	return json;
}

static json_t *flow_json(const struct to_explained *e)
{
	const struct to_explanation *n = e->what;
	const struct to_flow *f = e->flow;

	return json_pack("{s:s, s:o, s:o, s:b, s:s, s:s, s:o}", "protocol", proto_name(f->proto),
			 "source", endpoint_json(n->table, &f->src, f->sport, &n->src),
			 "destination", endpoint_json(n->table, &f->dst, f->dport, &n->dst),
			 "source_port_chosen", f->port_chosen, "packet", to_cargo_names[n->cargo],
			 "class", classes[n->packet.out.class], "call_id",
			 text_or_null(n->cargo == TO_CARGO_INVITE ? f->call_id : NULL));
}

/* What the two ports of an edge's packet belong to: the reverse map, and the outgoing service. */
static json_t *edge_ports_json(const struct to_explanation *n)
{
	const struct to_packet *k = &n->packet;

	if (k->out.verdict != TO_VERDICT_OUT)
		return json_null();
	return json_pack("{s:o, s:o}", "answers",
			 text_or_null(service_name(n->table, k->answers_service)), "opens",
			 text_or_null(service_name(n->table, k->opens_service)));
}

json_t *to_explain_json(const struct to_explained *e)
{
	const struct to_explanation *n = e->what;
	const struct to_decision *d = &n->packet.out;
	json_t *json = decision_json(n->table, d);

	json_object_set_new(json, "why", json_string(to_reason_why(d->reason)));
	json_object_set_new(json, "plan", text_or_null(e->path));
	json_object_set_new(json, "stage", json_string(e->plan->stage[e->stage].name));
	json_object_set_new(json, "edge_states", edges_json(e));
	json_object_set_new(json, "flow", flow_json(e));
	json_object_set_new(json, "service_rules", service_json(n->table, d->service));
	json_object_set_new(json, "edge_ports", edge_ports_json(n));
	json_object_set_new(json, "state_first", asked_json(n));
	json_object_set_new(json, "affinity", affinity_json(e));
	json_object_set_new(json, "midflow", midflow_json(n));
	json_object_set_new(json, "route", route_json(e));
	json_object_set_new(json, "choices", choices_json(n));
	json_object_set_new(json, "records", kept_json(n));
	json_object_set_new(json, "leaves", leaving_json(n));
	json_object_set_new(json, "stages", stages_json(e));
	return json;
}
