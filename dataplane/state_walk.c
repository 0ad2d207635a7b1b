/* SPDX-License-Identifier: BSD-3-Clause */
/* Listings and figures, from any thread, while the workers go on. */
#include <turnout/limits.h>

#include "state_tables.h"

/* Copies a live entry, or says no: not live, or written in between. */
TO_INLINE bool copy(const struct to_cells *t, bool wide, uint32_t cell, uint32_t now,
		    struct to_state_item *item)
{
	union to_bucket *b = to_bucket_of(t, wide, cell);
	const uint32_t *head = to_cell_head(b, wide, to_slot_of(wide, cell));
	const uint32_t *key = to_cell_key(b, wide, to_slot_of(wide, cell));
	const uint32_t *value = (const uint32_t *)to_cell_value(b, wide, to_slot_of(wide, cell));
	uint32_t before = __atomic_load_n(head, __ATOMIC_ACQUIRE);
	uint32_t word[10];
	uint32_t words = to_key_size(wide) / 4;

	if ((before & TO_CELL_STATE) != TO_CELL_LIVE)
		return false;
	for (uint32_t i = 0; i < words; i++)
		word[i] = __atomic_load_n(&key[i], __ATOMIC_ACQUIRE);
	for (uint32_t i = 0; i < 4; i++)
		word[words + i] = __atomic_load_n(&value[i], __ATOMIC_ACQUIRE);
	if ((__atomic_load_n(head, __ATOMIC_ACQUIRE) ^ before) & ~TO_CELL_OVER)
		return false;
	__builtin_memcpy(&item->key6, word, to_key_size(wide));
	__builtin_memcpy(&item->entry, word + words, sizeof(item->entry));
	return now < item->entry.expires;
}

/* What a walk does with an entry: the copy, and where it lies. */
typedef int at_entry(void *arg, const struct to_state_item *item, struct to_entry *entry);

/* Goes on in one table from *cell on, which is left behind the last one that was looked at. */
static int walk_table(const struct to_cells *t, uint32_t worker, uint64_t *cell, uint64_t cells,
		      uint32_t now, at_entry *visit, void *arg)
{
	struct to_state_item item = {.kind = t->kind, .proven = t->proven, .worker = worker};
	uint64_t count = to_cells_count(t);
	uint64_t end = *cell < count && cells < count - *cell ? *cell + cells : count;

	while (*cell < end) {
		uint32_t at = (uint32_t)(*cell)++;
		union to_bucket *b;
		int rc;

		if (!(t->wide ? copy(t, true, at, now, &item) : copy(t, false, at, now, &item)))
			continue;
		b = to_bucket_of(t, t->wide, at);
		rc = visit(arg, &item, to_cell_value(b, t->wide, to_slot_of(t->wide, at)));
		if (rc)
			return rc;
	}
	return 0;
}

struct visitor {
	to_state_visit visit;
	void *arg;
};

static int show(void *arg, const struct to_state_item *item, struct to_entry *entry)
{
	const struct visitor *v = arg;

	(void)entry;
	return v->visit(v->arg, item);
}

int to_state_walk(struct to_state *state, enum to_entry_kind kind, uint32_t now,
		  to_state_visit visit, void *arg)
{
	struct visitor v = {visit, arg};
	int rc = 0;

	for (uint32_t w = 0; w < state->region->workers; w++) {
		for (int proven = 1; proven >= 0 && !rc; proven--) {
			const struct to_cells *t = state->worker[w].cells[kind][proven];
			uint64_t cell = 0;

			if (t && !(t->shared && w))
				rc = walk_table(t, w, &cell, UINT64_MAX, now, show, &v);
		}
	}
	return rc;
}

/* The table of a cursor, or NULL: there is none there, or it is not of `kinds`. */
static const struct to_cells *table_at(const struct to_state *state, uint32_t table, uint32_t kinds)
{
	uint32_t workers = state->region->workers;
	uint32_t kind = table / 2 / workers;
	uint32_t worker = table / 2 % workers;
	const struct to_cells *t;

	if (!(kinds & 1u << kind))
		return NULL;
	t = state->worker[worker].cells[kind][!(table & 1)];
	return t && t->shared && worker ? NULL : t;
}

static int walk_on(struct to_state *state, struct to_state_cursor *at, uint32_t kinds,
		   uint32_t cells, uint32_t now, at_entry *visit, void *arg)
{
	uint32_t workers = state->region->workers;

	for (; at->table < TO_ENTRY_KIND_COUNT * workers * 2; at->table++, at->cell = 0) {
		const struct to_cells *t = table_at(state, at->table, kinds);
		uint64_t from = at->cell;
		int rc;

		if (!t || from >= to_cells_count(t))
			continue;
		rc = walk_table(t, at->table / 2 % workers, &at->cell, cells, now, visit, arg);
		if (rc)
			return rc < 0 ? rc : 1;
		cells -= (uint32_t)(at->cell - from);
		if (!cells)
			return 1;
	}
	return 0;
}

int to_state_walk_on(struct to_state *state, struct to_state_cursor *at, uint32_t kinds,
		     uint32_t cells, uint32_t now, to_state_visit visit, void *arg)
{
	struct visitor v = {visit, arg};

	return walk_on(state, at, kinds, cells, now, show, &v);
}

bool to_release_takes(const struct to_release *r, const struct to_state_item *item)
{
	if (item->entry.edge != r->edge)
		return false;
	if (r->service == TO_NO_INDEX || item->entry.service == r->service)
		return true;
	return item->kind == TO_AFFINITY && r->group != TO_NO_INDEX && item->key.w[2] == r->group;
}

struct ending {
	const struct to_release *what;
	uint32_t expires;
	uint64_t ended;
};

static int end(void *arg, const struct to_state_item *item, struct to_entry *entry)
{
	struct to_entry dead = item->entry;
	struct ending *e = arg;
	uint64_t seen, word;

	if (!to_release_takes(e->what, item))
		return 0;
	dead.expires = e->expires;
	__builtin_memcpy(&seen, &item->entry, sizeof(seen));
	__builtin_memcpy(&word, &dead, sizeof(word));
	e->ended += __atomic_compare_exchange_n((uint64_t *)(void *)entry, &seen, word, false,
						__ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
	return 0;
}

int to_state_release_on(struct to_state *state, struct to_state_cursor *at, uint32_t cells,
			uint32_t now, const struct to_release *what, uint64_t *ended)
{
	struct ending e = {.what = what, .expires = now > 1 ? now - 1 : now};
	int rc = walk_on(state, at, UINT32_MAX, cells, now, end, &e);

	*ended += e.ended;
	return rc;
}

void to_state_usage(const struct to_worker_state *ws, enum to_entry_kind kind, bool proven,
		    uint32_t *used, uint32_t *capacity)
{
	const struct to_cells *t = ws->cells[kind][proven];

	*used = t ? __atomic_load_n(&t->used, __ATOMIC_RELAXED) : 0;
	*capacity = t ? t->capacity : 0;
}

const struct to_state_report *to_state_report(const struct to_state *state)
{
	return &state->report;
}

struct to_worker_state *to_state_worker(struct to_state *state, uint32_t worker)
{
	return worker < state->region->workers ? &state->worker[worker] : NULL;
}

uint64_t to_state_bytes(const struct to_state *state)
{
	return state->bytes;
}
