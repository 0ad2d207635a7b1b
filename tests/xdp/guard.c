/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The guard of SIP messages in the program: beside a flood of long junk, media and whom an edge has
 * answered go on; by the program's own clock, and by one that stands.
 */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <linux/bpf.h>

#include "frame.h"
#include "site.h"
#include "tables.h"
#include "xdp_counters.h"
#include "xdp_guard.h"

#define NOW     1000u
#define RATE    1000u /* kB a second */
#define JUNK    900u
#define BURST   (RATE * 20 / (JUNK + 100) + 1) /* of one moment */
#define CALLS   8u
#define FLOOD   5000u
#define SERVICE 3 /* of the site's, the last one: sip */

static struct rig rig;
static struct site site;

static bool is_steered(const struct rig_frame *f)
{
	return rig_egress(f) >= 0;
}

/* Long, without a Call-ID, each from somebody else. True: it was read. */
static bool junk(unsigned n)
{
	union to_addr client = frame_v4(1, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n);
	static char text[JUNK] = "INVITE sip:a@b SIP/2.0\r\nVia: ";
	union to_addr vip = frame_addr("203.0.113.1");
	static struct frame_spec s;
	struct rig_frame f;

	memset(text + 30, 'x', sizeof(text) - 30);
	frame_init(&s, &client, &vip, IPPROTO_UDP_, 5060, 5060);
	frame_set_payload(&s, text, sizeof(text));
	f.len = frame_build(&s, f.data);
	rig_push(&rig, &f);
	if (!is_steered(&f) && f.code != XDP_DROP)
		rig_fail("junk is neither steered nor dropped, but %d", f.code);
	return is_steered(&f);
}

static uint64_t refused(void)
{
	struct to_counters *c = to_xdp_counters_new();
	uint64_t n;

	assert_non_null(c);
	assert_int_equal(to_xdp_counters_read(&rig.xdp, c), 0);
	n = c->cell[to_counters_cell(SERVICE, TO_CLASS_SIP, TO_NO_INDEX, TO_REASON_SIP_RATE)]
		    .packets;
	to_xdp_counters_free(c);
	return n;
}

static int pushed(void (*make)(struct rig_frame *, enum site_sort, unsigned), enum site_sort sort,
		  unsigned n)
{
	struct rig_frame f;

	make(&f, sort, n);
	rig_push(&rig, &f);
	return rig_egress(&f);
}

static void open_rig(bool replay, uint32_t rate)
{
	struct to_xdp_sizes sizes = rig_sizes(1024, 1024);

	rig_open(&rig, &sizes, replay);
	rig_clock(&rig, NOW);
	rig_publish(&rig, site.legacy);
	assert_int_equal(to_xdp_guard_begin(&rig.xdp, rate), 0);
}

/* Calls and media, both answered; from then on a new flow goes to another pool. */
static void establish(int call_edge[CALLS], int media_edge[CALLS])
{
	for (unsigned n = 0; n < CALLS; n++) {
		rig_clock(&rig, NOW + n);
		call_edge[n] = site_establish(&rig, SITE_CALL, n);
		media_edge[n] = site_establish(&rig, SITE_UDP4, n);
	}
	rig_clock(&rig, NOW + 60);
	rig_publish(&rig, site.fresh);
}

/* Returns how many of the flood were read. */
static unsigned flood(const int call_edge[CALLS], const int media_edge[CALLS])
{
	unsigned read = 0;

	for (unsigned i = 0; i < FLOOD; i++) {
		unsigned n = i / 10 % CALLS;

		read += junk(i);
		if (i % 10)
			continue;
		assert_int_equal(pushed(site_more, SITE_UDP4, n), media_edge[n]);
		if (i % 1000 == 0)
			assert_int_equal(pushed(site_more, SITE_CALL, n), call_edge[n]);
	}
	return read;
}

static void test_a_moment(void **unused)
{
	int call_edge[CALLS], media_edge[CALLS];

	(void)unused;
	open_rig(true, RATE);
	establish(call_edge, media_edge);
	assert_int_equal(flood(call_edge, media_edge), BURST);
	assert_int_equal(refused(), FLOOD - BURST);
	assert_int_equal(pushed(site_open, SITE_CALL, CALLS), RIG_NOBODY); /* a stranger's */
	assert_true(pushed(site_open, SITE_UDP4, CALLS) >= 0);
	assert_true(pushed(site_open, SITE_TCP4, CALLS) >= 0);
	rig_clock(&rig, NOW + 61);
	assert_true(pushed(site_open, SITE_CALL, CALLS) >= 0);
	rig_close(&rig);
}

static void test_no_guard(void **unused)
{
	int call_edge[CALLS], media_edge[CALLS];

	(void)unused;
	open_rig(true, 0);
	establish(call_edge, media_edge);
	assert_int_equal(flood(call_edge, media_edge), FLOOD);
	assert_int_equal(refused(), 0);
	rig_close(&rig);
}

/* The buckets of all and the sources are forgotten, for a replay that goes over the same time. */
static void test_begin(void **unused)
{
	int call_edge[CALLS], media_edge[CALLS];

	(void)unused;
	open_rig(true, RATE);
	establish(call_edge, media_edge);
	flood(call_edge, media_edge);
	assert_int_equal(to_xdp_guard_begin(&rig.xdp, RATE), 0);
	for (unsigned i = 0; i < BURST; i++)
		assert_true(junk(i));
	assert_false(junk(0));
	assert_int_equal(pushed(site_more, SITE_CALL, 0), RIG_NOBODY);
	rig_close(&rig);
}

/* By the kernel's clock: as much as the time that it took, and a burst; not a second's all at once.
 */
static void test_clock(void **unused)
{
	uint64_t begin, took;
	unsigned read;

	(void)unused;
	open_rig(false, RATE);
	begin = rig_nanoseconds();
	read = 0;
	for (unsigned i = 0; i < 4 * FLOOD || read < 2 * BURST; i++)
		read += junk(i);
	took = rig_nanoseconds() - begin;
	print_message("%u of the junk read in %llu us\n", read, (unsigned long long)took / 1000);
	assert_true(read <= BURST + 1 + took * RATE / 1000000 / (JUNK + 100));
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_moment),
		cmocka_unit_test(test_no_guard),
		cmocka_unit_test(test_begin),
		cmocka_unit_test(test_clock),
	};
	int failed;

	rig_stay_on(sched_getcpu()); /* strangers' bucket is a CPU's */
	site_make(&site);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	site_free(&site);
	return failed;
}
