/* SPDX-License-Identifier: BSD-3-Clause */
/* What the numbers in entries mean, for whoever takes them over without the table that made them.
 */
#include <errno.h>
#include <stdio.h>

#include <turnout/table_follow.h>

#include "state_tables.h"

static uint64_t meaning_of(const struct to_table *t)
{
	return to_table_meaning(t, to_table_edge_count(t), to_table_service_count(t),
				to_table_vip_count(t));
}

static int one_is_enough(void *arg, const struct to_state_item *item)
{
	(void)arg;
	(void)item;
	return 1;
}

static bool has_live_entries(struct to_state *st, uint32_t now)
{
	for (int kind = 0; kind < TO_ENTRY_KIND_COUNT; kind++) {
		if (to_state_walk(st, kind, now, one_is_enough, NULL))
			return true;
	}
	return false;
}

/* The table that was kept last: its process was killed before it had kept those that followed it,
 * whose entries may be there. What they mean goes on to be what counts. */
static bool is_the_kept_one(const struct to_state *st, const struct to_table *t)
{
	return meaning_of(t) == st->region->meaning_kept;
}

int to_state_check_meaning(struct to_state *st, const struct to_table *t, uint32_t now, char *err,
			   size_t err_size)
{
	uint64_t meaning = st->region->meaning;

	if (!meaning || to_table_keeps(t, meaning) || is_the_kept_one(st, t) ||
	    !has_live_entries(st, now))
		return 0;
	snprintf(err, err_size,
		 "the state has entries of a table with other edges, services or VIPs, or these "
		 "in another order, or another salt: they would change their edges. A table that "
		 "can follow that one is taken, or any when they have ended or the state is "
		 "removed");
	return -EINVAL;
}

void to_state_set_meaning(struct to_state *st, const struct to_table *t)
{
	struct to_state_region *r = st->region;
	uint64_t meaning = meaning_of(t);

	if (meaning == r->meaning || (r->meaning && is_the_kept_one(st, t)))
		return;
	/* what was kept meant other things, and so do no entries that live */
	if (!to_table_keeps(t, r->meaning))
		__atomic_store_n(&r->meaning_kept, 0, __ATOMIC_RELEASE);
	__atomic_store_n(&r->meaning, meaning, __ATOMIC_RELEASE);
}

void to_state_kept(struct to_state *st, const struct to_table *t)
{
	__atomic_store_n(&st->region->meaning_kept, meaning_of(t), __ATOMIC_RELEASE);
}
