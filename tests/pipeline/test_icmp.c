/* SPDX-License-Identifier: BSD-3-Clause */
/* ICMP errors about flows, in both directions, with as much of the packet as the sender quoted. */
#include "line.h"

static struct frame_spec s, about, want;

/* What the client got, from the VIP; and the same as the edge sent it. */
static void answer(struct frame_spec *f, enum line_port port, bool v4, bool as_edge)
{
	line_from_edge(f, port, v4);
	if (!as_edge)
		f->src = line_vip(port, v4);
	f->ttl = 50;
	frame_fill_payload(f, 21, 3);
}

/* What the edge got; and the same as the client sent it. */
static void request(struct frame_spec *f, enum line_port port, bool v4, bool as_client)
{
	line_to_vip(f, port, v4);
	if (!as_client)
		f->dst = line_edge(DNAT_EDGE, v4);
	f->ttl = 50;
	frame_fill_payload(f, 21, 3);
}

static void inwards(enum line_port port, bool v4, const union to_addr *from, uint32_t quoted)
{
	union to_addr vip = line_vip(port, v4), edge = line_edge(DNAT_EDGE, v4);
	const struct to_frame *f;

	answer(&about, port, v4, false);
	line_icmp_error(&s, from, &vip, true, &about, quoted);
	f = line_run(&s);
	line_expect(f, TO_VERDICT_STEER, TO_REASON_ICMP_ERROR);
	assert_int_equal(f->egress, TO_EGRESS_EDGE);
	answer(&about, port, v4, true);
	line_icmp_error(&want, from, &edge, true, &about, quoted);
	line_leaves(&want, DNAT_EDGE);
	line_expect_frame(f, &want);
}

/* `from` is the edge, which becomes the VIP, or a router on the way, which stays. */
static void outwards(enum line_port port, bool v4, bool edge, uint32_t quoted)
{
	union to_addr router = frame_addr(v4 ? "10.9.9.9" : "fd00:9::9");
	union to_addr from = edge ? line_edge(DNAT_EDGE, v4) : router;
	union to_addr as = edge ? line_vip(port, v4) : router, client = line_client(v4);
	const struct to_frame *f;

	request(&about, port, v4, false);
	line_icmp_error(&s, &from, &client, false, &about, quoted);
	f = line_run(&s);
	line_expect(f, TO_VERDICT_REPLY, TO_REASON_ICMP_ERROR);
	assert_int_equal(f->egress, TO_EGRESS_OUT);
	request(&about, port, v4, true);
	line_icmp_error(&want, &as, &client, false, &about, quoted);
	line_leaves(&want, OUTWARDS);
	line_expect_frame(f, &want);
}

static bool halves_checksum(enum line_port port, bool v4, uint32_t quoted)
{
	return quoted == (v4 ? 20 : 40) + (port == UDP ? 6u : 16u) + 1;
}

static void test_both_ways(void **unused)
{
	static const enum line_port ports[] = {TLS, UDP};

	(void)unused;
	for (int i = 0; i < 2; i++) {
		for (int v4 = 0; v4 <= 1; v4++) {
			union to_addr client = line_client(v4);
			union to_addr router = frame_addr(v4 ? "203.0.113.9" : "2001:db8:f::9");
			uint32_t ports_end = (v4 ? 20 : 40) + 4;

			line_establish(ports[i], v4);
			/* with and without the checksum, odd and even, up to the whole packet */
			for (uint32_t quoted = ports_end; quoted < ports_end + 40; quoted++) {
				if (halves_checksum(ports[i], v4, quoted))
					continue; /* one byte alone says nothing, and stays */
				inwards(ports[i], v4, &client, quoted);
				inwards(ports[i], v4, &router, quoted);
				outwards(ports[i], v4, true, quoted);
				outwards(ports[i], v4, false, quoted);
			}
			inwards(ports[i], v4, &client, 0);
		}
	}
}

static void test_udp_without_checksum(void **unused)
{
	union to_addr client = line_client(true), vip = line_vip(UDP, true);
	union to_addr edge = line_edge(DNAT_EDGE, true);
	const struct to_frame *f;

	(void)unused;
	line_establish(UDP, true);
	answer(&about, UDP, true, false);
	about.udp_unsummed = true;
	line_icmp_error(&s, &client, &vip, false, &about, 0);
	f = line_run(&s);
	about.src = edge;
	line_icmp_error(&want, &client, &edge, false, &about, 0);
	line_leaves(&want, DNAT_EDGE);
	line_expect_frame(f, &want);
}

/* An error changes nothing: the pin dies when it would have died. */
static void test_changes_nothing(void **unused)
{
	union to_addr client = line_client(true), vip = line_vip(UDP, true);

	(void)unused;
	line_establish(UDP, true);
	for (int i = 0; i < 4; i++) {
		line_now += 74; /* four times: 296 of 300 seconds */
		inwards(UDP, true, &client, 0);
	}
	line_now += 4;
	answer(&about, UDP, true, false);
	line_icmp_error(&s, &client, &vip, false, &about, 0);
	line_expect(line_run(&s), TO_VERDICT_DROP, TO_REASON_ICMP_UNMATCHED);
}

static void test_unmatched(void **unused)
{
	(void)unused;
	for (int v4 = 0; v4 <= 1; v4++) {
		union to_addr client = line_client(v4), vip = line_vip(TLS, v4);
		union to_addr edge = line_edge(DNAT_EDGE, v4);
		uint32_t ports_end = (v4 ? 20 : 40) + 4;

		line_establish(TLS, v4);
		answer(&about, TLS, v4, false); /* the ports are cut */
		for (uint32_t quoted = 1; quoted < ports_end; quoted++) {
			line_icmp_error(&s, &client, &vip, false, &about, quoted);
			line_expect(line_run(&s), TO_VERDICT_DROP, TO_REASON_ICMP_UNMATCHED);
		}
		about.dport++; /* another flow, that there is not */
		line_icmp_error(&s, &client, &vip, false, &about, 0);
		line_expect(line_run(&s), TO_VERDICT_DROP, TO_REASON_ICMP_UNMATCHED);
		answer(&about, TLS, v4, false); /* about a packet that was not the VIP's */
		about.src = line_vip(TUN4, v4);
		line_icmp_error(&s, &client, &vip, false, &about, 0);
		line_expect(line_run(&s), TO_VERDICT_DROP, TO_REASON_ICMP_UNMATCHED);
		answer(&about, TLS, v4, false); /* about a later fragment */
		about.fragment_at = 8;
		about.fragment_len = 24;
		line_icmp_error(&s, &client, &vip, false, &about, 0);
		line_expect(line_run(&s), TO_VERDICT_DROP, TO_REASON_ICMP_UNMATCHED);

		request(&about, TLS, v4, false); /* from an edge, about nothing of ours */
		about.sport++;
		line_icmp_error(&s, &edge, &client, false, &about, 0);
		line_expect(line_run(&s), TO_VERDICT_OUT, TO_REASON_EDGE_INITIATED);
	}
}

/* An echo request is no error, and a VIP is no host. */
static void test_echo(void **unused)
{
	(void)unused;
	for (int v4 = 0; v4 <= 1; v4++) {
		union to_addr client = line_client(v4), vip = line_vip(TLS, v4);

		frame_init(&s, &client, &vip, v4 ? IPPROTO_ICMP_ : IPPROTO_ICMP6_, 0, 0);
		s.icmp_type = v4 ? 0x0800 : 0x8000;
		frame_fill_payload(&s, 40, 1);
		line_expect(line_run(&s), TO_VERDICT_DROP, TO_REASON_NO_SERVICE);
	}
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
		TEST(test_both_ways),
		TEST(test_udp_without_checksum),
		TEST(test_changes_nothing),
		TEST(test_unmatched),
		TEST(test_echo),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
