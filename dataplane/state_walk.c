/* SPDX-License-Identifier: BSD-3-Clause */
/* Listings and figures, from any thread, while the workers go on. */
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

static int walk_table(const struct to_cells *t, uint32_t worker, uint32_t now, to_state_visit visit,
		      void *arg)
{
	struct to_state_item item = {.kind = t->kind, .proven = t->proven, .worker = worker};
	int rc = 0;

	for (uint64_t cell = 0; cell < to_cells_count(t) && !rc; cell++)
		if (t->wide ? copy(t, true, (uint32_t)cell, now, &item)
			    : copy(t, false, (uint32_t)cell, now, &item))
			rc = visit(arg, &item);
	return rc;
}

int to_state_walk(struct to_state *state, enum to_entry_kind kind, uint32_t now,
		  to_state_visit visit, void *arg)
{
	int rc = 0;

	for (uint32_t w = 0; w < state->region->workers; w++) {
		for (int proven = 1; proven >= 0 && !rc; proven--) {
			const struct to_cells *t = state->worker[w].cells[kind][proven];

			if (t && !(t->shared && w))
				rc = walk_table(t, w, now, visit, arg);
		}
	}
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
