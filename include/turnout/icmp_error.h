/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The ICMP errors that we send: time exceeded, fragmentation needed, packet too big. What is in
 * them is here; an engine makes the room, moves the bytes, and counts against TO_ICMP_RATE.
 */
#ifndef TURNOUT_ICMP_ERROR_H
#define TURNOUT_ICMP_ERROR_H

#include "engine.h"
#include "locate.h"
#include "own_packet.h"

/* RFC 1812, 4.3.2.3: as much of the packet as fits 576 bytes. RFC 4443, 2.4 (c): 1280. */
#define TO_ICMP_QUOTE4    (576 - TO_IP4_HEADER - TO_ICMP_HEADER)
#define TO_ICMP_QUOTE6    (1280 - TO_IP6_HEADER - TO_ICMP_HEADER)
#define TO_ICMP_QUOTE_MAX TO_ICMP_QUOTE6
/* RFC 1812, 4.3.2.8, and RFC 4443, 2.4 (f), want a limit: one that path MTU discovery of thousands
 * of clients stays below, and a flood of TTL 1 does not. Errors a second and worker (or CPU). */
#define TO_ICMP_RATE 1000

enum { TO_TIME_EXCEEDED4 = 11, TO_UNREACHABLE4 = 3, TO_FRAGMENTATION_NEEDED = 4 };
enum { TO_TIME_EXCEEDED6 = 3, TO_TOO_BIG6 = 2 };

/* The address that errors come from: a gateway's, else the flow's VIP. NULL: there is none. */
TO_INLINE const union to_addr *to_icmp_error_from(const struct to_table *t,
						  const struct to_packet *k)
{
	const struct to_gateway *g;
	const struct to_vip *vip;

	for (uint32_t i = 0; i < TO_MAX_GATEWAYS; i++) {
		if (i >= t->section[TO_SECTION_GATEWAYS].count)
			break;
		g = to_element(t, TO_SECTION_GATEWAYS, i, sizeof(*g));
		if (to_addr_is_v4(&g->addr) == (k->family == TO_IP4))
			return &g->addr;
	}
	if (k->out.vip == TO_NO_INDEX)
		return NULL;
	vip = to_vip_of(t, k->out.vip);
	return &vip->addr;
}

/* Is an error about this packet to be sent, and within the budget? Takes one from it. */
TO_INLINE bool to_icmp_error_due(const struct to_packet *k, struct to_budget *b)
{
	if (k->flags & (TO_PKT_ICMP_ERROR | TO_PKT_LATER) || !to_may_be_answered(k))
		return false;
	return to_within_budget(b, k->now, TO_ICMP_RATE);
}

/* Bytes of the packet that the error quotes. */
TO_INLINE uint32_t to_icmp_error_quote(const struct to_packet *k)
{
	uint32_t quote = k->family == TO_IP4 ? TO_ICMP_QUOTE4 : TO_ICMP_QUOTE6;

	return quote < k->l3_len ? quote : k->l3_len;
}

/* Bytes of the IP and the ICMP header in front of the quote. */
TO_INLINE uint32_t to_icmp_error_header(const struct to_packet *k)
{
	return (k->family == TO_IP4 ? TO_IP4_HEADER : TO_IP6_HEADER) + TO_ICMP_HEADER;
}

TO_INLINE void to_put_icmp(uint8_t *p, const struct to_packet *k, uint32_t mtu, uint64_t sum)
{
	bool ttl = k->out.reason == TO_REASON_TTL;
	to_be32 value = to_net32(ttl ? 0 : mtu);

	if (k->family == TO_IP4) {
		p[0] = ttl ? TO_TIME_EXCEEDED4 : TO_UNREACHABLE4;
		p[1] = ttl ? 0 : TO_FRAGMENTATION_NEEDED;
	} else {
		p[0] = ttl ? TO_TIME_EXCEEDED6 : TO_TOO_BIG6;
		p[1] = 0;
	}
	__builtin_memcpy(p + 4, &value, 4); /* IPv4: the MTU is the last two bytes, RFC 1191 */
	to_put_raw16(p + TO_ICMP_CHECKSUM, ~to_fold16(sum + to_raw16(p) + to_sum32(p + 4)));
}

/* The IPv4 and ICMP headers at p, in front of `quote` bytes whose one's complement sum is `sum`. */
TO_INLINE void to_put_icmp_error4(uint8_t *p, const struct to_packet *k, const union to_addr *from,
				  uint32_t quote, uint64_t sum, uint32_t mtu)
{
	to_put_own4(p, from, &k->src, TO_IP_ICMP, TO_ICMP_HEADER + quote);
	to_put_icmp(p + TO_IP4_HEADER, k, mtu, sum);
}

/* Likewise the IPv6 and ICMPv6 headers; ICMPv6 sums up a pseudo-header as well. */
TO_INLINE void to_put_icmp_error6(uint8_t *p, const struct to_packet *k, const union to_addr *from,
				  uint32_t quote, uint64_t sum, uint32_t mtu)
{
	to_put_own6(p, from, &k->src, TO_IP_ICMP6, TO_ICMP_HEADER + quote);
	sum += to_pseudo_sum(from, &k->src, TO_IP6, TO_IP_ICMP6, TO_ICMP_HEADER + quote);
	to_put_icmp(p + TO_IP6_HEADER, k, mtu, sum);
}

#endif
