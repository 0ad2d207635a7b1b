/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading a table image on the host, once to_table_check() has accepted it. */
#ifndef TURNOUT_TABLE_READ_H
#define TURNOUT_TABLE_READ_H

#include "table.h"

/* Bytes of an element of each section. */
static const uint32_t to_section_size[TO_SECTION_COUNT] = {
	[TO_SECTION_ADDRESSES] = sizeof(struct to_address),
	[TO_SECTION_BINDS] = sizeof(struct to_bind),
	[TO_SECTION_SERVICES] = sizeof(struct to_service),
	[TO_SECTION_POOLS] = sizeof(struct to_pool),
	[TO_SECTION_EDGES] = sizeof(struct to_edge),
	[TO_SECTION_TARGETS] = sizeof(struct to_target),
	[TO_SECTION_INTERVALS] = sizeof(struct to_interval),
	[TO_SECTION_ROUTES] = sizeof(struct to_route),
	[TO_SECTION_VIPS] = sizeof(struct to_vip),
	[TO_SECTION_GATEWAYS] = sizeof(struct to_gateway),
	[TO_SECTION_STRINGS] = 1,
};

/* to_table_services(t) and to_table_service_count(t), and so on */
#define TO_TABLE_ACCESSORS(plural, singular, type, which)                                          \
	TO_INLINE const type *to_table_##plural(const struct to_table *t)                          \
	{                                                                                          \
		return (const type *)((const uint8_t *)t + t->section[which].offset);              \
	}                                                                                          \
	TO_INLINE uint32_t to_table_##singular##_count(const struct to_table *t)                   \
	{                                                                                          \
		return t->section[which].count;                                                    \
	}

TO_TABLE_ACCESSORS(addresses, address, struct to_address, TO_SECTION_ADDRESSES)
TO_TABLE_ACCESSORS(binds, bind, struct to_bind, TO_SECTION_BINDS)
TO_TABLE_ACCESSORS(services, service, struct to_service, TO_SECTION_SERVICES)
TO_TABLE_ACCESSORS(pools, pool, struct to_pool, TO_SECTION_POOLS)
TO_TABLE_ACCESSORS(edges, edge, struct to_edge, TO_SECTION_EDGES)
TO_TABLE_ACCESSORS(targets, target, struct to_target, TO_SECTION_TARGETS)
TO_TABLE_ACCESSORS(intervals, interval, struct to_interval, TO_SECTION_INTERVALS)
TO_TABLE_ACCESSORS(routes, route, struct to_route, TO_SECTION_ROUTES)
TO_TABLE_ACCESSORS(vips, vip, struct to_vip, TO_SECTION_VIPS)
TO_TABLE_ACCESSORS(gateways, gateway, struct to_gateway, TO_SECTION_GATEWAYS)
TO_TABLE_ACCESSORS(strings, string, char, TO_SECTION_STRINGS)

TO_INLINE const char *to_table_string(const struct to_table *t, uint32_t offset)
{
	return to_table_strings(t) + offset;
}

TO_INLINE const struct to_target *to_table_target(const struct to_table *t, uint32_t service,
						  uint32_t edge)
{
	return &to_table_targets(t)[service * to_table_edge_count(t) + edge];
}

/* What an address is to us, or NULL. */
static inline const struct to_address *to_table_find_address(const struct to_table *t,
							     const union to_addr *addr)
{
	const struct to_address *slots = to_table_addresses(t);
	uint32_t slot = to_address_slot(addr, t->address_seed, t->address_mask);

	for (uint32_t probe = 0; probe < TO_ADDRESS_PROBES; probe++) {
		const struct to_address *a = &slots[(slot + probe) & t->address_mask];

		if (a->kind == TO_ADDRESS_FREE)
			return NULL;
		if (to_addr_equal(&a->addr, addr))
			return a;
	}
	return NULL;
}

/* Index of the route of a client: its IPv4 address as a number (family_index 0), or the upper 64
 * bits of its IPv6 one (1). */
static inline uint32_t to_table_find_route(const struct to_table *t, const struct to_service *s,
					   int family_index, uint64_t client)
{
	const struct to_interval *at = to_table_intervals(t) + s->first_interval[family_index];
	uint32_t low = 0, high = s->intervals[family_index];

	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;

		if (at[middle].first <= client)
			low = middle;
		else
			high = middle;
	}
	return at[low].route;
}

#endif
