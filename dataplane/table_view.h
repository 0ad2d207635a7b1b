/* SPDX-License-Identifier: BSD-3-Clause */
/* One thing of a checked table by its index, and its name. For whoever reports on it. */
#ifndef TURNOUT_TABLE_VIEW_H
#define TURNOUT_TABLE_VIEW_H

#include <turnout/table_read.h>

/* Indexes below must be in bounds; where a name is asked for, TO_NO_INDEX gives NULL. */
static inline const struct to_service *to_view_service(const struct to_table *t, uint8_t i)
{
	return &to_table_services(t)[i];
}

static inline const struct to_edge *to_view_edge(const struct to_table *t, uint8_t i)
{
	return &to_table_edges(t)[i];
}

static inline const struct to_pool *to_view_pool_of(const struct to_table *t, uint8_t edge)
{
	return &to_table_pools(t)[to_view_edge(t, edge)->pool];
}

static inline const char *to_view_service_name(const struct to_table *t, uint8_t i)
{
	return i == TO_NO_INDEX ? NULL : to_table_string(t, to_view_service(t, i)->name);
}

static inline const char *to_view_edge_name(const struct to_table *t, uint8_t i)
{
	return i == TO_NO_INDEX ? NULL : to_table_string(t, to_view_edge(t, i)->name);
}

static inline const char *to_view_pool_name(const struct to_table *t, uint8_t edge)
{
	return edge == TO_NO_INDEX ? NULL : to_table_string(t, to_view_pool_of(t, edge)->name);
}

/* The edge's first address, by which its next hop is found: of the first service that has one; of
 * an edge that serves nothing, any of its own, for owner's frames go there too. `::`: it has none.
 */
static inline union to_addr to_view_edge_address(const struct to_table *t, uint8_t edge)
{
	for (uint32_t s = 0; s < to_table_service_count(t); s++) {
		const struct to_target *g = to_table_target(t, s, edge);

		if (g->has4)
			return to_addr_v4(g->v4);
		if (g->has6)
			return g->v6;
	}
	for (uint32_t i = 0; i < to_table_address_count(t); i++) {
		const struct to_address *a = &to_table_addresses(t)[i];

		if (a->kind == TO_ADDRESS_EDGE && a->index == edge)
			return a->addr;
	}
	return (union to_addr){{0}};
}

#endif
