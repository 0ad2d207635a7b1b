/* SPDX-License-Identifier: BSD-3-Clause */
/* The clock that live packets are decided by: CLOCK_BOOTTIME, also after a suspension. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include <turnout/limits.h>

#include "site.h"
#include "turnout.skel.h"

#define SLEPT 5000u /* seconds */

static struct rig rig;
static struct site site;

static uint32_t boottime(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint32_t)ts.tv_sec;
}

/* When the packet was decided that has opened flow `n`. */
static uint32_t decided_at(unsigned n)
{
	static const uint8_t own[6] = {2, 0, 0, 0, 0, 0x10}; /* of the rig's port */
	struct to_bpf_entry e;
	struct rig_frame f;

	site_open(&f, SITE_UDP4, n);
	memcpy(f.data, own, sizeof(own));
	rig_push(&rig, &f);
	assert_true(rig_egress(&f) >= 0);
	assert_true(site_entry(&rig, SITE_UDP4, n, false, &e));
	return e.e.expires - TO_UNPROVEN_LIFE;
}

/* As exact as the kernel's tick. */
static void assert_decided_now(unsigned n, uint32_t slept)
{
	uint32_t before = boottime() + slept, at = decided_at(n), after = boottime() + slept;

	assert_in_range(at, before - 1, after);
}

static void test_boottime(void **state)
{
	(void)state;
	assert_decided_now(1, 0);
}

static void test_suspension(void **state)
{
	(void)state;
	rig.xdp.skel->bss->slept_ns += SLEPT * 1000000000ull;
	assert_decided_now(2, SLEPT);
	to_xdp_set_clock(&rig.xdp);
	assert_decided_now(3, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_boottime),
		cmocka_unit_test(test_suspension),
	};
	struct to_xdp_sizes sizes = rig_sizes(16, 16);
	int rc;

	rig_open(&rig, &sizes, false);
	site_make(&site);
	rig_publish(&rig, site.legacy);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	site_free(&site);
	rig_close(&rig);
	return rc;
}
