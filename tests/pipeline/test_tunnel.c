/* SPDX-License-Identifier: BSD-3-Clause */
/* Tunnels: either family in either, their MTU, and errors about them. */
#include <string.h>

#include "line.h"

static struct frame_spec s, about, want;

/* The tunnel's ends: of the service's only edge, over the only family that it has. */
static void ends(enum line_port port, union to_addr *from, union to_addr *to)
{
	bool v4 = port == TUN4;

	*from = line_gateway(v4);
	*to = line_edge(v4 ? TUN4_EDGE : TUN6_EDGE, v4);
}

static void check_tunnel(enum line_port port, bool v4, uint32_t len)
{
	union to_addr from, to;
	uint8_t bytes[FRAME_MAX];
	const struct to_frame *f;

	ends(port, &from, &to);
	line_to_vip(&s, port, v4);
	frame_fill_payload(&s, len, len);
	s.tos = (uint8_t)(len * 5);
	s.vlans = (uint8_t)(len % 3);
	s.pad = (uint16_t)(len % 4);
	f = line_run(&s);
	line_expect(f, TO_VERDICT_STEER, TO_REASON_PIN);
	assert_int_equal(f->egress, TO_EGRESS_EDGE);
	line_leaves(&s, port == TUN4 ? TUN4_EDGE : TUN6_EDGE);
	line_expect_bytes(f, bytes, frame_build_tunnel(&s, &from, &to, bytes));
}

static void test_either_in_either(void **unused)
{
	static const enum line_port ports[] = {TUN4, TUN6};

	(void)unused;
	for (int i = 0; i < 2; i++) {
		for (int v4 = 0; v4 <= 1; v4++) {
			line_establish(ports[i], v4);
			for (uint32_t len = 0; len < 60; len++)
				check_tunnel(ports[i], v4, len);
		}
	}
}

/* The largest packet that still fits, and one byte more. */
static void check_mtu(enum line_port port, bool v4)
{
	uint32_t tunnel = port == TUN4 ? 20 : 40, header = (v4 ? 20 : 40) + 20;
	uint32_t fits = LINE_MTU - tunnel - header;
	const struct to_frame *f;

	check_tunnel(port, v4, fits);
	line_to_vip(&s, port, v4);
	frame_fill_payload(&s, fits + 1, 1);
	f = line_run(&s);
	line_expect(f, TO_VERDICT_DROP, TO_REASON_TOO_BIG);
	assert_int_equal(f->egress, TO_EGRESS_SENDER);
	assert_null(frame_verify(f->data, f->len));
	if (v4)
		assert_int_equal(f->data[14 + 20 + 6] << 8 | f->data[14 + 20 + 7],
				 LINE_MTU - tunnel);
	else
		assert_int_equal(f->data[14 + 40 + 6] << 8 | f->data[14 + 40 + 7],
				 LINE_MTU - tunnel);
}

static void test_mtu(void **unused)
{
	static const enum line_port ports[] = {TUN4, TUN6};

	(void)unused;
	for (int i = 0; i < 2; i++) {
		for (int v4 = 0; v4 <= 1; v4++) {
			line_establish(ports[i], v4);
			check_mtu(ports[i], v4);
		}
	}
}

/* The error that a router on the tunnel's way sends to the gateway, about the packet in the tunnel;
 * and what the client should hear of it. */
static void make_tunnel_error(bool v4, uint32_t quoted)
{
	enum line_port port = v4 ? TUN4 : TUN6;
	union to_addr from, to, vip = line_vip(port, v4), client = line_client(v4);
	union to_addr router = frame_addr(v4 ? "10.9.9.9" : "fd00:9::9");

	ends(port, &from, &to);
	line_to_vip(&want, port, v4);
	frame_fill_payload(&want, 64, 1);
	frame_init(&about, &from, &to, v4 ? 4 : 41, 0, 0);
	about.len = (uint16_t)frame_build_ip(&want, about.payload);
	line_icmp_error(&s, &router, &from, true, &about, quoted);
	line_icmp_error(&about, &vip, &client, true, &want, quoted ? quoted - (v4 ? 20 : 40) : 0);
	want = about;
	want.icmp_value = 1400u - (v4 ? 20 : 40);
}

static void test_error_about_tunnel(void **unused)
{
	(void)unused;
	for (int v4 = 0; v4 <= 1; v4++) {
		uint32_t least = v4 ? 20 + 20 + 4 : 40 + 40 + 4;

		line_establish(v4 ? TUN4 : TUN6, v4);
		for (uint32_t quoted = least; quoted < least + 30; quoted++) {
			const struct to_frame *f;

			make_tunnel_error(v4, quoted);
			f = line_run(&s);
			line_expect(f, TO_VERDICT_REPLY, TO_REASON_ICMP_ERROR);
			line_leaves(&want, OUTWARDS);
			line_expect_frame(f, &want);
		}
		make_tunnel_error(v4, least - 1); /* without its ports nobody's */
		line_expect(line_run(&s), TO_VERDICT_KERNEL, TO_REASON_GATEWAY);
		make_tunnel_error(v4, 0);
		s.src = line_edge(v4 ? TUN4_EDGE : TUN6_EDGE, v4);
		line_expect(line_run(&s), TO_VERDICT_REPLY, TO_REASON_ICMP_ERROR);
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
		TEST(test_either_in_either),
		TEST(test_mtu),
		TEST(test_error_about_tunnel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
