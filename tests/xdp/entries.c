/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The program's entries on one CPU, promise by promise: what displaces what, what stays, when
 * something is dead and who frees it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "site.h"
#include "xdp_entries.h"

#define RING   8
#define PROVEN 32
#define NOW    1000u

/* A step goes on in whole batches, each of whole buckets. */
#define STEP_LEAST 256u
#define STEP_MORE  512u

static struct rig rig;
static struct site site;

static int begin(void **state)
{
	(void)state;
	rig_empty(&rig);
	rig_clock(&rig, NOW);
	rig_publish(&rig, site.legacy);
	return 0;
}

/* What becomes of a frame that is already in `f`. */
static int pushed(struct rig_frame *f)
{
	rig_push(&rig, f);
	return rig_egress(f);
}

static int opened(enum site_sort sort, unsigned n)
{
	struct rig_frame f;

	site_open(&f, sort, n);
	return pushed(&f);
}

static int more(enum site_sort sort, unsigned n)
{
	struct rig_frame f;

	site_more(&f, sort, n);
	return pushed(&f);
}

/* The edge's answer: is it recognised as one? */
static bool answered(enum site_sort sort, unsigned n, int edge)
{
	struct rig_frame f;

	site_answer(&f, sort, n, (unsigned)edge);
	return pushed(&f) == RIG_OUT && site_is_from_vip(&f);
}

static bool is_live(enum site_sort sort, unsigned n, bool proven, uint32_t now)
{
	struct to_bpf_entry e;

	return site_entry(&rig, sort, n, proven, &e) && now < e.e.expires;
}

/* How many entries one flow makes that is not proven. */
static unsigned entries_of(enum site_sort sort)
{
	return sort == SITE_CALL || sort == SITE_FRAGMENT ? 2 : 1;
}

/* Of flows from `first` to `last`, those of the last RING are there, and no others. */
static void assert_newest(enum site_sort sort, unsigned first, unsigned last)
{
	for (unsigned n = first; n <= last; n++) {
		bool there = is_live(sort, n, false, NOW), wanted = n + RING > last;

		if (there != wanted)
			fail_msg("%s: after flow %u, flow %u is %s", site_sort_name(sort), last, n,
				 there ? "there" : "not there");
	}
}

static void flood(enum site_sort sort)
{
	const unsigned held = 5, first = 100, n = 50;
	enum site_sort established = sort == SITE_FRAGMENT ? SITE_UDP4 : sort;
	int edge[5];

	begin(NULL);
	for (unsigned i = 0; i < held; i++)
		edge[i] = site_establish(&rig, established, i);
	for (unsigned i = first; i < first + n; i++) {
		assert_in_range(opened(sort, i), 0, 1);
		assert_newest(sort, first, i);
	}
	/* a ring's worth found places that were free, or held what had been proven */
	assert_int_equal(rig_event(&rig, TO_EVENT_DISPLACED), (n - RING) * entries_of(sort));
	assert_int_equal(rig_event(&rig, TO_EVENT_ENTRY_LOST), 0);
	rig_publish(&rig, site.fresh);
	for (unsigned i = 0; i < held; i++) {
		assert_true(is_live(established, i, true, NOW));
		assert_int_equal(more(established, i), edge[i]);
	}
	assert_in_range(opened(sort, first), 2, 3); /* displaced: new again */
	assert_in_range(opened(sort, first + n - 1), 0, 1);
}

static void test_oldest_unproven_makes_room(void **state)
{
	(void)state;
	for (int sort = 0; sort < SITE_SORTS; sort++)
		flood((enum site_sort)sort);
}

/* Fragments of what is proven are proven themselves, and no flood of others touches them. */
static void test_proven_fragments_stay(void **state)
{
	int edge = site_establish(&rig, SITE_UDP4, 0);
	struct to_bpf_entry e;
	struct rig_frame f;

	(void)state;
	site_open(&f, SITE_FRAGMENT, 0); /* the client of both is one, and so are the ports */
	assert_int_equal(pushed(&f), edge);
	assert_true(site_entry(&rig, SITE_FRAGMENT, 0, true, &e));
	for (unsigned i = 100; i < 100 + 3 * RING; i++)
		opened(SITE_FRAGMENT, i);
	assert_true(is_live(SITE_FRAGMENT, 0, true, NOW));
}

/* What is dead makes room as well, and nothing was displaced then. */
static void test_dead_ones_are_not_displaced(void **state)
{
	(void)state;
	for (unsigned i = 0; i < RING; i++)
		opened(SITE_TCP4, i);
	rig_clock(&rig, NOW + 10);
	for (unsigned i = 100; i < 100 + RING; i++)
		opened(SITE_TCP4, i);
	assert_int_equal(rig_event(&rig, TO_EVENT_DISPLACED), 0);
	assert_int_equal(rig_event(&rig, TO_EVENT_RECLAIMED), RING);
}

/* An entry that has been proven has left: its old place is no dead entry's. */
static void test_proof_leaves_nothing_to_reclaim(void **state)
{
	(void)state;
	for (unsigned i = 0; i < RING; i++)
		site_establish(&rig, SITE_TCP4, i);
	for (unsigned i = 100; i < 100 + RING; i++)
		opened(SITE_TCP4, i);
	assert_int_equal(rig_event(&rig, TO_EVENT_PROVEN), RING);
	assert_int_equal(rig_event(&rig, TO_EVENT_DISPLACED), 0);
	assert_int_equal(rig_event(&rig, TO_EVENT_RECLAIMED), 0);
}

/* A flow that begins again has a new place in the order; nobody displaces it by its old one. */
static void test_entry_made_anew_is_young(void **state)
{
	(void)state;
	opened(SITE_TCP4, 0);
	rig_clock(&rig, NOW + 10);
	opened(SITE_TCP4, 0);
	for (unsigned i = 100; i < 100 + RING - 1; i++)
		opened(SITE_TCP4, i);
	assert_true(is_live(SITE_TCP4, 0, false, NOW + 10));
	opened(SITE_TCP4, 200);
	assert_false(is_live(SITE_TCP4, 0, false, NOW + 10));
}

static void test_full_leaves_it_unproven(void **state)
{
	const unsigned last = 2 * PROVEN; /* even: the long service */
	int edge;

	(void)state;
	for (unsigned i = 0; i < PROVEN; i++)
		site_establish(&rig, SITE_TCP4, 2 * i);
	assert_int_equal(rig_event(&rig, TO_EVENT_TABLE_FULL), 0);
	edge = opened(SITE_TCP4, last);
	assert_true(answered(SITE_TCP4, last, edge));
	assert_int_equal(rig_event(&rig, TO_EVENT_TABLE_FULL), 1);
	assert_int_equal(rig_event(&rig, TO_EVENT_PROVEN), PROVEN);
	assert_true(is_live(SITE_TCP4, last, false, NOW));
	assert_false(is_live(SITE_TCP4, last, true, NOW));

	rig_publish(&rig, site.fresh); /* the verdict stands while the entry lives */
	assert_int_equal(more(SITE_TCP4, last), edge);
	assert_true(answered(SITE_TCP4, last, edge));
	rig_clock(&rig, NOW + 10);
	assert_in_range(opened(SITE_TCP4, last), 2, 3);
	assert_false(answered(SITE_TCP4, last, edge));
}

/* By as many steps as surely go through everything twice. */
static unsigned swept(uint32_t now, uint32_t most, unsigned entries)
{
	unsigned steps = 2 * (entries / STEP_LEAST + TO_ENTRY_KIND_COUNT), freed = 0;
	struct to_xdp_sweep sweep = {0};

	for (unsigned i = 0; i < steps; i++) {
		int n = to_xdp_sweep(&rig.xdp, &sweep, now, most);

		assert_in_range(n, 0, most + STEP_MORE);
		freed += (unsigned)n;
	}
	return freed;
}

static void test_place_of_the_dead_is_given_again(void **state)
{
	int edge;

	(void)state;
	for (unsigned i = 0; i < PROVEN; i++)
		site_establish(&rig, SITE_TCP4, 2 * i + 1); /* the short service */
	rig_clock(&rig, NOW + SITE_SHORT);
	edge = opened(SITE_TCP4, 200);
	assert_true(answered(SITE_TCP4, 200, edge));
	assert_int_equal(rig_event(&rig, TO_EVENT_TABLE_FULL), 1);
	assert_int_equal(swept(NOW + SITE_SHORT, 64, PROVEN), 0); /* dead for less than a while */
	assert_int_equal(swept(NOW + SITE_SHORT + TO_BPF_GRACE, 64, PROVEN), PROVEN);
	assert_int_equal(rig_event(&rig, TO_EVENT_RECLAIMED), PROVEN);
	assert_true(answered(SITE_TCP4, 200, edge));
	assert_true(is_live(SITE_TCP4, 200, true, NOW + SITE_SHORT));
}

/* Nobody has swept, and it is dead all the same. */
static void test_dead_is_a_matter_of_time(void **state)
{
	int edge = site_establish(&rig, SITE_TCP4, 1);

	(void)state;
	rig_publish(&rig, site.fresh);
	rig_clock(&rig, NOW + SITE_SHORT - 1);
	assert_int_equal(more(SITE_TCP4, 1), edge);
	rig_clock(&rig, NOW + 2 * SITE_SHORT - 2);
	assert_int_equal(more(SITE_TCP4, 1), edge);
	rig_clock(&rig, NOW + 3 * SITE_SHORT - 2);
	assert_false(answered(SITE_TCP4, 1, edge));
	assert_in_range(opened(SITE_TCP4, 1), 2, 3);
}

/* The dead entry's place, before anybody sweeps. */
static void test_dead_one_is_replaced_in_its_place(void **state)
{
	int before = site_establish(&rig, SITE_TCP4, 1), after;
	struct to_bpf_entry e;

	(void)state;
	rig_publish(&rig, site.fresh);
	rig_clock(&rig, NOW + SITE_SHORT);
	after = site_establish(&rig, SITE_TCP4, 1);
	assert_int_not_equal(before, after);
	assert_true(site_entry(&rig, SITE_TCP4, 1, true, &e));
	assert_int_equal(e.e.edge, after);
	assert_int_equal(swept(NOW + SITE_SHORT + TO_BPF_GRACE, 64, PROVEN), 0);
	assert_int_equal(more(SITE_TCP4, 1), after);
}

/* A key that does not fit the entry which is found under it: the place was reused meanwhile. */
static void test_tag_must_fit(void **state)
{
	int edge = site_establish(&rig, SITE_TCP4, 0);
	int fd = bpf_map__fd(to_xdp_entries(&rig.xdp, TO_PIN4, true));
	struct to_bpf_entry e;
	struct to_key key;

	(void)state;
	rig_publish(&rig, site.fresh);
	assert_int_equal(more(SITE_TCP4, 0), edge);
	assert_int_equal(bpf_map_get_next_key(fd, NULL, &key), 0);
	assert_int_equal(bpf_map_lookup_elem(fd, &key, &e), 0);
	e.tag ^= 1;
	assert_int_equal(bpf_map_update_elem(fd, &key, &e, BPF_EXIST), 0);
	assert_in_range(opened(SITE_TCP4, 0), 2, 3);
}

static uint64_t count(enum to_entry_kind kind, bool proven, uint32_t now)
{
	uint64_t n;

	assert_int_equal(to_xdp_entries_count(&rig.xdp, kind, proven, now, &n), 0);
	return n;
}

static void test_count(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 10; i++)
		site_establish(&rig, SITE_TCP4, i);
	for (unsigned i = 0; i < 7; i++)
		site_establish(&rig, SITE_UDP6, i);
	for (unsigned i = 100; i < 104; i++)
		opened(SITE_TCP4, i);
	for (unsigned i = 0; i < 3; i++)
		opened(SITE_CALL, i);
	assert_int_equal(count(TO_PIN4, true, NOW), 10);
	assert_int_equal(count(TO_PIN6, true, NOW), 7);
	assert_int_equal(count(TO_PIN4, false, NOW), 4); /* not those that were proven */
	assert_int_equal(count(TO_PIN6, false, NOW), 0);
	assert_int_equal(count(TO_DIALOG, false, NOW), 3);
	assert_int_equal(count(TO_TRANSACTION, false, NOW), 3);
	assert_int_equal(count(TO_AFFINITY, false, NOW), 0);
	assert_int_equal(count(TO_PIN4, true, NOW + SITE_SHORT), 5);
	assert_int_equal(count(TO_PIN4, false, NOW + 10), 0);
}

/* A process that moves entries may die, and none may come after it: packets are not held for ever.
 */
static void test_a_move_holds_for_a_time(void **state)
{
	struct to_bpf_control *control = rig.xdp.control;

	(void)state;
	__atomic_store_n(&control->moving, NOW + 10, __ATOMIC_RELEASE);
	assert_int_equal(more(SITE_TCP4, 0), RIG_NOBODY);
	assert_int_not_equal(opened(SITE_TCP4, 1), RIG_NOBODY);
	rig_clock(&rig, NOW + 10);
	assert_int_not_equal(more(SITE_TCP4, 0), RIG_NOBODY);
	__atomic_store_n(&control->moving, 0, __ATOMIC_RELEASE);
}

static int any(uint32_t now)
{
	return to_xdp_entries_any(&rig.xdp, now);
}

static void test_any(void **state)
{
	(void)state;
	assert_int_equal(any(NOW), 0);
	opened(SITE_UDP6, 0);
	assert_int_equal(any(NOW), 1); /* not proven, and may be any moment */
	assert_int_equal(any(NOW + 10), 0);
	site_establish(&rig, SITE_TCP4, 0);
	assert_int_equal(any(NOW + 10), 1);
	assert_int_equal(any(NOW + 65535), 0); /* what is dead stands in nobody's way */
}

static int open_small(void **state)
{
	struct to_xdp_sizes sizes = rig_sizes(PROVEN, RING);

	(void)state;
	rig_open(&rig, &sizes, true);
	return 0;
}

static int close_rig(void **state)
{
	(void)state;
	rig_close(&rig);
	return 0;
}

#define MANY 6000

static int open_large(void **state)
{
	struct to_xdp_sizes sizes = rig_sizes(MANY, 256);

	(void)state;
	rig_open(&rig, &sizes, true);
	return 0;
}

/* Half of them die. A step looks at as many as it is told, and at a batch more at most. */
static void test_sweep_frees_the_dead_and_no_others(void **state)
{
	const uint32_t later = NOW + SITE_SHORT + TO_BPF_GRACE;

	(void)state;
	for (unsigned i = 0; i < MANY; i++)
		site_establish(&rig, SITE_TCP4, i);
	for (unsigned i = 0; i < 100; i++)
		site_establish(&rig, SITE_TCP6, i);
	assert_int_equal(swept(NOW + SITE_SHORT + 1, 512, MANY), 0);
	assert_int_equal(swept(later, 1, MANY), MANY / 2 + 50);
	assert_int_equal(swept(later, 1, MANY), 0);
	for (unsigned i = 0; i < MANY; i++) {
		struct to_bpf_entry e;

		assert_int_equal(site_entry(&rig, SITE_TCP4, i, true, &e), i % 2 == 0);
	}
	assert_int_equal(count(TO_PIN4, true, later), MANY / 2);
	assert_int_equal(count(TO_PIN6, true, later), 50);
	assert_int_equal(rig_event(&rig, TO_EVENT_RECLAIMED), MANY / 2 + 50);
}

int main(void)
{
	const struct CMUnitTest small[] = {
		cmocka_unit_test_setup(test_oldest_unproven_makes_room, begin),
		cmocka_unit_test_setup(test_proven_fragments_stay, begin),
		cmocka_unit_test_setup(test_dead_ones_are_not_displaced, begin),
		cmocka_unit_test_setup(test_proof_leaves_nothing_to_reclaim, begin),
		cmocka_unit_test_setup(test_entry_made_anew_is_young, begin),
		cmocka_unit_test_setup(test_full_leaves_it_unproven, begin),
		cmocka_unit_test_setup(test_place_of_the_dead_is_given_again, begin),
		cmocka_unit_test_setup(test_dead_is_a_matter_of_time, begin),
		cmocka_unit_test_setup(test_dead_one_is_replaced_in_its_place, begin),
		cmocka_unit_test_setup(test_tag_must_fit, begin),
		cmocka_unit_test_setup(test_count, begin),
		cmocka_unit_test_setup(test_any, begin),
		cmocka_unit_test_setup(test_a_move_holds_for_a_time, begin),
	};
	const struct CMUnitTest large[] = {
		cmocka_unit_test_setup(test_sweep_frees_the_dead_and_no_others, begin),
	};
	int failed;

	rig_stay_on(rig_two_cpus().cpu[0]); /* so that there is one ring */
	site_make(&site);
	failed = cmocka_run_group_tests_name("entries", small, open_small, close_rig) +
		 cmocka_run_group_tests_name("sweeps", large, open_large, close_rig);
	site_free(&site);
	return failed != 0;
}
