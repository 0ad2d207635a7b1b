/* SPDX-License-Identifier: BSD-3-Clause */
/* What the tests of the state tables share: keys, entries, and the invariants of the cells. */
#ifndef TESTS_STATE_UTIL_H
#define TESTS_STATE_UTIL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <dataplane/state_tables.h>
#include <turnout/hash.h>

#define BOOT "11111111-2222-3333-4444-555555555555"

/* A key of any kind: 24 bytes, of which most kinds read 12. */
union test_key {
	struct to_key k;
	struct to_key6 k6;
};

static inline union test_key key_of(uint32_t kind, uint32_t i)
{
	union test_key key = {.k6 = {.client = {.d = {0, 0}}}};

	if (kind == TO_PIN6) {
		key.k6.client.d[0] = to_mix(i) & 0xffffffff;
		key.k6.client.w[3] = i;
		key.k6.client_port = to_net16((uint16_t)i);
		key.k6.vip = 3;
	} else {
		key.k = (struct to_key){{(uint32_t)to_mix(i), i, kind}};
	}
	return key;
}

static inline struct to_entry entry_of(uint8_t edge, uint32_t expires)
{
	return (struct to_entry){.edge = edge, .expires = expires, .life = 300, .mark = edge * 3u};
}

static inline struct to_state *open_or_fail(const char *path, const struct to_state_config *config)
{
	struct to_state *st = NULL;
	char err[512] = "";
	int rc = to_state_open(path, config, &st, err, sizeof(err));

	if (rc)
		print_error("%d: %s\n", rc, err);
	assert_int_equal(rc, 0);
	return st;
}

static inline void check_ring(const struct to_cells *t)
{
	uint32_t n = 0;
	uint32_t before = TO_NO_CELL;

	for (uint32_t c = t->oldest; c != TO_NO_CELL; c = t->link[c].newer) {
		union to_bucket *b = to_bucket_of(t, t->wide, c);

		assert_int_equal(t->link[c].older, before);
		assert_int_equal(*to_cell_head(b, t->wide, to_slot_of(t->wide, c)) & TO_CELL_STATE,
				 TO_CELL_LIVE);
		before = c;
		n++;
	}
	assert_int_equal(t->newest, before);
	assert_int_equal(n, t->used);
}

/* `over` of every bucket is the number of entries that passed over it, counted anew from the
 * cells; no cell is half-written; no more places are used than counted. */
static inline void check_cells(const struct to_cells *t)
{
	uint64_t buckets = t->view.mask + 1;
	uint32_t *over = calloc(buckets, sizeof(*over));
	uint32_t used = 0;
	uint64_t wrong = 0;

	assert_non_null(over);
	for (uint64_t cell = 0; cell < to_cells_count(t); cell++) {
		union to_bucket *b = to_bucket_of(t, t->wide, (uint32_t)cell);
		uint32_t slot = to_slot_of(t->wide, (uint32_t)cell);
		uint32_t state = *to_cell_head(b, t->wide, slot) & TO_CELL_STATE;
		uint64_t home = to_cells_hash(t->wide, to_cell_key(b, t->wide, slot), t->seed) &
				t->view.mask;
		uint64_t at = cell / to_cells_per_bucket(t->wide);

		wrong += state != TO_CELL_FREE && state != TO_CELL_LIVE;
		if (state != TO_CELL_LIVE)
			continue;
		used++;
		for (uint64_t i = home; i != at; i = (i + 1) & t->view.mask)
			over[i]++;
	}
	for (uint64_t i = 0; i < buckets; i++) {
		uint32_t has = (t->view.bucket[i].cell[0].head & TO_CELL_OVER) / TO_CELL_OVER_ONE;

		wrong += has != over[i] && has != 255;
	}
	free(over);
	assert_int_equal(wrong, 0);
	assert_int_equal(used, t->used);
	assert_true(used <= t->capacity);
	if (t->link)
		check_ring(t);
}

static inline void check_state(struct to_state *st)
{
	for (uint32_t w = 0; w < st->region->workers; w++) {
		for (uint32_t i = 0; i < TO_ENTRY_KIND_COUNT * 2; i++) {
			const struct to_cells *t = st->worker[w].cells[i / 2][i % 2];

			if (t && !(t->shared && w))
				check_cells(t);
		}
	}
}

/* A fresh name in /dev/shm; the caller removes it by remove_region(). */
static inline void region_name(char *path, size_t size, const char *what)
{
	snprintf(path, size, "/dev/shm/turnout-test-%s-%d", what, (int)getpid());
}

static inline void remove_region(const char *path)
{
	char lock[512];

	snprintf(lock, sizeof(lock), "%s.lock", path);
	unlink(path);
	unlink(lock);
}

#endif
