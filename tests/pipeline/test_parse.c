/* SPDX-License-Identifier: BSD-3-Clause */
/* Every way to be malformed, by its name; and what looks odd and is not. docs/state.md, 3 and 9. */
#include <string.h>
#include <turnout/parse.h>

#include "line.h"

enum { ETH = 14, IP4 = 20, IP6 = 40 };

static struct frame_spec s;
static uint8_t frame[FRAME_MAX];
static uint32_t len;

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* The IPv4 header checksum, after something in it has been changed. */
static void sign(void)
{
	uint32_t header = (frame[ETH] & 15u) * 4;

	put16(frame + ETH + 10, 0);
	put16(frame + ETH + 10, frame_checksum(frame + ETH, header < IP4 ? IP4 : header, 0));
}

static void make(enum line_port port, bool v4)
{
	line_to_vip(&s, port, v4);
	s.tcp_flags = F_SYN;
	frame_fill_payload(&s, 32, 1);
	len = frame_build(&s, frame);
}

static void dropped(int reason)
{
	const struct to_frame *f = line_run_bytes(frame, len);

	line_expect(f, TO_VERDICT_DROP, reason);
	assert_int_equal(f->egress, TO_EGRESS_NONE);
	assert_int_equal(f->decision.class, TO_CLASS_NONE);
}

static void steered(void)
{
	const struct to_frame *f = line_run_bytes(frame, len);

	assert_int_equal(f->decision.verdict, TO_VERDICT_STEER);
	assert_int_equal(f->egress, TO_EGRESS_EDGE);
}

static void test_ip4_header(void **unused)
{
	(void)unused;
	for (uint8_t words = 0; words < 5; words++) {
		make(TLS, true);
		frame[ETH] = 0x40 | words;
		sign();
		dropped(TO_REASON_IP_HEADER);
	}
	make(TLS, true);
	put16(frame + ETH + 2, IP4 - 1);
	sign();
	dropped(TO_REASON_IP_HEADER);
	make(TLS, true);
	frame[ETH] = 0x4f; /* 60 bytes of header, */
	put16(frame + ETH + 2, 59);
	sign();
	dropped(TO_REASON_IP_HEADER);
}

static void test_ip4_truncated(void **unused)
{
	(void)unused;
	make(TLS, true);
	for (len--; len >= ETH + IP4; len--)
		dropped(TO_REASON_IP_TRUNCATED);
	make(TLS, true);
	put16(frame + ETH + 2, len - ETH + 1);
	sign();
	dropped(TO_REASON_IP_TRUNCATED);
}

static void test_ip4_checksum(void **unused)
{
	(void)unused;
	for (int bit = 0; bit < 16; bit++) {
		make(TLS, true);
		frame[ETH + 10 + bit / 8] ^= (uint8_t)(1 << bit % 8);
		dropped(TO_REASON_IP_CHECKSUM);
	}
	make(TLS, true); /* options count */
	s.ip_options = 40;
	len = frame_build(&s, frame);
	steered();
	frame[ETH + IP4 + 39] ^= 1;
	dropped(TO_REASON_IP_CHECKSUM);
}

static void test_ip6_truncated(void **unused)
{
	(void)unused;
	make(TLS, false);
	for (len--; len >= ETH + IP6; len--)
		dropped(TO_REASON_IP_TRUNCATED);
	make(TLS, false);
	s.ip_options = 16;
	len = frame_build(&s, frame);
	steered();
	put16(frame + ETH + 4, 15); /* the extension header reaches beyond the packet */
	dropped(TO_REASON_IP_TRUNCATED);
	put16(frame + ETH + 4, 7);
	dropped(TO_REASON_IP_TRUNCATED);
	put16(frame + ETH + 4, 0); /* a jumbogram */
	dropped(TO_REASON_IP_TRUNCATED);
}

/* `n` destination option headers of 8 bytes, and UDP behind them. */
static void chain(unsigned n)
{
	uint8_t inner[128];
	uint32_t at = ETH + IP6;

	make(UDP, false);
	memcpy(inner, frame + at, len - at);
	for (unsigned i = 0; i < n; i++, at += 8) {
		memset(frame + at, 0, 8);
		frame[at] = i + 1 < n ? 60 : IPPROTO_UDP_;
		frame[at + 2] = 1;
		frame[at + 3] = 4;
	}
	memcpy(frame + at, inner, len - ETH - IP6);
	if (n)
		frame[ETH + 6] = 60;
	len += n * 8;
	put16(frame + ETH + 4, len - ETH - IP6);
}

static void test_ip6_header(void **unused)
{
	(void)unused;
	for (unsigned n = 0; n <= 8; n++) {
		chain(n);
		steered();
	}
	chain(9);
	dropped(TO_REASON_IP_HEADER);
	chain(2); /* two fragment headers, both of a whole packet */
	frame[ETH + 6] = frame[ETH + IP6] = 44;
	memset(frame + ETH + IP6 + 1, 0, 7);
	memset(frame + ETH + IP6 + 9, 0, 7);
	dropped(TO_REASON_IP_HEADER);
	frame[ETH + IP6] = 60; /* one of them only */
	steered();
}

/* Leaves `n` bytes of the transport header, and says so in the IP header. */
static void cut_l4(bool v4, uint32_t n)
{
	len = ETH + (v4 ? IP4 : IP6) + n;
	put16(frame + ETH + (v4 ? 2 : 4), v4 ? IP4 + n : n);
	if (v4)
		sign();
}

static void test_l4_truncated(void **unused)
{
	(void)unused;
	for (int v4 = 0; v4 <= 1; v4++) {
		for (uint32_t n = 0; n < 20; n++) {
			make(TLS, v4);
			cut_l4(v4, n);
			dropped(TO_REASON_L4_TRUNCATED);
		}
		for (uint32_t n = 0; n < 8; n++) {
			make(UDP, v4);
			cut_l4(v4, n);
			dropped(TO_REASON_L4_TRUNCATED);
			s.proto = v4 ? IPPROTO_ICMP_ : IPPROTO_ICMP6_;
			len = frame_build(&s, frame);
			cut_l4(v4, n);
			dropped(TO_REASON_L4_TRUNCATED);
		}
		make(TLS, v4); /* a first fragment without the whole header */
		s.more = true;
		s.fragment_len = 16;
		len = frame_build(&s, frame);
		dropped(TO_REASON_L4_TRUNCATED);
	}
}

static void test_udp_length(void **unused)
{
	(void)unused;
	for (int v4 = 0; v4 <= 1; v4++) {
		uint8_t *length = frame + ETH + (v4 ? IP4 : IP6) + 4;

		for (uint32_t n = 0; n < 8; n++) {
			make(UDP, v4);
			put16(length, n);
			dropped(TO_REASON_L4_HEADER);
		}
		make(UDP, v4);
		put16(length, 8 + 32 + 1);
		dropped(TO_REASON_L4_HEADER);
		put16(length, 8); /* shorter than the IP packet is odd, but fine */
		steered();
	}
}

static void test_udp_length_of_first_fragment(void **unused)
{
	(void)unused;
	for (int v4 = 0; v4 <= 1; v4++) {
		make(UDP, v4);
		s.more = true;
		s.fragment_len = 24;
		len = frame_build(&s, frame);
		steered(); /* what is missing comes later */
		put16(frame + ETH + (v4 ? IP4 : IP6 + 8) + 4, 7);
		dropped(TO_REASON_L4_HEADER);
	}
}

static void test_tcp_header(void **unused)
{
	static const uint8_t bad[] = {F_SYN | F_FIN,
				      F_SYN | F_RST,
				      F_FIN | F_RST,
				      F_SYN | F_FIN | F_ACK,
				      F_PSH,
				      0x20 | 0x40 | 0x80,
				      0};

	(void)unused;
	for (int v4 = 0; v4 <= 1; v4++) {
		uint8_t *tcp = frame + ETH + (v4 ? IP4 : IP6);

		for (size_t i = 0; i < sizeof(bad); i++) {
			make(TLS, v4);
			tcp[13] = bad[i];
			dropped(TO_REASON_L4_HEADER);
		}
		for (uint8_t words = 0; words < 16; words++) {
			make(TLS, v4); /* 20 bytes of header and 32 more: 13 words are there */
			tcp[12] = (uint8_t)(words << 4);
			if (words < 5 || words > 13)
				dropped(TO_REASON_L4_HEADER);
			else
				steered();
		}
		make(TLS, v4);
		tcp[13] = F_SYN | 0x40 | 0x80; /* RFC 3168 */
		steered();
	}
}

static void test_not_ip(void **unused)
{
	(void)unused;
	make(TLS, true);
	for (len = 0; len < ETH + IP4; len++)
		line_expect(line_run_bytes(frame, len), TO_VERDICT_KERNEL, TO_REASON_NOT_IP);
	make(TLS, false);
	for (len = 0; len < ETH + IP6; len++)
		line_expect(line_run_bytes(frame, len), TO_VERDICT_KERNEL, TO_REASON_NOT_IP);
	make(TLS, true);
	frame[ETH] = 0x65;
	line_expect(line_run_bytes(frame, len), TO_VERDICT_KERNEL, TO_REASON_NOT_IP);
	make(TLS, false);
	frame[ETH] = 0x45;
	line_expect(line_run_bytes(frame, len), TO_VERDICT_KERNEL, TO_REASON_NOT_IP);
}

static void test_vlans(void **unused)
{
	(void)unused;
	for (uint8_t tags = 0; tags <= 3; tags++) {
		make(TLS, tags % 2);
		s.vlans = tags;
		len = frame_build(&s, frame);
		if (tags <= 2)
			steered();
		else
			line_expect(line_run_bytes(frame, len), TO_VERDICT_KERNEL,
				    TO_REASON_NOT_IP);
	}
}

/* What is not ours is the kernel's, however broken it is, and leaves as it came. */
static void test_others(void **unused)
{
	const struct to_frame *f;

	(void)unused;
	make(TLS, true);
	s.dst = frame_addr("203.0.113.77");
	len = frame_build(&s, frame);
	frame[ETH + 10] ^= 1;
	f = line_run_bytes(frame, len);
	line_expect(f, TO_VERDICT_KERNEL, TO_REASON_NOT_OURS);
	assert_int_equal(f->egress, TO_EGRESS_KERNEL);
	assert_int_equal(f->len, len);
	assert_memory_equal(f->data, frame, len);
	s.dst = line_gateway(true);
	len = frame_build(&s, frame);
	line_expect(line_run_bytes(frame, len), TO_VERDICT_KERNEL, TO_REASON_GATEWAY);
}

/* What is plain is nothing but that to the parser. */
static bool is_plain(void)
{
	struct to_packet k = {0};

	if (!to_is_plain(frame, frame + len))
		return false;
	to_parse(frame, frame + len, &k);
	assert_int_equal(k.family, TO_IP4);
	assert_int_equal(k.l3, ETH);
	assert_int_equal(k.l4, ETH + IP4);
	assert_true(k.l3 + k.l3_len <= len);
	assert_false(k.flags & (TO_PKT_FIRST | TO_PKT_LATER));
	assert_true(k.malformed == 0 || k.malformed == TO_REASON_L4_TRUNCATED ||
		    k.malformed == TO_REASON_L4_HEADER);
	return true;
}

static void test_plain(void **unused)
{
	static const enum line_port ports[] = {TLS, UDP};

	(void)unused;
	for (unsigned i = 0; i < sizeof(ports) / sizeof(*ports); i++) {
		unsigned taken = 0;

		make(ports[i], false);
		assert_false(is_plain());
		make(ports[i], true);
		assert_true(is_plain());
		for (uint32_t at = 0; at < ETH + IP4 + 20; at++) {
			for (unsigned value = 0; value < 256; value++) {
				make(ports[i], true);
				frame[at] = (uint8_t)value;
				sign();
				taken += is_plain();
			}
		}
		assert_true(taken > 2000);
		make(ports[i], true);
		for (; len; len--)
			is_plain();
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
		TEST(test_ip4_header),   TEST(test_ip4_truncated),
		TEST(test_ip4_checksum), TEST(test_ip6_truncated),
		TEST(test_ip6_header),   TEST(test_l4_truncated),
		TEST(test_udp_length),   TEST(test_udp_length_of_first_fragment),
		TEST(test_tcp_header),   TEST(test_not_ip),
		TEST(test_vlans),        TEST(test_others),
		TEST(test_plain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
