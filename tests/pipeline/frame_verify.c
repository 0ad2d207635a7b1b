/* SPDX-License-Identifier: BSD-3-Clause */
/* Is a frame right by itself? */
#include <string.h>

#include "frame.h"

static uint32_t get16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

/* `pseudo`: the sum of the pseudo-header, without length and protocol. */
static const char *verify_l4(const uint8_t *p, uint32_t len, uint8_t proto, uint32_t pseudo)
{
	if (proto == IPPROTO_TCP_) {
		if (len < 20)
			return "TCP header cut";
		if (frame_checksum(p, len, pseudo + proto + len))
			return "TCP checksum";
	} else if (proto == IPPROTO_UDP_) {
		if (len < 8 || get16(p + 4) != len)
			return "UDP length";
		if (get16(p + 6) && frame_checksum(p, len, pseudo + proto + len))
			return "UDP checksum";
	} else if (proto == IPPROTO_ICMP_) {
		if (len < 8 || frame_checksum(p, len, 0))
			return "ICMP checksum";
	} else if (proto == IPPROTO_ICMP6_) {
		if (len < 8 || frame_checksum(p, len, pseudo + proto + len))
			return "ICMPv6 checksum";
	}
	return NULL;
}

static uint32_t sum_words(const uint8_t *p, uint32_t len)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < len; i += 2)
		sum += get16(p + i);
	return sum;
}

static const char *verify_ip(const uint8_t *p, uint32_t len);

static const char *verify_ip4(const uint8_t *p, uint32_t len)
{
	uint32_t header = (p[0] & 15u) * 4;

	if (len < 20 || header < 20 || header > len || get16(p + 2) != len)
		return "IPv4 length";
	if (frame_checksum(p, header, 0))
		return "IPv4 header checksum";
	if (!p[8])
		return "TTL 0";
	if (get16(p + 6) & 0x3fff)
		return NULL; /* a fragment's transport checksum is of the whole */
	if (p[9] == 4 || p[9] == 41)
		return verify_ip(p + header, len - header);
	return verify_l4(p + header, len - header, p[9], sum_words(p + 12, 8));
}

static const char *verify_ip6(const uint8_t *p, uint32_t len)
{
	uint32_t at = 40;
	uint8_t next;

	if (len < 40 || get16(p + 4) + 40 != len)
		return "IPv6 length";
	if (!p[7])
		return "hop limit 0";
	for (next = p[6]; next == 0 || next == 43 || next == 60; at += (p[at + 1] + 1u) * 8) {
		if (at + 8 > len)
			return "IPv6 extension header cut";
		next = p[at];
	}
	if (next == 44)
		return NULL;
	if (next == 4 || next == 41)
		return verify_ip(p + at, len - at);
	return verify_l4(p + at, len - at, next, sum_words(p + 8, 32));
}

static const char *verify_ip(const uint8_t *p, uint32_t len)
{
	if (!len)
		return "no IP header";
	return p[0] >> 4 == 4 ? verify_ip4(p, len) : verify_ip6(p, len);
}

const char *frame_verify(const uint8_t *data, uint32_t len)
{
	uint32_t at = 12;

	while (at + 4 <= len && (get16(data + at) == 0x8100 || get16(data + at) == 0x88a8))
		at += 4;
	if (at + 2 > len)
		return "Ethernet header cut";
	if (get16(data + at) != (data[at + 2] >> 4 == 4 ? 0x0800u : 0x86ddu))
		return "ethertype is another than the IP version";
	return verify_ip(data + at + 2, len - at - 2);
}
