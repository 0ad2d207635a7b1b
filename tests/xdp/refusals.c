/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the kernel refuses, and what another CPU has done a moment before: nothing stays claimed for
 * ever, nothing is lost or counted twice.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <linux/bpf.h>

#include "site.h"
#include "turnout.skel.h"
#include "xdp_entries.h"

#define RING   8
#define PROVEN 32
#define NOW    1000u
#define DEAD   (NOW + SITE_IDLE + TO_BPF_GRACE)

static struct rig rig;
static struct site site;

static int begin(void **state)
{
	(void)state;
	rig.xdp.skel->bss->stuck = 0;
	rig.xdp.skel->bss->too_late = 0;
	rig.xdp.skel->bss->no_room = 0;
	rig_empty(&rig);
	rig_clock(&rig, NOW);
	rig_publish(&rig, site.legacy);
	return 0;
}

static int opened(enum site_sort sort, unsigned n)
{
	struct rig_frame f;

	site_open(&f, sort, n);
	rig_push(&rig, &f);
	return rig_egress(&f);
}

static int more(enum site_sort sort, unsigned n)
{
	struct rig_frame f;

	site_more(&f, sort, n);
	rig_push(&rig, &f);
	return rig_egress(&f);
}

static bool answered(enum site_sort sort, unsigned n, int edge)
{
	struct rig_frame f;

	site_answer(&f, sort, n, (unsigned)edge);
	rig_push(&rig, &f);
	return rig_egress(&f) == RIG_OUT && site_is_from_vip(&f);
}

/* Everything, and more. */
static unsigned swept(uint32_t now)
{
	struct to_xdp_sweep sweep = {0};
	unsigned freed = 0;

	for (unsigned i = 0; i < 2 * TO_ENTRY_KIND_COUNT; i++) {
		int n = to_xdp_sweep(&rig.xdp, &sweep, now, PROVEN);

		assert_true(n >= 0);
		freed += (unsigned)n;
	}
	return freed;
}

static void test_dead_entry_that_is_not_deleted_is_later(void **state)
{
	(void)state;
	for (unsigned i = 0; i < PROVEN; i++)
		site_establish(&rig, i % 2 ? SITE_TCP6 : SITE_TCP4, i);
	rig.xdp.skel->bss->stuck = 1;
	assert_int_equal(swept(DEAD), 0);
	assert_int_equal(rig_entries(&rig, TO_PIN4, true), PROVEN / 2);
	rig.xdp.skel->bss->stuck = 0;
	assert_int_equal(swept(DEAD), PROVEN);
	assert_int_equal(rig_entries(&rig, TO_PIN4, true), 0);
	assert_int_equal(rig_event(&rig, TO_EVENT_RECLAIMED), PROVEN);
}

/* Nor is its key lost to the client who comes back meanwhile. */
static void test_its_key_can_be_had_again(void **state)
{
	struct to_bpf_entry e;
	int edge;

	(void)state;
	site_establish(&rig, SITE_TCP4, 0);
	rig.xdp.skel->bss->stuck = 1;
	assert_int_equal(swept(DEAD), 0);
	rig_clock(&rig, DEAD);
	edge = opened(SITE_TCP4, 0);
	assert_true(answered(SITE_TCP4, 0, edge));
	assert_int_equal(rig_event(&rig, TO_EVENT_TABLE_FULL), 0);
	assert_true(site_entry(&rig, SITE_TCP4, 0, true, &e));
	assert_true(DEAD < e.e.expires);
}

static void test_oldest_that_is_not_deleted_stays(enum site_sort sort)
{
	int edge[RING];

	begin(NULL);
	for (unsigned i = 0; i < RING; i++)
		edge[i] = opened(sort, i);
	rig.xdp.skel->bss->stuck = 1;
	assert_in_range(opened(sort, 100), 0, 1); /* decided, and not remembered */
	assert_int_equal(rig_event(&rig, TO_EVENT_ENTRY_LOST), sort == SITE_CALL ? 2 : 1);
	assert_int_equal(rig_event(&rig, TO_EVENT_DISPLACED), 0);
	rig.xdp.skel->bss->stuck = 0;
	rig_publish(&rig, site.fresh);
	for (unsigned i = 0; i < RING; i++)
		assert_int_equal(more(sort, i), edge[i]);
	assert_in_range(more(sort, 100), 2, 3);
	/* and all of them make room when it is their turn */
	for (unsigned i = 200; i < 200 + 2 * RING; i++)
		opened(sort, i);
	assert_int_equal(rig_entries(&rig, site_kind(sort), false), RING);
}

static void test_oldest_stays(void **state)
{
	(void)state;
	test_oldest_that_is_not_deleted_stays(SITE_UDP4);
	test_oldest_that_is_not_deleted_stays(SITE_UDP6);
}

/* Two CPUs have the first packets of one flow. */
static void test_made_by_another_cpu(void **state)
{
	int edge;

	(void)state;
	rig.xdp.skel->bss->too_late = 1;
	edge = opened(SITE_TCP4, 0);
	rig.xdp.skel->bss->too_late = 0;
	assert_int_equal(rig_event(&rig, TO_EVENT_ENTRY_LOST), 0);
	rig_publish(&rig, site.fresh);
	assert_int_equal(more(SITE_TCP4, 0), edge);
	for (unsigned i = 100; i < 100 + 2 * RING; i++)
		opened(SITE_TCP4, i);
	assert_int_equal(rig_entries(&rig, TO_PIN4, false), RING);
}

/* Two CPUs have its first answers: it is the other one's to count, and to tell the affinity. */
static void proven_by_another_cpu(enum site_sort sort)
{
	struct to_bpf_entry e;
	int edge;

	begin(NULL);
	edge = opened(sort, 0);
	rig.xdp.skel->bss->too_late = 1;
	assert_true(answered(sort, 0, edge));
	rig.xdp.skel->bss->too_late = 0;
	assert_int_equal(rig_event(&rig, TO_EVENT_TABLE_FULL), 0);
	assert_int_equal(rig_event(&rig, TO_EVENT_PROVEN), 0);
	assert_true(site_entry(&rig, sort, 0, true, &e));
	assert_int_equal(e.e.edge, edge);
	rig_publish(&rig, site.fresh);
	assert_int_equal(more(sort, 0), edge);
}

static void test_proven_by_another_cpu(void **state)
{
	(void)state;
	for (int sort = 0; sort < SITE_FRAGMENT; sort++)
		proven_by_another_cpu((enum site_sort)sort);
}

/* It is not the next hop's fault. */
static void test_frame_without_room(void **state)
{
	struct rig_frame f;

	(void)state;
	site_open(&f, SITE_TCP4, 0);
	f.len += 6; /* Ethernet's padding, which does not go on */
	rig.xdp.skel->bss->no_room = 1;
	rig_push(&rig, &f);
	assert_int_equal(f.code, XDP_DROP);
	assert_int_equal(rig_event(&rig, TO_EVENT_NO_ROOM), 1);
	assert_int_equal(rig_event(&rig, TO_EVENT_NO_NEXTHOP), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_dead_entry_that_is_not_deleted_is_later, begin),
		cmocka_unit_test_setup(test_its_key_can_be_had_again, begin),
		cmocka_unit_test_setup(test_oldest_stays, begin),
		cmocka_unit_test_setup(test_made_by_another_cpu, begin),
		cmocka_unit_test_setup(test_proven_by_another_cpu, begin),
		cmocka_unit_test_setup(test_frame_without_room, begin),
	};
	struct to_xdp_sizes sizes = rig_sizes(PROVEN, RING);
	int failed;

	rig_stay_on(rig_two_cpus().cpu[0]); /* so that there is one ring */
	site_make(&site);
	rig_open(&rig, &sizes, true);
	failed = cmocka_run_group_tests_name("refusals", tests, NULL, NULL);
	rig_close(&rig);
	site_free(&site);
	return failed != 0;
}
