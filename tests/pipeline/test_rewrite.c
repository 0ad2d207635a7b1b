/* SPDX-License-Identifier: BSD-3-Clause */
/* Addresses, TTL and checksums of what is steered and answered. */
#include <string.h>
#include <turnout/hash.h>

#include "line.h"

enum { ETH = 14 };

static struct frame_spec s;

/* To the edge, and back: byte for byte what a checksum computed in full gives. */
static void both_ways(enum line_port port, bool v4, uint32_t len, uint32_t salt)
{
	struct frame_spec *t = &s;
	const struct to_frame *f;

	line_to_vip(t, port, v4);
	frame_fill_payload(t, len, salt);
	t->ttl = (uint8_t)(2 + salt % 254);
	t->tos = (uint8_t)salt;
	t->vlans = (uint8_t)(salt % 3);
	t->pad = (uint16_t)(salt % 7);
	t->ip_options = salt % 5 ? 0 : 8;
	f = line_run(t);
	line_expect(f, TO_VERDICT_STEER, TO_REASON_PIN);
	assert_int_equal(f->egress, TO_EGRESS_EDGE);
	t->dst = line_edge(DNAT_EDGE, v4);
	line_leaves(t, DNAT_EDGE);
	line_expect_frame(f, t);

	line_from_edge(t, port, v4);
	frame_fill_payload(t, len, salt);
	t->vlans = (uint8_t)(salt % 3);
	f = line_run(t);
	line_expect(f, TO_VERDICT_REPLY, TO_REASON_REPLY);
	assert_int_equal(f->egress, TO_EGRESS_OUT);
	t->src = line_vip(port, v4);
	line_leaves(t, OUTWARDS);
	line_expect_frame(f, t);
}

static void test_lengths(void **unused)
{
	(void)unused;
	for (int v4 = 0; v4 <= 1; v4++) {
		line_establish(TLS, v4);
		line_establish(UDP, v4);
		for (uint32_t len = 0; len < 120; len++) {
			both_ways(TLS, v4, len, len * 7);
			both_ways(UDP, v4, len, len * 11);
		}
		both_ways(UDP, v4, v4 ? 1472 - 8 : 1452 - 8, 5);
	}
}

/* All 65,536 values that a checksum may have: no end of the carry is forgotten. */
static void test_every_checksum(void **unused)
{
	(void)unused;
	for (int v4 = 0; v4 <= 1; v4++) {
		line_establish(UDP, v4);
		for (uint32_t word = 0; word < 65536; word += v4 ? 1 : 3) {
			const struct to_frame *f;

			line_to_vip(&s, UDP, v4);
			frame_fill_payload(&s, 4, 1);
			s.payload[2] = (uint8_t)(word >> 8);
			s.payload[3] = (uint8_t)word;
			f = line_run(&s);
			s.dst = line_edge(DNAT_EDGE, v4);
			line_leaves(&s, DNAT_EDGE);
			line_expect_frame(f, &s);
		}
	}
}

/* IPv4 header checksums too: every identification. */
static void test_every_header_checksum(void **unused)
{
	(void)unused;
	line_establish(UDP, true);
	for (uint32_t id = 0; id < 65536; id++) {
		const struct to_frame *f;

		line_to_vip(&s, UDP, true);
		frame_fill_payload(&s, 3, 1);
		s.id = id;
		f = line_run(&s);
		s.dst = line_edge(DNAT_EDGE, true);
		line_leaves(&s, DNAT_EDGE);
		line_expect_frame(f, &s);
	}
}

static void test_udp_without_checksum(void **unused)
{
	const struct to_frame *f;

	(void)unused;
	line_establish(UDP, true);
	line_to_vip(&s, UDP, true);
	frame_fill_payload(&s, 33, 1);
	s.udp_unsummed = true;
	f = line_run(&s);
	assert_int_equal(f->data[ETH + 20 + 6] | f->data[ETH + 20 + 7], 0);
	s.dst = line_edge(DNAT_EDGE, true);
	line_leaves(&s, DNAT_EDGE);
	line_expect_frame(f, &s);
}

/* Only the ends may find a packet broken: a wrong checksum is wrong by as much as before. */
static void test_wrong_stays_wrong(void **unused)
{
	(void)unused;
	for (int v4 = 0; v4 <= 1; v4++) {
		uint32_t at = ETH + (v4 ? 20 : 40) + 16;
		uint8_t data[FRAME_MAX], want[FRAME_MAX];

		line_establish(TLS, v4);
		for (uint32_t off = 1; off < 65535; off += 257) {
			const struct to_frame *f;
			uint32_t len, sum;

			line_to_vip(&s, TLS, v4);
			len = frame_build(&s, data);
			sum = ((uint32_t)data[at] << 8 | data[at + 1]) + off;
			sum = (sum & 0xffff) + (sum >> 16);
			data[at] = (uint8_t)(sum >> 8);
			data[at + 1] = (uint8_t)sum;
			f = line_run_bytes(data, len);
			s.dst = line_edge(DNAT_EDGE, v4);
			line_leaves(&s, DNAT_EDGE);
			frame_build(&s, want);
			sum = ((uint32_t)want[at] << 8 | want[at + 1]) + off;
			sum = (sum & 0xffff) + (sum >> 16);
			assert_int_equal(((uint32_t)f->data[at] << 8 | f->data[at + 1]) % 65535,
					 sum % 65535);
			assert_non_null(frame_verify(f->data, f->len));
		}
	}
}

/* In fragments only the first has a checksum, which is of the whole; each has its TTL. */
static void test_fragments(void **unused)
{
	(void)unused;
	for (int v4 = 0; v4 <= 1; v4++) {
		line_establish(UDP, v4);
		for (uint32_t len = 100; len < 110; len++) {
			for (uint16_t at = 0; at <= 64; at += 64) {
				const struct to_frame *f;

				line_to_vip(&s, UDP, v4);
				frame_fill_payload(&s, len, len);
				s.id = 1000 + len;
				s.fragment_at = at;
				s.more = !at;
				s.fragment_len = (uint16_t)(at ? 8 + len - at : 64);
				f = line_run(&s);
				line_expect(f, TO_VERDICT_STEER,
					    at ? TO_REASON_FRAGMENT : TO_REASON_PIN);
				s.dst = line_edge(DNAT_EDGE, v4);
				line_leaves(&s, DNAT_EDGE);
				line_expect_frame(f, &s);
			}
		}
	}
}

/* What is steered without rewriting changes nothing but MACs and TTL. */
static void test_unchanged(void **unused)
{
	(void)unused;
	for (int v4 = 0; v4 <= 1; v4++) {
		const struct to_frame *f;

		line_establish(DIRECT, v4);
		line_to_vip(&s, DIRECT, v4);
		frame_fill_payload(&s, 41, 9);
		s.vlans = 2;
		f = line_run(&s);
		line_expect(f, TO_VERDICT_STEER, TO_REASON_PIN);
		line_leaves(&s, L2_EDGE);
		line_expect_frame(f, &s);

		line_to_vip(&s, TLS, v4); /* to an edge's own address */
		s.dst = line_edge(DNAT_EDGE, v4);
		f = line_run(&s);
		line_expect(f, TO_VERDICT_STEER, TO_REASON_OWNER);
		line_leaves(&s, DNAT_EDGE);
		line_expect_frame(f, &s);

		line_from_edge(&s, TLS, v4); /* an edge's own business */
		s.dport = 9;
		f = line_run(&s);
		line_expect(f, TO_VERDICT_OUT, TO_REASON_EDGE_INITIATED);
		line_leaves(&s, OUTWARDS);
		line_expect_frame(f, &s);
	}
}

static void fill(struct to_nexthop *hop, uint8_t n, uint8_t port)
{
	memset(hop->mac, n, sizeof(hop->mac));
	memset(hop->own, n + 1, sizeof(hop->own));
	hop->port = port;
}

static void expect_hop(const struct to_frame *f, const struct to_nexthop *hop)
{
	assert_memory_equal(f->data, hop->mac, 6);
	assert_memory_equal(f->data + 6, hop->own, 6);
	assert_int_equal(f->port, hop->port);
}

static void test_next_hops(void **unused)
{
	struct to_nexthops other = line_nexthops;

	(void)unused;
	fill(&other.edge[DNAT_EDGE], 0xa0, 3);
	fill(&other.outside4, 0xb0, 5);
	fill(&other.outside6, 0xc0, 7);
	for (int v4 = 0; v4 < 2; v4++) {
		line_establish(TLS, v4);
		to_worker_set_nexthops(line_worker(), &other);
		line_to_vip(&s, TLS, v4);
		expect_hop(line_run(&s), &other.edge[DNAT_EDGE]);
		line_from_edge(&s, TLS, v4);
		expect_hop(line_run(&s), v4 ? &other.outside4 : &other.outside6);
		to_worker_set_nexthops(line_worker(), &line_nexthops);
	}
}

/* A next hop that cannot be used: the decision stands, the frame is dropped and counted. */
static void test_no_next_hop(void **unused)
{
	const uint64_t *count = &to_worker_counters(line_worker())->events[TO_EVENT_NO_NEXTHOP];
	struct to_nexthops none = line_nexthops;
	const struct to_frame *f;

	(void)unused;
	line_establish(TLS, true);
	none.edge[DNAT_EDGE].port = none.outside4.port = TO_NO_PORT;
	to_worker_set_nexthops(line_worker(), &none);
	line_to_vip(&s, TLS, true);
	f = line_run(&s);
	line_expect(f, TO_VERDICT_STEER, TO_REASON_PIN);
	assert_int_equal(f->egress, TO_EGRESS_NONE);
	line_from_edge(&s, TLS, true);
	f = line_run(&s);
	line_expect(f, TO_VERDICT_REPLY, TO_REASON_REPLY);
	assert_int_equal(f->egress, TO_EGRESS_NONE);
	assert_int_equal(*count, 2);
	to_worker_set_nexthops(line_worker(), &line_nexthops);
	line_to_vip(&s, TLS, true);
	assert_int_equal(line_run(&s)->egress, TO_EGRESS_EDGE);
	assert_int_equal(*count, 2);
}

/* Each next hop has an MTU of its own. */
static void test_next_hop_mtu(void **unused)
{
	static const uint8_t payload[600];
	struct to_nexthops narrow = line_nexthops;

	(void)unused;
	line_establish(TLS, true);
	narrow.edge[DNAT_EDGE].mtu = 600;
	to_worker_set_nexthops(line_worker(), &narrow);
	line_to_vip(&s, TLS, true);
	frame_set_payload(&s, payload, sizeof(payload));
	line_expect(line_run(&s), TO_VERDICT_DROP, TO_REASON_TOO_BIG);
	line_from_edge(&s, TLS, true);
	frame_set_payload(&s, payload, sizeof(payload));
	line_expect(line_run(&s), TO_VERDICT_REPLY, TO_REASON_REPLY);
	to_worker_set_nexthops(line_worker(), &line_nexthops);
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
		TEST(test_lengths),
		TEST(test_every_checksum),
		TEST(test_every_header_checksum),
		TEST(test_udp_without_checksum),
		TEST(test_wrong_stays_wrong),
		TEST(test_fragments),
		TEST(test_unchanged),
		TEST(test_next_hops),
		TEST(test_no_next_hop),
		TEST(test_next_hop_mtu),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
