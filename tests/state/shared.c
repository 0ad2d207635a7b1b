/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two workers claim the same keys at the same time. After each round both must have been told the
 * same winner, and the key must be live exactly once. Between rounds everything dies, so that
 * places are taken from dead entries, by sweeps of both workers as well, while others are claimed.
 */
#include <pthread.h>
#include <sched.h>

#include "util.h"

#define KEYS      700
#define CONTENDED 100 /* rounds in which both won keys, that is: met; enough of them */
#ifndef ROUNDS        /* at least; at most five times that, if a busy machine keeps them apart */
#define ROUNDS 5000
#endif

static struct to_state *st;
static uint8_t told[2][KEYS];
static uint32_t unexpected;
static uint32_t arrived;
static uint32_t contended;
static bool finished;

/* Spins, so that both leave it within nanoseconds of each other and really meet. */
static void meet(uint32_t nth)
{
	__atomic_fetch_add(&arrived, 1, __ATOMIC_ACQ_REL);
	for (uint32_t n = 0; __atomic_load_n(&arrived, __ATOMIC_ACQUIRE) < nth * 2; n++)
		if (n > 10000)
			sched_yield();
}

static uint8_t edge_of(const struct to_entry *e)
{
	return __atomic_load_n(&e->edge, __ATOMIC_RELAXED);
}

/* Both go through the keys in the same order in even rounds, towards each other in odd ones. */
static void claim_all(struct to_worker_state *ws, uint32_t me, uint32_t round, uint32_t now)
{
	for (uint32_t n = 0; n < KEYS; n++) {
		uint32_t i = (round & 1) && me ? KEYS - 1 - n : n;
		union test_key k = key_of(TO_OWNER, i);
		struct to_entry v = entry_of((uint8_t)(me + 1), now + 5);
		uint64_t hash = to_state_hash(ws, TO_OWNER, &k);
		struct to_entry *e = to_state_add_proven(ws, TO_OWNER, &k, hash, &v, now);
		struct to_entry *f;

		/* A rival that lost its CPU in the middle of a claim: refused, never wrong. */
		while (!e) {
			sched_yield();
			e = to_state_add_proven(ws, TO_OWNER, &k, hash, &v, now);
		}
		told[me][i] = edge_of(e);
		f = to_state_find_hashed(ws, TO_OWNER, true, &k, hash, now);
		if (!f || edge_of(f) != told[me][i])
			__atomic_fetch_add(&unexpected, 1, __ATOMIC_RELAXED);
		if (n % 16 == 0)
			to_state_sweep(ws, now, 8);
	}
}

static int count_key(void *arg, const struct to_state_item *item)
{
	uint8_t *seen = arg;

	seen[item->key.w[1]]++;
	return 0;
}

static void judge(uint32_t round, uint32_t now)
{
	uint8_t seen[KEYS] = {0};

	uint32_t won[3] = {0, 0, 0};

	to_state_walk(st, TO_OWNER, now, count_key, seen);
	for (uint32_t i = 0; i < KEYS; i++) {
		unexpected += told[0][i] != told[1][i] || seen[i] != 1;
		won[told[0][i]]++;
	}
	contended += won[1] && won[2];
	finished = round >= ROUNDS && contended >= CONTENDED;
}

static void *worker(void *arg)
{
	uint32_t me = arg != NULL;
	cpu_set_t cpu;

	CPU_ZERO(&cpu);
	CPU_SET(me, &cpu);
	/* Best effort: on one CPU they meet only where one loses it. */
	pthread_setaffinity_np(pthread_self(), sizeof(cpu), &cpu);
	for (uint32_t round = 0; round < ROUNDS * 5 && !finished; round++) {
		uint32_t now = 1000 + round * 10;

		meet(round * 3 + 1);
		claim_all(to_state_worker(st, me), me, round, now);
		meet(round * 3 + 2);
		if (!me)
			judge(round, now);
		meet(round * 3 + 3);
	}
	return NULL;
}

static void test_the_first_live_claim_wins(void **state)
{
	struct to_state_config config = {.workers = 2, .now = 1000, .seed = 1, .boot_id = BOOT};
	pthread_t other;

	(void)state;
	config.size[TO_OWNER].proven = KEYS * 2; /* the last round's dead and this one's living */
	config.size[TO_PIN4].proven = 10;
	st = open_or_fail(NULL, &config);
	assert_int_equal(pthread_create(&other, NULL, worker, st), 0);
	worker(NULL);
	assert_int_equal(pthread_join(other, NULL), 0);
	assert_int_equal(unexpected, 0);
	assert_true(contended > 0);
	assert_true(to_state_worker(st, 0)->count.reclaimed > 0);
	check_state(st);
	to_state_close(st);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_first_live_claim_wins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
