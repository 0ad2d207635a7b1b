/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a region's cells say after their process has ended at any instruction; and moving them to
 * a region of another geometry. Nothing here needs what it finds to be in order, and being killed
 * here again costs nothing: every step can be taken twice.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "state_tables.h"

/* No entry lives longer than its 16 bits of life from now; more would be damage. */
#define MOST_LIFE UINT16_MAX

/* Frees what is not whole or dead, and zeroes `over`. Cells are written only when they change:
 * an untouched page of the file stays untouched. */
TO_INLINE void clear(struct to_cells *t, bool wide, uint32_t now, struct to_state_report *report)
{
	for (uint64_t i = 0; i <= t->view.mask; i++) {
		union to_bucket *b = &t->view.bucket[i];

		for (uint32_t slot = 0; slot < to_cells_per_bucket(wide); slot++) {
			uint32_t *head = to_cell_head(b, wide, slot);
			struct to_entry *e = to_cell_value(b, wide, slot);
			uint32_t state = *head & TO_CELL_STATE;
			uint32_t next = *head & TO_CELL_VERSION;

			if (state == TO_CELL_LIVE && now < e->expires) {
				next |= TO_CELL_LIVE;
				if (e->expires - now > MOST_LIFE)
					e->expires = now + MOST_LIFE;
			} else if (state == TO_CELL_LIVE) {
				report->dead++;
			} else if (state != TO_CELL_FREE) {
				report->half_written++;
			}
			if (*head != next)
				*head = next;
		}
	}
	t->used = 0;
	t->hand = 0;
	t->oldest = TO_NO_CELL;
	t->newest = TO_NO_CELL;
}

TO_INLINE bool is_live(const struct to_cells *t, bool wide, uint32_t cell)
{
	return (*to_cell_head(to_bucket_of(t, wide, cell), wide, to_slot_of(wide, cell)) &
		TO_CELL_STATE) == TO_CELL_LIVE;
}

TO_INLINE uint64_t hash_of(const struct to_cells *t, bool wide, uint32_t cell)
{
	return to_cells_hash(wide,
			     to_cell_key(to_bucket_of(t, wide, cell), wide, to_slot_of(wide, cell)),
			     t->seed);
}

/* The first entry of the cell's key on its way, as a look-up would find it. */
TO_INLINE struct to_entry *first_of(const struct to_cells *in, const struct to_cells *t, bool wide,
				    uint32_t cell)
{
	const void *key = to_cell_key(to_bucket_of(t, wide, cell), wide, to_slot_of(wide, cell));

	return to_cells_find(&in->view, wide, key, to_cells_hash(wide, key, in->seed), 0);
}

TO_INLINE void count_over(struct to_cells *t, bool wide)
{
	for (uint64_t cell = 0; cell < to_cells_count(t); cell++) {
		if (!is_live(t, wide, (uint32_t)cell))
			continue;
		to_over_add(t, hash_of(t, wide, (uint32_t)cell) & t->view.mask,
			    cell / to_cells_per_bucket(wide));
		t->used++;
	}
}

/* A key once in a table: of two, the one that a look-up does not find goes. */
TO_INLINE void drop_twins(struct to_cells *t, bool wide, struct to_state_report *report)
{
	for (uint64_t cell = 0; cell < to_cells_count(t); cell++) {
		struct to_entry *e = to_cell_value(to_bucket_of(t, wide, (uint32_t)cell), wide,
						   to_slot_of(wide, (uint32_t)cell));

		if (!is_live(t, wide, (uint32_t)cell) || first_of(t, t, wide, (uint32_t)cell) == e)
			continue;
		to_own_free(t, (uint32_t)cell);
		report->duplicates++;
	}
}

/* An unproven entry whose proven one, at the same edge, is there too was being proved. (At
 * another edge it is a new connection beside a closing one: docs/state.md, V7.) */
TO_INLINE void drop_proved(struct to_cells *t, const struct to_cells *proven, bool wide,
			   struct to_state_report *report)
{
	for (uint64_t cell = 0; cell < to_cells_count(t); cell++) {
		struct to_entry *e = to_cell_value(to_bucket_of(t, wide, (uint32_t)cell), wide,
						   to_slot_of(wide, (uint32_t)cell));
		struct to_entry *p;

		if (!is_live(t, wide, (uint32_t)cell))
			continue;
		p = first_of(proven, t, wide, (uint32_t)cell);
		if (!p || p->edge != e->edge)
			continue;
		to_own_free(t, (uint32_t)cell);
		report->duplicates++;
	}
}

static int by_age(const void *a, const void *b)
{
	const uint64_t *x = a;
	const uint64_t *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Entries of a kind live equally long, so the order of their ends is that of their beginnings. */
static int rebuild_ring(struct to_cells *t)
{
	uint64_t *age;
	uint32_t n = 0;

	if (!t->used)
		return 0;
	age = malloc(t->used * sizeof(*age));
	if (!age)
		return -ENOMEM;
	for (uint64_t cell = 0; cell < to_cells_count(t); cell++) {
		union to_bucket *b = to_bucket_of(t, t->wide, (uint32_t)cell);

		if (is_live(t, t->wide, (uint32_t)cell))
			age[n++] = (uint64_t)to_cell_value(b, t->wide,
							   to_slot_of(t->wide, (uint32_t)cell))
						   ->expires
					   << 32 |
				   cell;
	}
	qsort(age, n, sizeof(*age), by_age);
	for (uint32_t i = 0; i < n; i++)
		to_ring_append(t, (uint32_t)age[i]);
	free(age);
	return 0;
}

/* Everything about one table that does not depend on another. */
static int recover_table(struct to_cells *t, uint32_t now, struct to_state_report *report)
{
	int rc;

	if (t->wide) {
		clear(t, true, now, report);
		count_over(t, true);
	} else {
		clear(t, false, now, report);
		count_over(t, false);
	}
	rc = t->link ? rebuild_ring(t) : 0;
	if (rc)
		return rc;
	if (t->wide)
		drop_twins(t, true, report);
	else
		drop_twins(t, false, report);
	return 0;
}

/* Every table of the region once: shared ones as worker 0's. */
static struct to_cells *table(struct to_state *st, uint32_t worker, uint32_t kind, bool proven)
{
	struct to_cells *t = st->worker[worker].cells[kind][proven];

	return t && t->shared && worker ? NULL : t;
}

static int recover_kind(struct to_state *st, uint32_t worker, uint32_t kind, uint32_t now)
{
	struct to_cells *proven = table(st, worker, kind, true);
	struct to_cells *unproven = table(st, worker, kind, false);
	int rc = 0;

	if (proven)
		rc = recover_table(proven, now, &st->report);
	if (!rc && unproven)
		rc = recover_table(unproven, now, &st->report);
	if (rc)
		return rc;
	if (unproven && st->worker[worker].cells[kind][true]) {
		proven = st->worker[worker].cells[kind][true];
		if (unproven->wide)
			drop_proved(unproven, proven, true, &st->report);
		else
			drop_proved(unproven, proven, false, &st->report);
	}
	if (proven && table(st, worker, kind, true))
		st->report.proven += proven->used;
	if (unproven)
		st->report.unproven += unproven->used;
	return 0;
}

int to_state_recover(struct to_state *st, uint32_t now)
{
	int rc = 0;

	for (uint32_t w = 0; w < st->region->workers && !rc; w++)
		for (uint32_t kind = 0; kind < TO_ENTRY_KIND_COUNT && !rc; kind++)
			rc = recover_kind(st, w, kind, now);
	return rc;
}

/* Which worker has the entry in the new region? */
static uint32_t new_worker(const struct to_state *from, const struct to_state *to,
			   const struct to_state_config *config, const struct to_cells *t,
			   uint32_t worker, const void *key)
{
	uint32_t workers = to->region->workers;

	if (t->shared)
		return 0;
	if (from->region->workers == workers)
		return worker;
	return config->shard(t->kind, key, workers);
}

static int move_cell(struct to_state *from, struct to_state *to,
		     const struct to_state_config *config, uint32_t worker, struct to_cells *t,
		     uint32_t cell)
{
	union to_bucket *b = to_bucket_of(t, t->wide, cell);
	const void *key = to_cell_key(b, t->wide, to_slot_of(t->wide, cell));
	const struct to_entry *e = to_cell_value(b, t->wide, to_slot_of(t->wide, cell));
	uint32_t target = new_worker(from, to, config, t, worker, key);
	struct to_worker_state *ws;
	uint64_t hash;

	if (target >= to->region->workers)
		return -EINVAL;
	ws = &to->worker[target];
	hash = to_state_hash(ws, t->kind, key);
	if (t->proven)
		return to_state_add_proven(ws, t->kind, key, hash, e, config->now) ? 0 : -ENOSPC;
	if (!to_state_add_unproven(ws, t->kind, key, hash, e, config->now))
		to->report.displaced++;
	return 0;
}

/* In a table's own order, an unproven one's in the order of age. */
static int move_table(struct to_state *from, struct to_state *to,
		      const struct to_state_config *config, uint32_t worker, struct to_cells *t)
{
	int rc = 0;

	if (t->link) {
		for (uint32_t c = t->oldest; c != TO_NO_CELL && !rc; c = t->link[c].newer)
			rc = move_cell(from, to, config, worker, t, c);
		return rc;
	}
	for (uint64_t c = 0; c < to_cells_count(t) && !rc; c++)
		if (is_live(t, t->wide, (uint32_t)c))
			rc = move_cell(from, to, config, worker, t, (uint32_t)c);
	return rc;
}

static const char *const kind_names[TO_ENTRY_KIND_COUNT] = {
	"IPv4 pins", "IPv6 pins", "dialogs", "transactions", "affinities", "owners", "fragments"};

int to_state_migrate(struct to_state *from, struct to_state *to,
		     const struct to_state_config *config, char *err, size_t err_size)
{
	int rc;

	if (from->region->workers != to->region->workers && !config->shard) {
		snprintf(err, err_size,
			 "the state is of %u workers and cannot be divided among %u here",
			 from->region->workers, to->region->workers);
		return -EINVAL;
	}
	for (uint32_t w = 0; w < from->region->workers; w++) {
		for (uint32_t kind = 0; kind < TO_ENTRY_KIND_COUNT * 2; kind++) {
			struct to_cells *t = table(from, w, kind / 2, kind % 2);

			rc = t ? move_table(from, to, config, w, t) : 0;
			if (!rc)
				continue;
			snprintf(err, err_size,
				 "the state holds more %s than the new sizes have room for; "
				 "the old state was left as it is",
				 kind_names[kind / 2]);
			return rc;
		}
	}
	to->report = (struct to_state_report){
		.how = TO_STATE_MIGRATED,
		.proven = from->report.proven,
		.unproven = from->report.unproven,
		.dead = from->report.dead,
		.half_written = from->report.half_written,
		.duplicates = from->report.duplicates,
		.displaced = to->report.displaced,
	};
	for (uint32_t w = 0; w < to->region->workers; w++) {
		to->report.displaced += to->worker[w].count.displaced;
		to->worker[w].count = (struct to_state_counters){0};
	}
	to->report.unproven -= to->report.displaced;
	return 0;
}
