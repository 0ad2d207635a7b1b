/* SPDX-License-Identifier: BSD-3-Clause */
/* The words of an explanation, and names from the table. */
#include <string.h>

#include <turnout/hash.h>
#include <turnout/table_read.h>

#include "cli.h"
#include "explain.h"
#include "show.h"

static const char *const reasons[] = {TO_NAMES(TO_REASONS)};

const char *const to_cargo_names[TO_CARGO_COUNT] = {
	[TO_CARGO_SYN] = "a SYN",
	[TO_CARGO_EMPTY] = "a datagram without payload",
	[TO_CARGO_INVITE] = "a SIP INVITE",
	[TO_CARGO_ALLOCATE] = "a STUN Allocate request",
	[TO_CARGO_BINDING] = "a STUN Binding request",
	[TO_CARGO_ACK] = "a segment that is no SYN",
	[TO_CARGO_CHANNEL] = "TURN ChannelData",
};

const char *const to_entry_kind_names[TO_ENTRY_KIND_COUNT] = {
	[TO_PIN4] = "pin",          [TO_PIN6] = "pin",
	[TO_DIALOG] = "dialog",     [TO_TRANSACTION] = "transaction",
	[TO_AFFINITY] = "affinity", [TO_OWNER] = "owner",
	[TO_FRAGMENT] = "fragment",
};

/* Those that a whole, first packet can meet while nothing is remembered. */
const char *to_reason_why(enum to_reason reason)
{
	static const char *const why[TO_REASON_COUNT] = {
		[TO_REASON_GATEWAY] = "the destination is a gateway's own address",
		[TO_REASON_NOT_OURS] = "neither the destination is a VIP or an edge's address, nor "
				       "the source an edge's",
		[TO_REASON_OWNER] = "the destination is an edge's own address: to that edge, never "
				    "balanced",
		[TO_REASON_ROUTE] = "a new flow: its client's route and bucket give the pool, the "
				    "highest score the edge",
		[TO_REASON_FALLBACK] = "a new flow, and no edge of its route's pool is eligible: "
				       "the service falls back to the other pool",
		[TO_REASON_EDGE_INITIATED] = "an edge opens it: no pin says that it is an answer",
		[TO_REASON_SPOOF] = "a VIP sends nothing to a VIP: the source is forged",
		[TO_REASON_HAIRPIN] = "an edge may not dial a VIP",
		[TO_REASON_NO_SERVICE] = "the VIP has no service of this protocol and port",
		[TO_REASON_NO_EDGE] = "a new flow, and no edge that could take it is eligible",
		[TO_REASON_EDGE_RETIRED] = "the edge is retired: it gets nothing until it is "
					   "readmitted",
	};

	return why[reason] ? why[reason] : reasons[reason];
}

const char *to_midflow_rule(const struct to_service *s)
{
	if (s->flags & TO_SERVICE_MIDFLOW_DROP)
		return "drop";
	return s->flags & TO_SERVICE_MIDFLOW_NEW ? "new" : "legacy";
}

const char *to_pool_name(const struct to_table *t, uint8_t pool)
{
	return to_table_string(t, to_table_pools(t)[pool].name);
}

const char *to_pool_role(const struct to_table *t, uint8_t pool)
{
	return to_table_pools(t)[pool].role ? "new" : "legacy";
}

const char *to_edge_name(const struct to_table *t, uint8_t edge)
{
	return to_table_string(t, to_table_edges(t)[edge].name);
}

const char *to_service_name(const struct to_table *t, uint8_t service)
{
	return to_table_string(t, to_table_services(t)[service].name);
}

uint8_t to_pool_of_edge(const struct to_table *t, uint8_t edge)
{
	return edge == TO_NO_INDEX ? TO_NO_INDEX : to_table_edges(t)[edge].pool;
}

static uint64_t client_number(const union to_addr *addr)
{
	uint64_t client = to_client(addr);

	return to_addr_is_v4(addr) ? client & UINT32_MAX : client;
}

static uint64_t last_of(const struct to_plan_prefix *p)
{
	unsigned bits = p->family == TO_IP4 ? 32 : 64;

	if (p->length == 0)
		return p->family == TO_IP4 ? UINT32_MAX : UINT64_MAX;
	return p->first + ((1ULL << (bits - p->length)) - 1);
}

/* The table names the partner; which of its prefixes it was, only the plan still knows. */
const char *to_route_prefix(const struct to_explained *e, char *out)
{
	const char *name = to_table_string(e->what->table, e->what->route->partner);
	bool v4 = to_addr_is_v4(&e->flow->src);
	uint64_t client = client_number(&e->flow->src);
	int longest = -1;

	*out = '\0';
	for (uint32_t i = 0; i < e->plan->partners && *name; i++) {
		const struct to_plan_partner *partner = &e->plan->partner[i];

		for (uint32_t n = 0; !strcmp(partner->name, name) && n < partner->prefixes; n++) {
			const struct to_plan_prefix *p = &partner->prefix[n];

			if ((p->family == TO_IP4) != v4 || p->length <= longest ||
			    client < p->first || client > last_of(p))
				continue;
			longest = p->length;
			to_range_text(v4 ? 0 : 1, p->first, last_of(p), out);
		}
	}
	return out;
}

const char *to_client_text(const union to_addr *addr, char *out)
{
	if (to_addr_is_v4(addr))
		return to_address_text(addr, out);
	return to_range_text(1, client_number(addr), client_number(addr), out);
}
