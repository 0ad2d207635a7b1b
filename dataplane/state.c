/* SPDX-License-Identifier: BSD-3-Clause */
/* The tables that one worker writes, and the calls of state.h on top of both sorts. */
#include <string.h>

#include "state_tables.h"

/* Buckets that an insertion into a full proven table searches for dead entries. */
#define EMERGENCY_BUCKETS 64

/* Counts one more entry that passed over the buckets from `home` up to, not with, `end`. 255 is
 * "many": from there the count is not taken back, which costs a longer search, never an entry. */
void to_over_add(const struct to_cells *t, uint64_t home, uint64_t end)
{
	for (uint64_t i = home; i != end; i = (i + 1) & t->view.mask) {
		uint32_t *head = &t->view.bucket[i].cell[0].head;

		if ((*head & TO_CELL_OVER) != TO_CELL_OVER)
			*head += TO_CELL_OVER_ONE;
	}
}

static void over_sub(const struct to_cells *t, uint64_t home, uint64_t end)
{
	for (uint64_t i = home; i != end; i = (i + 1) & t->view.mask) {
		uint32_t *head = &t->view.bucket[i].cell[0].head;
		uint32_t over = *head & TO_CELL_OVER;

		if (over && over != TO_CELL_OVER)
			*head -= TO_CELL_OVER_ONE;
	}
}

void to_ring_append(struct to_cells *t, uint32_t cell)
{
	t->link[cell] = (struct to_link){.older = t->newest, .newer = TO_NO_CELL};
	if (t->newest == TO_NO_CELL)
		t->oldest = cell;
	else
		t->link[t->newest].newer = cell;
	t->newest = cell;
}

static void ring_remove(struct to_cells *t, uint32_t cell)
{
	struct to_link at = t->link[cell];

	if (at.older == TO_NO_CELL)
		t->oldest = at.newer;
	else
		t->link[at.older].newer = at.newer;
	if (at.newer == TO_NO_CELL)
		t->newest = at.older;
	else
		t->link[at.newer].older = at.older;
}

TO_INLINE void own_free(struct to_cells *t, bool wide, uint32_t cell)
{
	union to_bucket *b = to_bucket_of(t, wide, cell);
	uint32_t *head = to_cell_head(b, wide, to_slot_of(wide, cell));
	uint64_t hash = to_cells_hash(wide, to_cell_key(b, wide, to_slot_of(wide, cell)), t->seed);

	__atomic_store_n(head, (*head & ~TO_CELL_STATE) | TO_CELL_FREE, __ATOMIC_RELEASE);
	over_sub(t, hash & t->view.mask, (uint64_t)(b - t->view.bucket));
	if (t->link)
		ring_remove(t, cell);
	t->used--;
}

void to_own_free(struct to_cells *t, uint32_t cell)
{
	if (t->wide)
		own_free(t, true, cell);
	else
		own_free(t, false, cell);
}

/* Frees what is dead in one bucket. */
TO_INLINE uint32_t own_sweep_bucket(struct to_cells *t, bool wide, uint64_t i, uint32_t now)
{
	union to_bucket *b = &t->view.bucket[i];
	uint32_t freed = 0;

	for (uint32_t slot = 0; slot < to_cells_per_bucket(wide); slot++) {
		if ((*to_cell_head(b, wide, slot) & TO_CELL_STATE) != TO_CELL_LIVE ||
		    now < to_cell_value(b, wide, slot)->expires)
			continue;
		own_free(t, wide, (uint32_t)(i * to_cells_per_bucket(wide) + slot));
		freed++;
	}
	return freed;
}

static uint32_t own_sweep(struct to_cells *t, uint64_t from, uint64_t end, uint32_t now)
{
	uint32_t freed = 0;

	for (uint64_t i = from; i < end; i++)
		freed += t->wide ? own_sweep_bucket(t, true, i, now)
				 : own_sweep_bucket(t, false, i, now);
	return freed;
}

/* Where a key lies, or where it may be put: the first cell on its way that is free or dead. */
struct place {
	uint32_t found;
	uint32_t spot;
};

TO_INLINE struct place own_search(const struct to_cells *t, bool wide, const void *key,
				  uint64_t hash, uint32_t now)
{
	struct place p = {TO_NO_CELL, TO_NO_CELL};
	uint64_t i = hash & t->view.mask;

	for (uint64_t left = t->view.mask + 1; left; left--, i = (i + 1) & t->view.mask) {
		union to_bucket *b = &t->view.bucket[i];

		for (uint32_t slot = 0; slot < to_cells_per_bucket(wide); slot++) {
			uint32_t cell = (uint32_t)(i * to_cells_per_bucket(wide) + slot);
			bool live = (*to_cell_head(b, wide, slot) & TO_CELL_STATE) == TO_CELL_LIVE;

			if (live && !memcmp(to_cell_key(b, wide, slot), key, to_key_size(wide))) {
				p.found = cell;
				return p;
			}
			if (p.spot == TO_NO_CELL &&
			    (!live || to_cell_value(b, wide, slot)->expires <= now))
				p.spot = cell;
		}
		if (to_bucket_ends(b) && p.spot != TO_NO_CELL)
			break;
	}
	return p;
}

/* Makes room in a table that is at its capacity. */
static bool own_make_room(struct to_cells *t, uint32_t now, struct to_state_counters *count)
{
	uint32_t freed = 0;

	if (t->link) {
		union to_bucket *b = to_bucket_of(t, t->wide, t->oldest);
		struct to_entry *e = to_cell_value(b, t->wide, to_slot_of(t->wide, t->oldest));

		if (now < e->expires)
			count->displaced++;
		else
			count->reclaimed++;
		to_own_free(t, t->oldest);
		if (t->oldest != TO_NO_CELL) /* the next one's turn */
			__builtin_prefetch(to_bucket_of(t, t->wide, t->oldest));
		return true;
	}
	for (uint32_t n = 0; n < EMERGENCY_BUCKETS && n <= t->view.mask; n++) {
		freed += own_sweep(t, t->hand, (uint64_t)t->hand + 1, now);
		t->hand = (uint32_t)((t->hand + 1) & t->view.mask);
	}
	count->reclaimed += freed;
	return freed > 0;
}

TO_INLINE struct to_entry *own_replace(struct to_cells *t, bool wide, uint32_t cell,
				       const struct to_entry *value)
{
	struct to_entry *e =
		to_cell_value(to_bucket_of(t, wide, cell), wide, to_slot_of(wide, cell));

	to_value_store(e, value);
	if (t->link) {
		ring_remove(t, cell);
		to_ring_append(t, cell);
	}
	return e;
}

/* The cell is free. It becomes live by one store, after everything else is there. */
TO_INLINE struct to_entry *own_fill(struct to_cells *t, bool wide, uint32_t cell, const void *key,
				    uint64_t hash, const struct to_entry *value)
{
	union to_bucket *b = to_bucket_of(t, wide, cell);
	uint32_t slot = to_slot_of(wide, cell);
	uint32_t *head = to_cell_head(b, wide, slot);
	struct to_entry *e = to_cell_value(b, wide, slot);

	to_over_add(t, hash & t->view.mask, (uint64_t)(b - t->view.bucket));
	/* The cell was free for every other eye before its key changes. */
	__atomic_thread_fence(__ATOMIC_RELEASE);
	memcpy(to_cell_key(b, wide, slot), key, to_key_size(wide));
	to_value_store(e, value);
	__atomic_store_n(head, ((*head & ~TO_CELL_STATE) + TO_CELL_VERSION_ONE) | TO_CELL_LIVE,
			 __ATOMIC_RELEASE);
	if (t->link)
		to_ring_append(t, cell);
	t->used++;
	return e;
}

TO_INLINE struct to_entry *own_add(struct to_cells *t, bool wide, const void *key, uint64_t hash,
				   const struct to_entry *value, uint32_t now,
				   struct to_state_counters *count)
{
	struct place p = own_search(t, wide, key, hash, now);

	if (p.found != TO_NO_CELL)
		return own_replace(t, wide, p.found, value);
	if (p.spot != TO_NO_CELL &&
	    (*to_cell_head(to_bucket_of(t, wide, p.spot), wide, to_slot_of(wide, p.spot)) &
	     TO_CELL_STATE) == TO_CELL_LIVE) {
		own_free(t, wide, p.spot);
		count->reclaimed++;
	}
	if (t->used >= t->capacity && !own_make_room(t, now, count))
		return NULL;
	return p.spot == TO_NO_CELL ? NULL : own_fill(t, wide, p.spot, key, hash, value);
}

struct to_entry *to_own_add(struct to_cells *t, const void *key, uint64_t hash,
			    const struct to_entry *value, uint32_t now,
			    struct to_state_counters *count)
{
	return t->wide ? own_add(t, true, key, hash, value, now, count)
		       : own_add(t, false, key, hash, value, now, count);
}

void to_state_prefetch_age(const struct to_worker_state *ws, enum to_entry_kind kind, uint64_t hash)
{
	const struct to_cells *t = ws->cells[kind][false];

	if (t)
		__builtin_prefetch(&t->link[(hash & t->view.mask) * to_cells_per_bucket(t->wide)],
				   1);
}

struct to_entry *to_state_add_unproven(struct to_worker_state *ws, enum to_entry_kind kind,
				       const void *key, uint64_t hash, const struct to_entry *value,
				       uint32_t now)
{
	struct to_cells *t = ws->cells[kind][false];
	struct to_entry v = *value;
	struct to_entry *e = NULL;

	v.flags &= (uint8_t)~TO_ENTRY_PROVEN;
	if (t)
		e = to_own_add(t, key, hash, &v, now, &ws->count);
	if (!e)
		ws->count.full++;
	return e;
}

struct to_entry *to_state_add_proven(struct to_worker_state *ws, enum to_entry_kind kind,
				     const void *key, uint64_t hash, const struct to_entry *value,
				     uint32_t now)
{
	struct to_cells *t = ws->cells[kind][true];
	struct to_entry v = *value;
	struct to_entry *e = NULL;

	v.flags |= TO_ENTRY_PROVEN;
	if (t && t->shared)
		e = to_shared_add(t, key, hash, &v, now, &ws->count);
	else if (t)
		e = to_own_add(t, key, hash, &v, now, &ws->count);
	if (!e)
		ws->count.full++;
	return e;
}

struct to_entry *to_state_prove(struct to_worker_state *ws, enum to_entry_kind kind,
				const void *key, uint64_t hash, struct to_entry *unproven,
				uint32_t now)
{
	struct to_cells *t = ws->cells[kind][false];
	struct to_entry *e = to_state_add_proven(ws, kind, key, hash, unproven, now);

	if (e)
		to_own_free(t, to_cell_of(t, unproven));
	return e;
}

void to_state_remove(struct to_worker_state *ws, enum to_entry_kind kind, bool proven,
		     struct to_entry *entry, uint32_t now)
{
	struct to_cells *t = ws->cells[kind][proven];

	if (t->shared)
		__atomic_store_n(&entry->expires, now, __ATOMIC_RELEASE);
	else
		to_own_free(t, to_cell_of(t, entry));
}

/* Unproven entries of a kind live equally long, so the oldest is the first to die. */
static uint32_t sweep_unproven(struct to_cells *t, uint32_t now, uint32_t most)
{
	uint32_t freed = 0;

	for (; freed < most && t->oldest != TO_NO_CELL; freed++) {
		union to_bucket *b = to_bucket_of(t, t->wide, t->oldest);

		if (now < to_cell_value(b, t->wide, to_slot_of(t->wide, t->oldest))->expires)
			break;
		to_own_free(t, t->oldest);
	}
	return freed;
}

/* One step through the proven table of `sweep_kind`; of shared tables the worker's part. */
static uint32_t sweep_proven(struct to_worker_state *ws, uint32_t now, uint32_t *buckets)
{
	struct to_cells *t = ws->cells[ws->sweep_kind][true];
	uint64_t n = t ? t->view.mask + 1 : 0;
	uint32_t workers = ws->state->region->workers;
	uint64_t first = t && t->shared ? n * ws->worker / workers : 0;
	uint64_t end = t && t->shared ? n * (ws->worker + 1) / workers : n;
	uint64_t at = first + ws->sweep_bucket;
	uint64_t to = end - at < *buckets ? end : at + *buckets;
	uint32_t freed = 0;

	if (t)
		freed = t->shared ? to_shared_sweep(t, at, to, now) : own_sweep(t, at, to, now);
	*buckets -= (uint32_t)(to - at);
	ws->sweep_bucket = to - first;
	if (to == end) {
		ws->sweep_kind = (ws->sweep_kind + 1) % TO_ENTRY_KIND_COUNT;
		ws->sweep_bucket = 0;
	}
	return freed;
}

uint32_t to_state_sweep(struct to_worker_state *ws, uint32_t now, uint32_t buckets)
{
	uint32_t freed = 0;

	for (uint32_t kind = 0; kind < TO_ENTRY_KIND_COUNT; kind++)
		if (ws->cells[kind][false])
			freed += sweep_unproven(ws->cells[kind][false], now, buckets);
	/* A round of steps past small or missing tables ends the call as well. */
	for (uint32_t steps = 0; buckets && steps <= TO_ENTRY_KIND_COUNT; steps++)
		freed += sweep_proven(ws, now, &buckets);
	ws->count.reclaimed += freed;
	return freed;
}
