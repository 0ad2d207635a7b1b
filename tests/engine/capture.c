/* SPDX-License-Identifier: BSD-3-Clause */
/* Which packets take part in a capture, and the ring by which a worker's reach their reader. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/capture_ring.h"

#define NOW    1000
#define FRAMES 200000 /* between two threads */

static struct to_capture what;
static struct to_packet k;

/* All packets, and one of them. */
static void begin(void)
{
	what = (struct to_capture){.filter = {.sample = 1, .proto = TO_NO_INDEX},
				   .serial = 1,
				   .until = NOW + 10,
				   .rate = TO_CAPTURE_RATE,
				   .snap = TO_CAPTURE_SNAP};
	k = (struct to_packet){.src = to_addr_v4((to_be32){0x0764c6c6}),
			       .dst = to_addr_v4((to_be32){0x6471cb00}),
			       .sport = to_net16(1000),
			       .dport = to_net16(443),
			       .family = TO_IP4,
			       .proto = TO_TCP,
			       .flags = TO_PKT_PORTS,
			       .now = NOW,
			       .out = {.verdict = TO_VERDICT_STEER,
				       .reason = TO_REASON_PIN,
				       .service = 63,
				       .edge = 2}};
}

static bool takes(void)
{
	what.mask = to_capture_mask(what.filter.prefix);
	return to_capture_takes(&what, &k);
}

static void test_what_was_decided(void **state)
{
	(void)state;
	begin();
	assert_true(takes());
	what.filter.edges = 1u << 3;
	assert_false(takes());
	what.filter.edges |= 1u << 2;
	assert_true(takes());
	k.out.edge = TO_NO_INDEX;
	assert_false(takes());
	what.filter.edges = 0;
	what.filter.services = 1ull << 63;
	assert_true(takes());
	k.out.service = TO_NO_INDEX;
	assert_false(takes());
	begin();
	what.filter.verdicts = 1u << TO_VERDICT_DROP | 1u << TO_VERDICT_STEER;
	what.filter.reasons = 1ull << TO_REASON_PIN;
	assert_true(takes());
	k.out.reason = TO_REASON_TOO_BIG;
	assert_false(takes());
}

static void test_headers(void **state)
{
	(void)state;
	begin();
	what.filter.port = 443;
	what.filter.proto = TO_TCP;
	assert_true(takes());
	k.sport = k.dport;
	k.dport = to_net16(1000);
	assert_true(takes());
	k.sport = k.dport;
	assert_false(takes());
	begin();
	what.filter.proto = TO_UDP;
	assert_false(takes());
	what.filter.proto = TO_TCP;
	k.flags = 0; /* a later fragment, ICMP: whatever is where ports would be */
	assert_false(takes());
	begin();
	what.filter.port = 443;
	k.family = TO_NO_FAMILY; /* nothing of it was read */
	assert_false(takes());
	what.filter.port = 0;
	assert_true(takes());
}

static void test_clients(void **state)
{
	(void)state;
	begin();
	what.filter.client = to_addr_v4((to_be32){0x0664c6c6});
	what.filter.prefix = 128;
	assert_false(takes());
	what.filter.prefix = 127; /* .6 and .7 */
	assert_true(takes());
	what.filter.prefix = 96;
	assert_true(takes());
	what.filter.client = k.dst;
	what.filter.prefix = 128;
	assert_true(takes());
	k.family = TO_NO_FAMILY;
	assert_false(takes());
}

static void test_clients_of_ipv6(void **state)
{
	union to_addr other = {.b = {0x20, 0x01, 0x0d, 0xb8, 0, 1}};

	(void)state;
	begin();
	k.family = TO_IP6;
	k.src = k.dst = other;
	what.filter.client = (union to_addr){.b = {0x20, 0x01, 0x0d, 0xb8, 0, 2}};
	what.filter.prefix = 47;
	assert_false(takes());
	what.filter.prefix = 46;
	assert_true(takes());
	what.filter.prefix = 96; /* of IPv4 addresses, which it is not */
	what.filter.client = to_addr_v4((to_be32){0});
	assert_false(takes());
}

static void test_what_an_icmp_error_is_about(void **state)
{
	(void)state;
	begin();
	what.filter.client = to_addr_v4((to_be32){0x01010101});
	what.filter.prefix = 128;
	k.embedded_dst = what.filter.client;
	assert_false(takes()); /* it is about nothing */
	k.flags = TO_PKT_ICMP_ERROR | TO_PKT_EMBEDDED;
	assert_true(takes());
	k.embedded_src = k.embedded_dst;
	k.embedded_dst = k.src;
	assert_true(takes());
}

static unsigned wanted(struct to_capture_turn *t, unsigned n)
{
	unsigned taken = 0;

	while (n--)
		taken += to_capture_wants(&what, t, &k);
	return taken;
}

static void test_budgets(void **state)
{
	struct to_capture_turn t = {0};

	(void)state;
	begin();
	what.rate = 5;
	assert_int_equal(wanted(&t, 8), 5);
	assert_int_equal(t.count.over_rate, 3);
	k.now++;
	assert_int_equal(wanted(&t, 8), 5);
	k.now = what.until - 1;
	assert_int_equal(wanted(&t, 1), 1);
	k.now++;
	assert_int_equal(wanted(&t, 8), 0);
	assert_int_equal(t.count.over_rate, 6);
	t = (struct to_capture_turn){0};
	begin();
	what.filter.sample = 10;
	assert_int_equal(wanted(&t, 1), 1);
	assert_int_equal(wanted(&t, 9), 0);
	assert_int_equal(wanted(&t, 100), 10);
	what.filter.sample = UINT32_MAX;
	assert_int_equal(wanted(&t, 100), 1);
}

static uint8_t bytes[3000];

static void take(struct to_capture_ring *r, uint32_t length)
{
	struct to_frame f = {.data = bytes, .len = length, .port = 3};

	to_capture_ring_burst(r);
	to_capture_ring_take(r, &k, &f, 14);
}

static void test_ring_tells_all(void **state)
{
	const uint32_t lengths[] = {60, 0, 3000, 96, 97};
	const struct to_captured *p;
	struct to_capture_ring *r;

	(void)state;
	begin();
	what.snap = 96;
	r = to_capture_ring_new(&what, 7);
	assert_non_null(r);
	assert_null(to_capture_ring_first(r));
	for (unsigned i = 0; i < 5; i++) {
		bytes[0] = (uint8_t)i;
		take(r, lengths[i]);
		p = to_capture_ring_first(r);
		assert_non_null(p);
		assert_int_equal(p->length, lengths[i]);
		assert_int_equal(p->captured, lengths[i] < 96 ? lengths[i] : 96);
		assert_memory_equal(p + 1, bytes, p->captured);
		assert_int_equal(p->worker, 7);
		assert_int_equal(p->port, 3);
		assert_int_equal(p->generation, 14);
		assert_int_equal(p->service, 63);
		assert_int_equal(p->reason, TO_REASON_PIN);
		assert_true(p->time_ns > 0);
		to_capture_ring_let_go(r);
	}
	assert_null(to_capture_ring_first(r));
	to_capture_ring_free(r);
}

static void test_ring_is_full(void **state)
{
	struct to_capture_counts counts = {0};
	struct to_capture_ring *r;
	uint32_t places;

	(void)state;
	begin();
	r = to_capture_ring_new(&what, 0);
	assert_non_null(r);
	places = r->places;
	assert_true(places >= 256);
	for (uint32_t i = 0; i < places + 5; i++)
		take(r, 2048);
	to_capture_ring_let_go(r);
	take(r, 2048);
	take(r, 2048);
	to_capture_ring_count(r, &counts);
	assert_int_equal(counts.taken, places + 1);
	assert_int_equal(counts.full, 6);
	for (uint32_t i = 0; i < places; i++) {
		assert_non_null(to_capture_ring_first(r));
		to_capture_ring_let_go(r);
	}
	assert_null(to_capture_ring_first(r));
	to_capture_ring_free(r);
}

static void *write_frames(void *arg)
{
	struct to_capture_ring *r = arg;
	uint8_t own[64];
	struct to_frame f = {.data = own, .len = sizeof(own)};

	for (uint32_t i = 0; i < FRAMES; i++) {
		memset(own, (uint8_t)i, sizeof(own));
		to_capture_ring_take(r, &k, &f, i);
	}
	return NULL;
}

/* Whole, in their order, and what is not there was counted. */
static void test_ring_between_threads(void **state)
{
	struct to_capture_counts counts = {0};
	const struct to_captured *p;
	struct to_capture_ring *r;
	uint64_t last = 0, n = 0;
	bool over = false;
	pthread_t writer;

	(void)state;
	begin();
	what.snap = 64;
	what.rate = UINT32_MAX;
	r = to_capture_ring_new(&what, 0);
	assert_non_null(r);
	assert_int_equal(pthread_create(&writer, NULL, write_frames, r), 0);
	while (!over || to_capture_ring_first(r)) {
		p = to_capture_ring_first(r);
		if (!p) { /* what was written before it ended is seen after */
			over = pthread_tryjoin_np(writer, NULL) == 0;
			continue;
		}
		assert_true(!n || p->generation > last);
		last = p->generation;
		for (unsigned i = 0; i < 64; i++)
			assert_int_equal(((const uint8_t *)(p + 1))[i], (uint8_t)last);
		to_capture_ring_let_go(r);
		n++;
	}
	to_capture_ring_count(r, &counts);
	assert_int_equal(counts.taken, n);
	assert_int_equal(counts.taken + counts.full, FRAMES);
	to_capture_ring_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_was_decided),
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_clients),
		cmocka_unit_test(test_clients_of_ipv6),
		cmocka_unit_test(test_what_an_icmp_error_is_about),
		cmocka_unit_test(test_budgets),
		cmocka_unit_test(test_ring_tells_all),
		cmocka_unit_test(test_ring_is_full),
		cmocka_unit_test(test_ring_between_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
