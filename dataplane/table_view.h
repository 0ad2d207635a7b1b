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

#endif
