/* SPDX-License-Identifier: BSD-3-Clause */
/* Invariant I4: nothing unproven displaces anything proven. Two million new flows, dialogs and
 * fragments between two halves of established traffic; every proven entry is still there. */
#include "util.h"

#define NOW    1000
#define PROVEN 50000u
#define FLOOD  2000000u
#define ROOM   30000u

static void add(struct to_worker_state *ws, uint32_t kind, bool proven, uint32_t i,
		uint32_t expires, uint32_t now)
{
	union test_key k = key_of(kind, i);
	uint64_t hash = to_state_hash(ws, kind, &k);
	struct to_entry v = entry_of((uint8_t)(i % 60), expires);

	if (proven)
		assert_non_null(to_state_add_proven(ws, kind, &k, hash, &v, now));
	else
		assert_non_null(to_state_add_unproven(ws, kind, &k, hash, &v, now));
}

static uint32_t missing(struct to_worker_state *ws, uint32_t kind, uint32_t now)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < PROVEN; i++) {
		union test_key k = key_of(kind, i);
		const struct to_entry *e = to_state_find(ws, kind, true, &k, now);

		n += !e || e->edge != i % 60;
	}
	return n;
}

static void flood(uint32_t kind)
{
	struct to_state_config config = {.workers = 1, .now = NOW, .seed = 4, .boot_id = BOOT};
	struct to_state *st;
	struct to_worker_state *ws;

	config.size[kind] = (struct to_state_size){PROVEN, ROOM};
	st = open_or_fail(NULL, &config);
	ws = to_state_worker(st, 0);
	for (uint32_t i = 0; i < PROVEN; i++)
		add(ws, kind, true, i, NOW + 300, NOW);
	for (uint32_t i = 0; i < FLOOD; i++) {
		uint32_t now = NOW + i / (FLOOD / 20); /* 20 seconds of it */

		add(ws, kind, false, PROVEN + i, now + 10, now);
		if (i % 64 == 0)
			to_state_sweep(ws, now, 32);
	}
	assert_int_equal(missing(ws, kind, NOW + 20), 0);
	assert_int_equal(ws->count.full, 0);
	/* each unproven one is there yet, or made room, or was dead */
	assert_int_equal(ws->cells[kind][false]->used + ws->count.displaced + ws->count.reclaimed,
			 FLOOD);
	assert_true(ws->count.displaced > FLOOD / 2);
	check_state(st);
	to_state_close(st);
}

static void test_pins(void **state)
{
	(void)state;
	flood(TO_PIN4);
}

static void test_pins6(void **state)
{
	(void)state;
	flood(TO_PIN6);
}

static void test_dialogs(void **state)
{
	(void)state;
	flood(TO_DIALOG);
}

static void test_fragments(void **state)
{
	(void)state;
	flood(TO_FRAGMENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pins),
		cmocka_unit_test(test_pins6),
		cmocka_unit_test(test_dialogs),
		cmocka_unit_test(test_fragments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
