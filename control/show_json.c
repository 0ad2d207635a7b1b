/* SPDX-License-Identifier: BSD-3-Clause */
#include <arpa/inet.h>

#include <turnout/table_read.h>

#include "cli.h"
#include "show.h"

static const char *const kinds[] = {TO_NAMES(TO_KINDS)};
static const char *const states[] = {TO_NAMES(TO_EDGE_STATES)};
static const char *const modes[] = {TO_NAMES(TO_MODES)};
static const char *const address_kinds[] = {"free", "vip", "edge", "gateway"};

static json_t *string_at(const struct to_table *t, uint32_t offset)
{
	return json_string(to_table_string(t, offset));
}

static json_t *edges_json(const struct to_table *t)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < to_table_edge_count(t); i++) {
		const struct to_edge *e = &to_table_edges(t)[i];
		const struct to_pool *p = &to_table_pools(t)[e->pool];

		json_array_append_new(list, json_pack("{s:o, s:o, s:s, s:s, s:s}", "name",
						      string_at(t, e->name), "pool",
						      string_at(t, p->name), "role",
						      p->role ? "new" : "legacy", "mode",
						      modes[e->mode], "state", states[e->state]));
	}
	return list;
}

static json_t *bind_json(const struct to_table *t, const struct to_bind *b)
{
	const struct to_service *s = &to_table_services(t)[b->service];

	return json_pack("{s:o, s:s, s:i, s:i, s:b}", "service", string_at(t, s->name), "protocol",
			 b->proto == TO_TCP ? "tcp" : "udp", "port_low", b->port_low, "port_high",
			 b->port_high, "answers_as_vip", b->vip != TO_NO_INDEX);
}

static json_t *addresses_json(const struct to_table *t)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < to_table_address_count(t); i++) {
		const struct to_address *a = &to_table_addresses(t)[i];
		char text[INET6_ADDRSTRLEN];
		json_t *binds;

		if (a->kind == TO_ADDRESS_FREE)
			continue;
		binds = json_array();
		for (uint32_t k = 0; k < a->binds; k++)
			json_array_append_new(binds,
					      bind_json(t, &to_table_binds(t)[a->first_bind + k]));
		json_array_append_new(list, json_pack("{s:s, s:s, s:i, s:o}", "address",
						      to_address_text(&a->addr, text), "kind",
						      address_kinds[a->kind], "index", a->index,
						      "binds", binds));
	}
	return list;
}

static json_t *route_json(const struct to_table *t, const struct to_service *s, int f, uint32_t i)
{
	const struct to_interval *at = to_table_intervals(t) + s->first_interval[f];
	const struct to_route *r = &to_table_routes(t)[at[i].route];
	uint64_t end = f ? UINT64_MAX : UINT32_MAX;
	uint64_t last = i + 1 < s->intervals[f] ? at[i + 1].first - 1 : end;
	char range[TO_RANGE_TEXT];

	return json_pack("{s:s, s:o, s:f, s:I, s:I}", "clients",
			 to_range_text(f, at[i].first, last, range), "partner",
			 r->partner ? string_at(t, r->partner) : json_null(), "new_percent",
			 r->share / 100.0, "new_zero_since", (json_int_t)r->new_zero_since,
			 "legacy_zero_since", (json_int_t)r->legacy_zero_since);
}

static json_t *service_json(const struct to_table *t, const struct to_service *s)
{
	const struct to_pool *pools = to_table_pools(t);
	uint8_t midflow = s->flags & (TO_SERVICE_MIDFLOW_DROP | TO_SERVICE_MIDFLOW_NEW);
	const bool has[2] = {s->vip4 != TO_NO_INDEX, s->vip6 != TO_NO_INDEX};
	json_t *routes = json_array();

	for (int f = 0; f < 2; f++)
		for (uint32_t i = 0; i < (has[f] ? s->intervals[f] : 0); i++)
			json_array_append_new(routes, route_json(t, s, f, i));
	return json_pack("{s:o, s:s, s:s, s:i, s:i, s:i, s:o, s:o, s:o, s:s, s:s, s:s, s:s, s:b, "
			 "s:b, s:o}",
			 "name", string_at(t, s->name), "kind", kinds[s->kind], "protocol",
			 s->proto == TO_TCP ? "tcp" : "udp", "port_low", s->port_low, "port_high",
			 s->port_high, "idle", s->idle, "affinity_group",
			 s->group == TO_NO_INDEX ? json_null() : json_integer(s->group), "legacy",
			 string_at(t, pools[s->legacy_pool].name), "new",
			 string_at(t, pools[s->new_pool].name), "balance",
			 s->flags & TO_SERVICE_BALANCE_FLOW ? "flow" : "client", "fallback",
			 s->flags & TO_SERVICE_FALLBACK_OTHER ? "other" : "drop", "edge_initiated",
			 s->flags & TO_SERVICE_EDGE_INITIATED_VIP ? "vip" : "own", "midflow",
			 midflow == TO_SERVICE_MIDFLOW_DROP ? "drop"
			 : midflow                          ? "new"
							    : "legacy",
			 "learns_owners", !!(s->flags & TO_SERVICE_LEARN), "owned_ports",
			 !!(s->flags & TO_SERVICE_OWNED), "routes", routes);
}

json_t *to_show_json(const struct to_table *t)
{
	json_t *services = json_array();
	char checksum[17];

	snprintf(checksum, sizeof(checksum), "%016llx", (unsigned long long)t->checksum);
	for (uint32_t i = 0; i < to_table_service_count(t); i++)
		json_array_append_new(services, service_json(t, &to_table_services(t)[i]));
	return json_pack("{s:o, s:o, s:I, s:I, s:s, s:I, s:I, s:o, s:o, s:o}", "site",
			 string_at(t, t->site_name), "stage", string_at(t, t->stage_name),
			 "generation", (json_int_t)t->generation, "bytes", (json_int_t)t->size,
			 "checksum", checksum, "grace", (json_int_t)t->grace, "committed",
			 (json_int_t)t->committed, "edges", edges_json(t), "addresses",
			 addresses_json(t), "services", services);
}
