/* SPDX-License-Identifier: BSD-3-Clause */
/* The RST that answers a client's segment to an edge that is resetting: its bytes, and how many. */
#include <string.h>

#include "line.h"

enum { RATE = 10000 }; /* a second and worker */

static struct frame_spec s, want;

static void expect_reset(const struct to_frame *f)
{
	frame_reset(&want, &s);
	memcpy(want.mac_dst, s.mac_src, 6);
	memcpy(want.mac_src, line_nexthops.own[0], 6);
	line_expect(f, TO_VERDICT_DROP, TO_REASON_RESET);
	assert_int_equal(f->egress, TO_EGRESS_SENDER);
	line_expect_frame(f, &want);
}

static uint64_t counted(enum to_event event)
{
	return to_worker_counters(line_worker())->events[event];
}

/* Whatever is in front of the segment, and behind it. */
static void test_bytes(void **unused)
{
	static const uint8_t flags[] = {F_ACK, F_ACK | F_PSH, F_ACK | F_FIN, F_FIN, F_SYN | F_ACK};

	(void)unused;
	for (int v4 = 0; v4 <= 1; v4++) {
		line_set_state(DNAT_EDGE, TO_EDGE_UP);
		line_establish(TLS, v4);
		line_set_state(DNAT_EDGE, TO_EDGE_RESETTING);
		for (uint32_t i = 0; i < 5 * 3 * 4; i++) {
			line_to_vip(&s, TLS, v4);
			s.tcp_flags = flags[i % 5];
			s.vlans = i / 5 % 3;
			s.ip_options = i % 2 * 8;
			s.ttl = (uint8_t)(1 + i); /* it goes no further: no TTL ends here */
			frame_fill_payload(&s, i * 23, i);
			s.pad = s.len ? 0 : 6;
			expect_reset(line_run(&s));
		}
	}
	assert_int_equal(counted(TO_EVENT_RESET_SENT), 2 * 60);
	assert_int_equal(counted(TO_EVENT_RESET_UNSENT), 0);
}

/* The answers of the edge still go, and so does the client's RST. */
static void test_what_goes_on(void **unused)
{
	(void)unused;
	for (int v4 = 0; v4 <= 1; v4++) {
		line_set_state(DNAT_EDGE, TO_EDGE_UP);
		line_establish(TLS, v4);
		line_set_state(DNAT_EDGE, TO_EDGE_RESETTING);
		line_from_edge(&s, TLS, v4);
		line_expect(line_run(&s), TO_VERDICT_REPLY, TO_REASON_REPLY);
		line_to_vip(&s, TLS, v4);
		expect_reset(line_run(&s));
		s.tcp_flags = F_RST;
		line_expect(line_run(&s), TO_VERDICT_STEER, TO_REASON_PIN);
		line_set_state(DNAT_EDGE, TO_EDGE_UP);
		line_establish(UDP, v4);
		line_set_state(DNAT_EDGE, TO_EDGE_RESETTING);
		line_to_vip(&s, UDP, v4);
		line_expect(line_run(&s), TO_VERDICT_STEER, TO_REASON_PIN);
	}
}

static void test_dsr_is_left_alone(void **unused)
{
	static const enum line_port ports[] = {TUN4, TUN6, DIRECT};
	static const enum line_edge edges[] = {TUN4_EDGE, TUN6_EDGE, L2_EDGE};

	(void)unused;
	for (int i = 0; i < 3; i++) {
		line_establish(ports[i], true);
		line_set_state(edges[i], TO_EDGE_RESETTING);
		line_to_vip(&s, ports[i], true);
		line_expect(line_run(&s), TO_VERDICT_STEER, TO_REASON_PIN);
	}
}

static void test_rate(void **unused)
{
	(void)unused;
	line_establish(TLS, true);
	line_set_state(DNAT_EDGE, TO_EDGE_RESETTING);
	for (int second = 0; second < 2; second++, line_now++) {
		for (int i = 0; i < RATE + 100; i++) {
			line_to_vip(&s, TLS, true);
			line_expect(line_run(&s), TO_VERDICT_DROP, TO_REASON_RESET);
		}
	}
	assert_int_equal(counted(TO_EVENT_RESET_SENT), 2 * RATE);
	assert_int_equal(counted(TO_EVENT_RESET_UNSENT), 2 * 100);
}

/* A sender that is no host: the pin of one such can be had by guessing. */
static void test_nobody_to_answer(void **unused)
{
	(void)unused;
	for (int v4 = 0; v4 <= 1; v4++) {
		line_set_state(DNAT_EDGE, TO_EDGE_UP);
		line_to_vip(&s, TLS, v4);
		s.src = frame_addr(v4 ? "224.0.0.5" : "ff02::5");
		s.tcp_flags = F_SYN;
		line_expect(line_run(&s), TO_VERDICT_STEER, TO_REASON_ROUTE);
		line_set_state(DNAT_EDGE, TO_EDGE_RESETTING);
		s.tcp_flags = F_ACK;
		line_expect(line_run(&s), TO_VERDICT_DROP, TO_REASON_RESET);
	}
	assert_int_equal(counted(TO_EVENT_RESET_SENT), 0);
	assert_int_equal(counted(TO_EVENT_RESET_UNSENT), 2);
}

static int set_up(void **unused)
{
	(void)unused;
	line_open(true);
	return 0;
}

static int tear_down(void **unused)
{
	(void)unused;
	line_close();
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_bytes), TEST(test_what_goes_on),     TEST(test_dsr_is_left_alone),
		TEST(test_rate),  TEST(test_nobody_to_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
