/* SPDX-License-Identifier: BSD-3-Clause */
/* Over which tables' entries which tables may be put: by what numbers in entries mean. */
#include <dataplane/state.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <turnout/table.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { NOW = 1000, ROOM = 8192, NAMES = 64 };

static struct to_state *state;
static uint32_t entries;

/* An image as far as its meaning goes: `edges` of them, the first ones always the same. */
static struct to_table *table(uint64_t salt, uint32_t edges)
{
	struct to_table *t = aligned_alloc(64, ROOM);
	struct to_edge *e;

	assert_non_null(t);
	memset(t, 0, ROOM);
	t->salt = salt;
	t->section[TO_SECTION_EDGES].offset = sizeof(*t);
	t->section[TO_SECTION_EDGES].count = edges;
	e = (struct to_edge *)(void *)((uint8_t *)t + sizeof(*t));
	t->section[TO_SECTION_STRINGS].offset = ROOM - NAMES;
	memset((char *)t + ROOM - NAMES, 'e', NAMES - 1);
	for (uint32_t i = 0; i < edges; i++)
		e[i].name = i; /* the longer the earlier */
	return t;
}

static void add_entry(void)
{
	struct to_worker_state *ws = to_state_worker(state, 0);
	struct to_entry e = {.expires = NOW + 100};
	struct to_key key = {{++entries, 1, 1}};

	assert_non_null(
		to_state_add_proven(ws, TO_PIN4, &key, to_state_hash(ws, TO_PIN4, &key), &e, NOW));
}

static int check_at(const struct to_table *t, uint32_t now)
{
	char err[512] = "";
	int ret = to_state_check_meaning(state, t, now, err, sizeof(err));

	assert_true((ret == 0) == !*err);
	return ret;
}

static void test_entries_of_another_table(void **unused)
{
	struct to_table *a = table(1, 2), *x = table(2, 2);

	(void)unused;
	assert_int_equal(check_at(a, NOW), 0);
	to_state_set_meaning(state, a);
	to_state_kept(state, a);
	add_entry();
	assert_int_equal(check_at(x, NOW), -EINVAL);
	assert_int_equal(check_at(x, NOW + 101), 0); /* they have ended */
	to_state_set_meaning(state, x);
	add_entry();
	assert_int_equal(check_at(x, NOW), 0);
	assert_int_equal(check_at(a, NOW), -EINVAL);
	free(a);
	free(x);
}

/* However many generations were not kept before the process was killed. */
static void test_the_kept_one_is_taken_again(void **unused)
{
	struct to_table *a = table(1, 2), *b = table(1, 3), *c = table(1, 4);

	(void)unused;
	to_state_set_meaning(state, a);
	to_state_kept(state, a);
	to_state_set_meaning(state, b);
	to_state_set_meaning(state, c);
	add_entry();
	assert_int_equal(check_at(a, NOW), 0);
	assert_int_equal(check_at(b, NOW), -EINVAL);
	to_state_set_meaning(state, a); /* entries of c may be there all the same */
	assert_int_equal(check_at(c, NOW), 0);
	assert_int_equal(check_at(b, NOW), -EINVAL);
	to_state_kept(state, c);
	assert_int_equal(check_at(a, NOW), -EINVAL);
	free(a);
	free(b);
	free(c);
}

static int set_up(void **unused)
{
	struct to_state_config config = {.workers = 1, .now = NOW, .seed = 1};
	char err[256] = "";

	(void)unused;
	to_state_sizes(&config, 1, 512);
	return to_state_open(NULL, &config, &state, err, sizeof(err));
}

static int tear_down(void **unused)
{
	(void)unused;
	to_state_close(state);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_entries_of_another_table, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_the_kept_one_is_taken_again, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
