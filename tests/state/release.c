/* SPDX-License-Identifier: BSD-3-Clause */
/* Walks that go on where they stopped, and the end of an edge's entries while its worker works. */
#include <pthread.h>
#include <turnout/limits.h>

#include "util.h"

#define NOW  1000
#define GONE 3  /* the edge that is released */
#define KEPT 4  /* another one */
#define KEYS 64 /* of the worker: few places, which are used again and again */
#define ALL  UINT32_MAX
#ifdef QUICK
#define ENDED 20000 /* entries, beside the worker */
#else
#define ENDED 100000
#endif

static struct to_state *open_state(uint32_t workers, uint32_t entries)
{
	struct to_state_config config = {
		.workers = workers, .now = NOW, .seed = 7, .boot_id = BOOT};

	for (uint32_t k = 0; k < TO_ENTRY_KIND_COUNT; k++)
		config.size[k] = (struct to_state_size){
			entries, k == TO_AFFINITY || k == TO_OWNER ? 0 : entries};
	return open_or_fail(NULL, &config);
}

static struct to_entry *add(struct to_worker_state *ws, uint32_t kind, bool proven, uint32_t i,
			    struct to_entry v)
{
	union test_key k = key_of(kind, i);
	uint64_t hash = to_state_hash(ws, kind, &k);

	return proven ? to_state_add_proven(ws, kind, &k, hash, &v, NOW)
		      : to_state_add_unproven(ws, kind, &k, hash, &v, NOW);
}

static struct to_entry *find(struct to_worker_state *ws, uint32_t kind, bool proven, uint32_t i)
{
	union test_key k = key_of(kind, i);

	return to_state_find(ws, kind, proven, &k, NOW);
}

static bool has_table(uint32_t kind, bool proven)
{
	return proven || (kind != TO_AFFINITY && kind != TO_OWNER);
}

/* Entries of every kind, of both workers, half of them GONE's, of services 0 and 1. */
static void fill(struct to_state *st)
{
	for (uint32_t w = 0; w < 2; w++)
		for (uint32_t kind = 0; kind < TO_ENTRY_KIND_COUNT; kind++)
			for (int proven = 0; proven < 2; proven++)
				for (uint32_t i = 0; has_table(kind, proven) && i < 20; i++) {
					struct to_entry e = entry_of(i % 2 ? GONE : KEPT, NOW + 50);

					e.service = i / 2 % 2;
					add(to_state_worker(st, w), kind, proven, w * 100 + i, e);
				}
}

static int count(void *arg, const struct to_state_item *item)
{
	uint32_t(*n)[2] = arg;

	n[item->kind][item->proven]++;
	return 0;
}

static int stop(void *arg, const struct to_state_item *item)
{
	count(arg, item);
	return 1;
}

static void walk_all(struct to_state *st, uint32_t cells, to_state_visit visit,
		     uint32_t n[TO_ENTRY_KIND_COUNT][2])
{
	struct to_state_cursor at = {0};

	memset(n, 0, TO_ENTRY_KIND_COUNT * sizeof(n[0]));
	while (to_state_walk_on(st, &at, ALL, cells, NOW, visit, n) == 1)
		;
}

static void test_a_walk_goes_on(void **state)
{
	static const uint32_t cells[] = {1, 2, 7, 1000, UINT32_MAX};
	uint32_t whole[TO_ENTRY_KIND_COUNT][2] = {0}, n[TO_ENTRY_KIND_COUNT][2];
	struct to_state *st = open_state(2, 100);

	(void)state;
	fill(st);
	for (uint32_t kind = 0; kind < TO_ENTRY_KIND_COUNT; kind++)
		assert_int_equal(to_state_walk(st, kind, NOW, count, whole), 0);
	assert_int_equal(whole[TO_PIN4][0], 40);
	for (size_t i = 0; i < sizeof(cells) / sizeof(cells[0]); i++) {
		walk_all(st, cells[i], count, n);
		assert_memory_equal(n, whole, sizeof(n));
		walk_all(st, cells[i], stop, n); /* behind each entry */
		assert_memory_equal(n, whole, sizeof(n));
	}
	to_state_close(st);
}

static void test_any_cursor_will_do(void **state)
{
	static const uint64_t words[] = {0, 1, 5, 27, 28, 29, 1u << 31, UINT32_MAX, UINT64_MAX};
	struct to_state *st = open_state(2, 100);

	(void)state;
	fill(st);
	for (int i = 0; i < 81; i++) {
		struct to_state_cursor at = {.table = (uint32_t)words[i / 9], .cell = words[i % 9]};
		uint32_t n[TO_ENTRY_KIND_COUNT][2] = {0};
		unsigned calls = 0;

		while (to_state_walk_on(st, &at, ALL, 64, NOW, count, n) == 1)
			assert_true(++calls < 1000);
	}
	to_state_close(st);
}

static uint64_t release(struct to_state *st, struct to_release what)
{
	struct to_state_cursor at = {0};
	uint64_t ended = 0;

	while (to_state_release_on(st, &at, 16, NOW, &what, &ended) == 1)
		;
	return ended;
}

/* How many live entries there are of an edge and a service (TO_NO_INDEX: any). */
struct tally {
	uint8_t edge;
	uint8_t service;
	uint32_t n;
};

static int tally(void *arg, const struct to_state_item *item)
{
	struct tally *t = arg;

	t->n += item->entry.edge == t->edge &&
		(t->service == TO_NO_INDEX || item->entry.service == t->service);
	return 0;
}

static uint32_t living(struct to_state *st, uint8_t edge, uint8_t service)
{
	struct tally t = {.edge = edge, .service = service};
	struct to_state_cursor at = {0};

	while (to_state_walk_on(st, &at, ALL, 1000, NOW, tally, &t) == 1)
		;
	return t.n;
}

static void test_what_a_release_takes(void **state)
{
	struct to_state *st = open_state(2, 100);
	struct to_worker_state *ws = to_state_worker(st, 0);
	uint32_t kept, of_service, all;
	struct to_key group5 = {{1, 2, 5}}, group6 = {{1, 2, 6}};
	struct to_entry e = entry_of(GONE, NOW + 50); /* of service 0 */

	(void)state;
	fill(st);
	to_state_add_proven(ws, TO_AFFINITY, &group5, to_state_hash(ws, TO_AFFINITY, &group5), &e,
			    NOW);
	to_state_add_proven(ws, TO_AFFINITY, &group6, to_state_hash(ws, TO_AFFINITY, &group6), &e,
			    NOW);
	kept = living(st, KEPT, TO_NO_INDEX);
	of_service = living(st, GONE, 1);
	all = living(st, GONE, TO_NO_INDEX);
	assert_true(kept > 200 && of_service > 100 && all > of_service);
	assert_int_equal(release(st, (struct to_release){9, TO_NO_INDEX, TO_NO_INDEX, 0}), 0);
	/* with service 1 go the affinities of its group, whichever service began them */
	assert_int_equal(release(st, (struct to_release){GONE, 1, 5, 0}), of_service + 1);
	assert_int_equal(living(st, GONE, 1), 0);
	assert_null(to_state_find(ws, TO_AFFINITY, true, &group5, NOW));
	assert_non_null(to_state_find(ws, TO_AFFINITY, true, &group6, NOW));
	assert_null(find(ws, TO_PIN6, true, 3));
	assert_non_null(find(ws, TO_PIN6, true, 5));
	assert_int_equal(release(st, (struct to_release){GONE, TO_NO_INDEX, TO_NO_INDEX, 0}),
			 all - of_service - 1);
	assert_int_equal(living(st, GONE, TO_NO_INDEX), 0);
	assert_int_equal(living(st, KEPT, TO_NO_INDEX), kept);
	check_state(st);
	to_state_close(st);
}

/* Dead ones that were ended in the middle of the order of age do not keep others from going. */
static void test_released_places_are_used_again(void **state)
{
	struct to_state *st = open_state(1, 8);
	struct to_worker_state *ws = to_state_worker(st, 0);

	(void)state;
	for (uint32_t i = 0; i < 8; i++)
		add(ws, TO_PIN4, false, i, entry_of(i % 2 ? GONE : KEPT, NOW + 10));
	assert_int_equal(release(st, (struct to_release){GONE, TO_NO_INDEX, TO_NO_INDEX, 0}), 4);
	for (uint32_t i = 8; i < 16; i++)
		assert_non_null(add(ws, TO_PIN4, false, i, entry_of(KEPT, NOW + 10)));
	for (uint32_t i = 8; i < 16; i++)
		assert_non_null(find(ws, TO_PIN4, false, i));
	check_state(st);
	to_state_close(st);
}

struct worker {
	struct to_worker_state *ws;
	uint8_t edge[2][KEYS]; /* [is IPv6]; 0: none */
	uint64_t wrong;
	bool stop;
};

/* What is KEPT's is there for as long as the worker does not remove it, and is KEPT's. */
static void work_on(struct worker *w, uint32_t kind, uint32_t i, uint32_t dice)
{
	uint8_t *edge = &w->edge[kind == TO_PIN6][i];
	struct to_entry *e = find(w->ws, kind, true, i);

	if (*edge == KEPT && (!e || e->edge != KEPT))
		w->wrong++;
	if (e && dice % 8 == 0) {
		to_state_remove(w->ws, kind, true, e, NOW - 5);
		*edge = 0;
	} else if (e && dice % 8 < 4) {
		e->expires = NOW + 20 + dice % 16; /* as a packet renews it */
		if (dice % 8 == 2 && kind == TO_PIN4)
			e->tcp = (uint8_t)(dice >> 8);
	} else {
		*edge = dice & 16 ? GONE : KEPT;
		add(w->ws, kind, true, i, entry_of(*edge, NOW + 20));
	}
}

static void *work(void *arg)
{
	struct worker *w = arg;
	uint64_t x = 88172645463325252ull;

	while (!__atomic_load_n(&w->stop, __ATOMIC_ACQUIRE)) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		work_on(w, x & 1 ? TO_PIN4 : TO_PIN6, (uint32_t)(x >> 32) % KEYS,
			(uint32_t)(x >> 8) & 0xffffff);
	}
	return NULL;
}

static void test_beside_a_worker(void **state)
{
	struct to_state_config config = {.workers = 1, .now = NOW, .seed = 7, .boot_id = BOOT};
	struct worker w = {0};
	const struct to_release what = {GONE, TO_NO_INDEX, TO_NO_INDEX, 0};
	struct to_state *st;
	uint64_t ended = 0;
	pthread_t thread;

	(void)state;
	config.size[TO_PIN4].proven = config.size[TO_PIN6].proven = KEYS + KEYS / 2;
	st = open_or_fail(NULL, &config);
	w.ws = to_state_worker(st, 0);
	assert_int_equal(pthread_create(&thread, NULL, work, &w), 0);
	while (ended < ENDED)
		ended += release(st, what);
	__atomic_store_n(&w.stop, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	assert_int_equal(w.wrong, 0);
	release(st, what);
	assert_int_equal(living(st, GONE, TO_NO_INDEX), 0);
	check_state(st);
	to_state_close(st);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_walk_goes_on),
		cmocka_unit_test(test_any_cursor_will_do),
		cmocka_unit_test(test_what_a_release_takes),
		cmocka_unit_test(test_released_places_are_used_again),
		cmocka_unit_test(test_beside_a_worker),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
