/* SPDX-License-Identifier: BSD-3-Clause */
/* An entry in two maps: what has happened to either has happened. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "xdp_merge.h"

#define NOW  1000u
#define IDLE 600

static const struct to_entry base = {
	.expires = NOW + 180, .edge = 3, .flags = TO_ENTRY_PROVEN, .life = 180, .mark = NOW - 5};

static struct to_bpf_entry copy_of(const struct to_entry *e)
{
	return (struct to_bpf_entry){.e = *e, .ring = to_xdp_copy_mark(e), .tag = 77};
}

static void test_nothing_has_happened(void **state)
{
	struct to_bpf_entry there = copy_of(&base), merged;

	(void)state;
	assert_false(to_xdp_merge(TO_DIALOG, false, NOW, &base, &there, &merged));
	there.e.expires += 50; /* the new one goes on by itself */
	assert_false(to_xdp_merge(TO_DIALOG, false, NOW, &base, &there, &merged));
}

static void test_old_one_has_changed(void **state)
{
	struct to_bpf_entry there = copy_of(&base), merged;
	struct to_entry old = base;

	(void)state;
	old.life = IDLE; /* answered */
	old.expires = NOW + IDLE;
	old.flags |= TO_ENTRY_ESTABLISHED;
	assert_true(to_xdp_merge(TO_DIALOG, false, NOW, &old, &there, &merged));
	assert_memory_equal(&merged.e, &old, sizeof(old));
	assert_int_equal(merged.tag, 77);
	assert_false(to_xdp_merge(TO_DIALOG, false, NOW, &old, &merged, &there));
}

/* A TURN allocation that is given up, or a reset: less time than before. */
static void test_a_shorter_life_counts(void **state)
{
	struct to_bpf_entry there = copy_of(&base), merged;
	struct to_entry old = base;

	(void)state;
	old.expires = NOW + 1;
	old.life = 1;
	assert_true(to_xdp_merge(TO_PIN4, false, NOW, &old, &there, &merged));
	assert_int_equal(merged.e.expires, NOW + 1);
	old.expires = NOW; /* dead */
	assert_true(to_xdp_merge(TO_PIN4, false, NOW, &old, &there, &merged));
	assert_int_equal(merged.e.expires, NOW);
}

/* Each end closes by another interface. */
static void test_both_have_closed(void **state)
{
	struct to_bpf_entry there = copy_of(&base), merged;
	struct to_entry old = base;

	(void)state;
	old.tcp = TO_TCP_FIN_CLIENT;
	old.expires = NOW + 200;
	there.e.tcp = TO_TCP_FIN_EDGE;
	there.e.expires = NOW + 190;
	assert_true(to_xdp_merge(TO_PIN4, true, NOW, &old, &there, &merged));
	assert_int_equal(merged.e.tcp, TO_TCP_FIN_CLIENT | TO_TCP_FIN_EDGE);
	assert_int_equal(merged.e.expires, NOW + 200);
	old.tcp = TO_TCP_OPENING; /* it is open as soon as one knows it is */
	there.e.tcp = 0;
	assert_true(to_xdp_merge(TO_PIN4, true, NOW, &old, &there, &merged));
	assert_int_equal(merged.e.tcp, 0);
}

static void test_answered_here_renewed_there(void **state)
{
	struct to_bpf_entry there = copy_of(&base), merged;
	struct to_entry old = base;

	(void)state;
	old.flags |= TO_ENTRY_ESTABLISHED;
	old.life = IDLE;
	old.expires = NOW + IDLE;
	there.e.expires += 3;
	assert_true(to_xdp_merge(TO_DIALOG, false, NOW, &old, &there, &merged));
	assert_true(merged.e.flags & TO_ENTRY_ESTABLISHED);
	assert_int_equal(merged.e.life, IDLE);
	assert_int_equal(merged.e.expires, NOW + IDLE);
}

static void test_a_port_is_learned(void **state)
{
	struct to_bpf_entry there = copy_of(&base), merged;
	struct to_entry old = base;

	(void)state;
	old.tcp = 1 + 4;
	old.aux = 50000;
	there.e.expires += 3;
	assert_true(to_xdp_merge(TO_PIN4, false, NOW, &old, &there, &merged));
	assert_int_equal(merged.e.tcp, 1 + 4);
	assert_int_equal(merged.e.aux, 50000);
	assert_int_equal(merged.e.expires, there.e.expires);
}

static void test_affinity_counts_both(void **state)
{
	struct to_entry was = base, old;
	struct to_bpf_entry there, merged;

	(void)state;
	was.aux = 2;
	there = copy_of(&was);
	old = was;
	old.aux = 3;
	there.e.aux = 3;
	assert_true(to_xdp_merge(TO_AFFINITY, false, NOW, &old, &there, &merged));
	assert_int_equal(merged.e.aux, 4);
	old.aux = 0; /* closed there, opened here */
	assert_true(to_xdp_merge(TO_AFFINITY, false, NOW, &old, &there, &merged));
	assert_true(merged.e.aux >= 1);
}

static void test_another_flow_has_come(void **state)
{
	struct to_bpf_entry there = copy_of(&base), merged;
	struct to_entry old = base;

	(void)state;
	old.expires = NOW; /* it is over in the old one, and begun anew in the new one */
	there.e.edge = 1;
	assert_false(to_xdp_merge(TO_PIN4, true, NOW, &old, &there, &merged));
}

/* No mark means something else to the program. */
static void test_marks(void **state)
{
	struct to_entry e = base;

	(void)state;
	for (unsigned i = 0; i < 10000; i++) {
		e.expires++;
		assert_int_equal(to_xdp_copy_mark(&e) & TO_BPF_MOVED, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_has_happened),
		cmocka_unit_test(test_old_one_has_changed),
		cmocka_unit_test(test_a_shorter_life_counts),
		cmocka_unit_test(test_both_have_closed),
		cmocka_unit_test(test_answered_here_renewed_there),
		cmocka_unit_test(test_a_port_is_learned),
		cmocka_unit_test(test_affinity_counts_both),
		cmocka_unit_test(test_another_flow_has_come),
		cmocka_unit_test(test_marks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
