/* SPDX-License-Identifier: BSD-3-Clause */
/* The ICMP errors that we send ourselves: what they say, about what, from whom, and how many. */
#include <string.h>
#include <turnout/rewrite.h>

#include "line.h"

enum { RATE = 1000 }; /* a second and worker */

static struct frame_spec s, want;

/* To the sender of `about`, from `from`: type and value given, quoting what may be quoted. */
static void make_error(const struct frame_spec *about, const union to_addr *from, uint16_t type,
		       uint32_t value)
{
	bool v4 = about->family == 4;
	uint32_t most = v4 ? 576 - 28 : 1280 - 48;
	uint8_t packet[FRAME_MAX];
	uint32_t len = frame_build_ip(about, packet);

	frame_init(&want, from, &about->src, v4 ? IPPROTO_ICMP_ : IPPROTO_ICMP6_, 0, 0);
	want.icmp_type = type;
	want.icmp_value = value;
	want.vlans = about->vlans;
	memcpy(want.mac_dst, about->mac_src, 6);
	memcpy(want.mac_src, line_nexthops.own[0], 6);
	frame_set_payload(&want, packet, len < most ? len : most);
}

static void expect_error(const struct to_frame *f, int reason)
{
	line_expect(f, TO_VERDICT_DROP, reason);
	assert_int_equal(f->egress, TO_EGRESS_SENDER);
	line_expect_frame(f, &want);
}

static void expect_silence(const struct to_frame *f, int reason)
{
	line_expect(f, TO_VERDICT_DROP, reason);
	assert_int_equal(f->egress, TO_EGRESS_NONE);
}

static uint64_t sent(void)
{
	return to_worker_counters(line_worker())->events[TO_EVENT_ICMP_SENT];
}

static uint64_t unsent(void)
{
	return to_worker_counters(line_worker())->events[TO_EVENT_ICMP_UNSENT];
}

static void check_ttl(bool v4, const union to_addr *from, uint8_t ttl)
{
	uint16_t type = v4 ? 0x0b00 : 0x0300;

	for (uint8_t vlans = 0; vlans <= 2; vlans++) {
		for (uint32_t len = 0; len < 1400; len += 139) {
			line_to_vip(&s, TLS, v4);
			frame_fill_payload(&s, len, len);
			s.vlans = vlans;
			s.ttl = ttl;
			make_error(&s, from, type, 0);
			expect_error(line_run(&s), TO_REASON_TTL);
		}
	}
	line_from_edge(&s, TLS, v4); /* an edge hears of it as well */
	s.ttl = ttl;
	make_error(&s, from, type, 0);
	expect_error(line_run(&s), TO_REASON_TTL);
}

static void test_ttl(void **unused)
{
	(void)unused;
	for (int v4 = 0; v4 <= 1; v4++) {
		union to_addr from = line_gateway(v4);

		line_establish(TLS, v4);
		check_ttl(v4, &from, 1);
		check_ttl(v4, &from, 0);
	}
}

/* Where the site has no address of its own, the flow's VIP speaks; if there is none, nobody. */
static void test_without_gateway(void **unused)
{
	union to_addr vip;

	(void)unused;
	for (int v4 = 0; v4 <= 1; v4++) {
		vip = line_vip(TLS, v4);
		line_establish(TLS, v4);
		check_ttl(v4, &vip, 1);
		line_to_vip(&s, TLS, v4);
		s.dst = line_edge(DNAT_EDGE, v4);
		s.ttl = 1;
		expect_silence(line_run(&s), TO_REASON_TTL);
	}
	assert_int_equal(unsent(), 2);
}

/* A next hop whose MTU has no room for a tunnel's header: it is refused all the same. */
static void test_no_mtu_is_too_small(void **unused)
{
	static const uint32_t mtus[] = {0, 20, 40, 100, 108};

	(void)unused;
	for (unsigned i = 0; i < sizeof(mtus) / sizeof(mtus[0]); i++) {
		struct to_packet k = {.ttl = 64, .l3_len = 100};

		k.out.action = TO_ACT_ENCAP;
		assert_int_equal(to_check_egress(&k, mtus[i], 40), 68);
		assert_int_equal(k.out.verdict, TO_VERDICT_DROP);
		assert_int_equal(k.out.reason, TO_REASON_TOO_BIG);
	}
}

static void test_too_big(void **unused)
{
	(void)unused;
	for (int v4 = 0; v4 <= 1; v4++) {
		union to_addr from = line_gateway(v4);
		uint32_t fits = LINE_MTU - (v4 ? 20 : 40) - 8;

		line_establish(UDP, v4);
		line_to_vip(&s, UDP, v4);
		frame_fill_payload(&s, fits, 1);
		line_expect(line_run(&s), TO_VERDICT_STEER, TO_REASON_PIN);
		for (uint32_t more = 1; more < 500; more += 61) {
			frame_fill_payload(&s, fits + more, 1);
			make_error(&s, &from, v4 ? 0x0304 : 0x0200, LINE_MTU);
			expect_error(line_run(&s), TO_REASON_TOO_BIG);
		}
		line_from_edge(&s, UDP, v4);
		frame_fill_payload(&s, fits + 1, 1);
		make_error(&s, &from, v4 ? 0x0304 : 0x0200, LINE_MTU);
		expect_error(line_run(&s), TO_REASON_TOO_BIG);
	}
}

/* The packet belonged to its flow, whatever became of it: the pin is renewed. */
static void test_state_comes_first(void **unused)
{
	(void)unused;
	line_establish(UDP, true);
	line_now += 299;
	line_to_vip(&s, UDP, true);
	s.ttl = 1;
	line_expect(line_run(&s), TO_VERDICT_DROP, TO_REASON_TTL);
	line_now += 299;
	s.ttl = 2;
	line_expect(line_run(&s), TO_VERDICT_STEER, TO_REASON_PIN);
}

/* Never about errors, later fragments, or what nobody could be told of. */
static void test_silence(void **unused)
{
	static struct frame_spec about;

	(void)unused;
	for (int v4 = 0; v4 <= 1; v4++) {
		union to_addr client = line_client(v4), vip = line_vip(UDP, v4);

		line_establish(UDP, v4);
		line_from_edge(&about, UDP, v4);
		about.src = vip;
		line_icmp_error(&s, &client, &vip, false, &about, 0);
		s.ttl = 1;
		expect_silence(line_run(&s), TO_REASON_TTL);

		line_to_vip(&s, UDP, v4);
		frame_fill_payload(&s, 100, 1);
		s.id = 7;
		s.more = true;
		s.fragment_len = 64;
		line_expect(line_run(&s), TO_VERDICT_STEER, TO_REASON_PIN);
		s.more = false;
		s.fragment_at = 64;
		s.fragment_len = 44;
		s.ttl = 1;
		expect_silence(line_run(&s), TO_REASON_TTL);

		line_to_vip(&s, UDP, v4);
		s.src = frame_addr(v4 ? "224.0.0.5" : "ff02::5");
		s.ttl = 1;
		expect_silence(line_run(&s), TO_REASON_TTL);
	}
	assert_int_equal(sent(), 0);
	assert_int_equal(unsent(), 6);
}

/* A flood of TTL 1 does not make one of ours. */
static void test_rate(void **unused)
{
	(void)unused;
	line_establish(UDP, true);
	for (int second = 0; second < 3; second++, line_now++) {
		for (int i = 0; i < 3 * RATE; i++) {
			line_to_vip(&s, UDP, true);
			s.ttl = 1;
			line_expect(line_run(&s), TO_VERDICT_DROP, TO_REASON_TTL);
		}
	}
	assert_int_equal(sent(), 3 * RATE);
	assert_int_equal(unsent(), 6 * RATE);
}

static int set_up(void **unused)
{
	(void)unused;
	line_open(true);
	return 0;
}

static int set_up_bare(void **unused)
{
	(void)unused;
	line_open(false);
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
		TEST(test_ttl),
		cmocka_unit_test_setup_teardown(test_without_gateway, set_up_bare, tear_down),
		TEST(test_no_mtu_is_too_small),
		TEST(test_too_big),
		TEST(test_state_comes_first),
		TEST(test_silence),
		TEST(test_rate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
