/* SPDX-License-Identifier: BSD-3-Clause */
#include "frame.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

enum { ETH = 14, IP4 = 20, IP6 = 40, TCP = 20, UDP = 8, ICMP = 8, FRAGMENT = 8 };

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v & 0xffff);
}

bool frame_is_v4(const union to_addr *a)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	return !memcmp(a->b, mapped, sizeof(mapped));
}

union to_addr frame_v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
	return (union to_addr){.b = {[10] = 0xff, [11] = 0xff, [12] = a, b, c, d}};
}

union to_addr frame_addr(const char *text)
{
	union to_addr a = frame_v4(0, 0, 0, 0);

	if (inet_pton(AF_INET, text, &a.b[12]) != 1)
		inet_pton(AF_INET6, text, a.b);
	return a;
}

const char *frame_addr_text(const union to_addr *a, char *out, size_t size)
{
	if (frame_is_v4(a))
		return inet_ntop(AF_INET, &a->b[12], out, (socklen_t)size);
	return inet_ntop(AF_INET6, a->b, out, (socklen_t)size);
}

uint16_t frame_checksum(const uint8_t *p, uint32_t len, uint32_t sum)
{
	for (uint32_t i = 0; i < len; i++)
		sum += i % 2 ? p[i] : (uint32_t)p[i] << 8;
	while (sum > 0xffff)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)(~sum & 0xffff);
}

/* Not folded; for frame_checksum() to go on from. */
static uint32_t pseudo_sum(const union to_addr *src, const union to_addr *dst, bool v4,
			   uint8_t proto, uint32_t len)
{
	uint32_t sum = proto + len;

	for (uint32_t i = v4 ? 12 : 0; i < 16; i += 2)
		sum += ((uint32_t)src->b[i] << 8 | src->b[i + 1]) +
		       ((uint32_t)dst->b[i] << 8 | dst->b[i + 1]);
	return sum;
}

void frame_init(struct frame_spec *s, const union to_addr *src, const union to_addr *dst,
		uint8_t proto, uint16_t sport, uint16_t dport)
{
	static const uint8_t macs[12] = {2, 0, 0, 0, 0, 0x10, 2, 0, 0, 0, 0, 0x20};

	memset(s, 0, offsetof(struct frame_spec, payload));
	s->family = frame_is_v4(src) ? 4 : 6;
	s->proto = proto;
	s->ttl = 64;
	s->sport = sport;
	s->dport = dport;
	s->src = *src;
	s->dst = *dst;
	memcpy(s->mac_dst, macs, 6);
	memcpy(s->mac_src, macs + 6, 6);
}

void frame_set_payload(struct frame_spec *s, const void *bytes, uint32_t len)
{
	memcpy(s->payload, bytes, len);
	s->len = (uint16_t)len;
}

void frame_fill_payload(struct frame_spec *s, uint32_t len, uint32_t salt)
{
	for (uint32_t i = 0; i < len; i++)
		s->payload[i] = (uint8_t)(0x61 + (i * 7 + salt) % 23);
	if (len)
		s->payload[0] = 0xe1; /* no letter: 80 to 127 would be QUIC to a TURN service */
	s->len = (uint16_t)len;
}

enum { SEQ = 0x01020304, ACK = 0x05060708, WINDOW = 8192 };

void frame_reset(struct frame_spec *s, const struct frame_spec *about)
{
	uint32_t length = about->len + (about->tcp_flags & F_FIN ? 1u : 0);

	if (about->fragment_len)
		length = about->fragment_len - TCP;
	frame_init(s, &about->dst, &about->src, IPPROTO_TCP_, about->dport, about->sport);
	s->vlans = about->vlans;
	s->reset = true;
	s->tcp_flags = about->tcp_flags & F_ACK ? F_RST : F_RST | F_ACK;
	s->seq = about->tcp_flags & F_ACK ? ACK : 0;
	s->ack = about->tcp_flags & F_ACK ? 0 : SEQ + length;
	s->len = 0;
}

static uint32_t build_l4_header(const struct frame_spec *s, uint8_t *p)
{
	if (s->proto == IPPROTO_TCP_) {
		memset(p, 0, TCP);
		put16(p, s->sport);
		put16(p + 2, s->dport);
		put32(p + 4, s->reset ? s->seq : SEQ);
		put32(p + 8, s->reset ? s->ack : s->tcp_flags & F_ACK ? ACK : 0);
		p[12] = 5 << 4;
		p[13] = s->tcp_flags;
		put16(p + 14, s->reset ? 0 : WINDOW);
		return TCP;
	}
	if (s->proto == IPPROTO_UDP_) {
		put16(p, s->sport);
		put16(p + 2, s->dport);
		put16(p + 4, UDP + (uint32_t)s->len);
		put16(p + 6, 0);
		return UDP;
	}
	if (s->proto == IPPROTO_ICMP_ || s->proto == IPPROTO_ICMP6_) {
		put16(p, s->icmp_type);
		put16(p + 2, 0);
		put32(p + 4, s->icmp_value);
		return ICMP;
	}
	return 0;
}

/* Header, payload, checksum: what the IP packet carries, before it is cut into fragments. */
static uint32_t build_l4(const struct frame_spec *s, uint8_t *p)
{
	uint32_t header = build_l4_header(s, p), len = header + s->len, sum = 0, at = 0;
	uint16_t checksum;

	memcpy(p + header, s->payload, s->len);
	if (s->proto == IPPROTO_TCP_)
		at = 16;
	else if (s->proto == IPPROTO_UDP_)
		at = 6;
	else if (header)
		at = 2;
	if (!at || (s->proto == IPPROTO_UDP_ && s->udp_unsummed))
		return len;
	if (s->proto != IPPROTO_ICMP_)
		sum = pseudo_sum(&s->src, &s->dst, s->family == 4, s->proto, len);
	checksum = frame_checksum(p, len, sum);
	if (s->proto == IPPROTO_UDP_ && !checksum)
		checksum = 0xffff; /* RFC 768 */
	put16(p + at, checksum);
	return len;
}

static uint32_t build_ip4(const struct frame_spec *s, uint8_t *p, const uint8_t *l4, uint32_t len)
{
	uint32_t header = IP4 + s->ip_options;

	memset(p, 0, header);
	p[0] = (uint8_t)(0x40 | header / 4);
	p[1] = s->tos;
	put16(p + 2, header + len);
	put16(p + 4, s->id);
	put16(p + 6, (s->more ? 0x2000u : 0) | s->fragment_at / 8u);
	p[8] = s->ttl;
	p[9] = s->proto;
	memcpy(p + 12, s->src.b + 12, 4);
	memcpy(p + 16, s->dst.b + 12, 4);
	memset(p + IP4, 1, s->ip_options); /* no operation */
	put16(p + 10, frame_checksum(p, header, 0));
	memcpy(p + header, l4, len);
	return header + len;
}

static uint32_t build_ip6(const struct frame_spec *s, uint8_t *p, const uint8_t *l4, uint32_t len)
{
	bool fragment = s->more || s->fragment_at;
	uint32_t at = IP6;
	uint8_t next = fragment ? 44 : s->proto;

	memset(p, 0, IP6);
	put32(p, 0x60000000u | (uint32_t)s->tos << 20);
	put16(p + 4, s->ip_options + (fragment ? FRAGMENT : 0) + len);
	p[6] = s->ip_options ? 0 : next;
	p[7] = s->ttl;
	memcpy(p + 8, s->src.b, 16);
	memcpy(p + 24, s->dst.b, 16);
	if (s->ip_options) {
		memset(p + at, 0, s->ip_options);
		p[at] = next;
		p[at + 1] = (uint8_t)(s->ip_options / 8 - 1);
		p[at + 2] = 1; /* PadN over the rest */
		p[at + 3] = (uint8_t)(s->ip_options - 4);
		at += s->ip_options;
	}
	if (fragment) {
		p[at] = s->proto;
		p[at + 1] = 0;
		put16(p + at + 2, s->fragment_at | (s->more ? 1u : 0));
		put32(p + at + 4, s->id);
		at += FRAGMENT;
	}
	memcpy(p + at, l4, len);
	return at + len;
}

uint32_t frame_build_ip(const struct frame_spec *s, uint8_t *out)
{
	uint8_t l4[FRAME_PAYLOAD + TCP];
	uint32_t len = build_l4(s, l4);

	if (s->fragment_len)
		len = s->fragment_len;
	return s->family == 4 ? build_ip4(s, out, l4 + s->fragment_at, len)
			      : build_ip6(s, out, l4 + s->fragment_at, len);
}

/* MACs and tags; `type` of what follows. */
static uint32_t build_eth(const struct frame_spec *s, uint32_t type, uint8_t *p)
{
	uint32_t at = 12;

	memcpy(p, s->mac_dst, 6);
	memcpy(p + 6, s->mac_src, 6);
	for (uint32_t i = 0; i < s->vlans; i++, at += 4) {
		put16(p + at, i + 1 < s->vlans ? 0x88a8 : 0x8100);
		put16(p + at + 2, 100 + i);
	}
	put16(p + at, type);
	return at + 2;
}

uint32_t frame_build(const struct frame_spec *s, uint8_t *out)
{
	uint32_t at = build_eth(s, s->family == 4 ? 0x0800 : 0x86dd, out);

	at += frame_build_ip(s, out + at);
	memset(out + at, 0xee, s->pad);
	return at + s->pad;
}

uint32_t frame_build_tunnel(const struct frame_spec *s, const union to_addr *from,
			    const union to_addr *to, uint8_t *out)
{
	bool v4 = frame_is_v4(to);
	uint32_t at = build_eth(s, v4 ? 0x0800 : 0x86dd, out);
	uint8_t inner[FRAME_MAX], *p = out + at;
	uint32_t len = frame_build_ip(s, inner);
	uint8_t next = s->family == 4 ? 4 : 41;

	memset(p, 0, IP6);
	if (v4) {
		p[0] = 0x45;
		p[1] = s->tos;
		put16(p + 2, IP4 + len);
		put16(p + 6, 0x4000);
		p[8] = 64;
		p[9] = next;
		memcpy(p + 12, from->b + 12, 4);
		memcpy(p + 16, to->b + 12, 4);
		put16(p + 10, frame_checksum(p, IP4, 0));
		p += IP4;
	} else {
		put32(p, 0x60000000u | (uint32_t)s->tos << 20);
		put16(p + 4, len);
		p[6] = next;
		p[7] = 64;
		memcpy(p + 8, from->b, 16);
		memcpy(p + 24, to->b, 16);
		p += IP6;
	}
	memcpy(p, inner, len);
	return (uint32_t)(p - out) + len;
}
