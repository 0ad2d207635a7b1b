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

#include "hash.h"
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

/*
 * What entries of a table's first `edges` edges, `services` services and `vips` VIPs mean, as one
 * word: the counts in its lower three bytes, above them a hash of the salt and of the names in
 * their order. 0: the table has not so many. Another table's entries mean the same if and, but for
 * a collision of 40 bits, only if its word is the same.
 */
static inline uint64_t to_table_meaning(const struct to_table *t, uint32_t edges, uint32_t services,
					uint32_t vips)
{
	uint64_t h = to_mix(t->salt);

	if (edges > to_table_edge_count(t) || services > to_table_service_count(t) ||
	    vips > to_table_vip_count(t))
		return 0;
	for (uint32_t i = 0; i < edges; i++)
		h = to_mix(h ^ to_fnv(to_follow_edge(t, i), strlen(to_follow_edge(t, i))));
	h = to_mix(h ^ edges);
	for (uint32_t i = 0; i < services; i++)
		h = to_mix(h ^ to_fnv(to_follow_service(t, i), strlen(to_follow_service(t, i))));
	h = to_mix(h ^ services);
	for (uint32_t i = 0; i < vips; i++)
		h = to_mix(h ^ to_fnv((const char *)&to_table_vips(t)[i].addr,
				      sizeof(to_table_vips(t)[i].addr)));
	return h << 24 | (uint64_t)vips << 16 | services << 8 | edges;
}

/* Do entries of that meaning mean the same in `t`, which may have more after them? */
static inline bool to_table_keeps(const struct to_table *t, uint64_t meaning)
{
	return meaning ==
	       to_table_meaning(t, meaning & 0xff, meaning >> 8 & 0xff, meaning >> 16 & 0xff);
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
