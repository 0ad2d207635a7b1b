/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * May one generation follow another? Entries of the flow tables hold indexes of edges, services and
 * VIPs, so each must still mean the same (new ones come after the old ones), the salt must be the
 * same, and generations count upwards. Whoever compiles a table asks before it leaves, whoever runs
 * one before it takes another.
 */
#ifndef TURNOUT_TABLE_FOLLOW_H
#define TURNOUT_TABLE_FOLLOW_H

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "table_read.h"

typedef const char *to_name_of(const struct to_table *t, uint32_t index);

static inline const char *to_follow_edge(const struct to_table *t, uint32_t i)
{
	return to_table_string(t, to_table_edges(t)[i].name);
}

static inline const char *to_follow_service(const struct to_table *t, uint32_t i)
{
	return to_table_string(t, to_table_services(t)[i].name);
}

static inline int to_names_kept(const char *what, to_name_of *name, const struct to_table *running,
				uint32_t count, const struct to_table *next, uint32_t next_count,
				char *err, size_t err_size)
{
	if (next_count < count) {
		snprintf(err, err_size, "it has %u %ss, the running generation has %u", next_count,
			 what, count);
		return -EINVAL;
	}
	for (uint32_t i = 0; i < count; i++) {
		if (strcmp(name(running, i), name(next, i)) != 0) {
			snprintf(err, err_size, "%s %u is '%s', in the running generation '%s'",
				 what, i, name(next, i), name(running, i));
			return -EINVAL;
		}
	}
	return 0;
}

static inline int to_vips_kept(const struct to_table *running, const struct to_table *next,
			       char *err, size_t err_size)
{
	uint32_t count = to_table_vip_count(running);

	for (uint32_t i = 0; i < count; i++) {
		if (i >= to_table_vip_count(next) ||
		    !to_addr_equal(&to_table_vips(running)[i].addr, &to_table_vips(next)[i].addr)) {
			snprintf(err, err_size, "VIP %u is not that of the running generation", i);
			return -EINVAL;
		}
	}
	return 0;
}

/* Both checked by to_table_check(). Returns 0, or -EINVAL with a message in `err`. */
static inline int to_table_can_follow(const struct to_table *running, const struct to_table *next,
				      char *err, size_t err_size)
{
	int ret;

	if (next->generation <= running->generation) {
		snprintf(err, err_size, "it is generation %llu, and %llu is running",
			 (unsigned long long)next->generation,
			 (unsigned long long)running->generation);
		return -EINVAL;
	}
	if (next->salt != running->salt) {
		snprintf(err, err_size, "its salt is another than the running generation's");
		return -EINVAL;
	}
	ret = to_names_kept("edge", to_follow_edge, running, to_table_edge_count(running), next,
			    to_table_edge_count(next), err, err_size);
	if (ret == 0)
		ret = to_names_kept("service", to_follow_service, running,
				    to_table_service_count(running), next,
				    to_table_service_count(next), err, err_size);
	if (ret == 0)
		ret = to_vips_kept(running, next, err, err_size);
	return ret;
}

#endif
