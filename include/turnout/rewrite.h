/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The decision carried out on the packet's bytes: addresses, checksums, TTL, tunnel headers.
 * docs/state.md, section 10. Checksums are updated incrementally (RFC 1624, equation 3), so that a
 * wrong one stays wrong; sums are of 16-bit words as they lie in memory, which one's complement
 * arithmetic allows (RFC 1071, 2.B).
 */
#ifndef TURNOUT_REWRITE_H
#define TURNOUT_REWRITE_H

#include "parse.h"
#include "table.h"

/* ~old + new of the TTL's word, of which it is the first byte: one less, in memory order. */
#define TO_TTL_DIFF      0xfffeu
#define TO_TUNNEL_TTL    64
#define TO_TUNNEL_WORDS  15 /* of the longest IPv4 header; IPv6 with a fragment header has 12 */
#define TO_TCP_CHECKSUM  16 /* offsets of checksums in their headers */
#define TO_UDP_CHECKSUM  6
#define TO_ICMP_CHECKSUM 2
#define TO_IP4_CHECKSUM  10

/* Mutable bytes at `off`, or NULL. */
TO_INLINE uint8_t *to_field(uint8_t *data, const uint8_t *end, uint32_t off, uint32_t n)
{
	return (uint8_t *)(uintptr_t)to_bytes_at(data, end, off, n);
}

TO_INLINE void to_put_addr6(uint8_t *p, const union to_addr *a)
{
	to_put_raw64(p, a->d[0]);
	to_put_raw64(p + 8, a->d[1]);
}

/* One's complement sum of `len` bytes at p, not folded. */
TO_INLINE uint64_t to_sum_bytes(const uint8_t *p, uint32_t len)
{
	uint64_t sum = 0;

	for (; len >= 2; p += 2, len -= 2)
		sum += to_raw16(p);
	return len ? sum + *p : sum;
}

/* The checksum (or checksum field) `sum` after words that `diff` sums (~old + new) have changed. */
TO_INLINE uint16_t to_checksum_update(uint16_t sum, uint64_t diff)
{
	return ~to_fold16((uint16_t)~sum + diff);
}

/* ~old + new of an address, 32 bits at a time. */
TO_INLINE uint64_t to_addr_diff(const union to_addr *from, const union to_addr *to, uint8_t family)
{
	uint64_t diff = (uint64_t)(uint32_t)~from->w[3] + to->w[3];

	if (family == TO_IP6)
		diff += (uint64_t)(uint32_t)~from->w[0] + to->w[0] + (uint32_t)~from->w[1] +
			to->w[1] + (uint32_t)~from->w[2] + to->w[2];
	return diff;
}

/* Applies a pseudo-header change to the checksum at `p` of protocol `ipproto`. */
TO_INLINE void to_l4_checksum_at(uint8_t *p, uint8_t ipproto, uint64_t diff)
{
	uint16_t old = to_raw16(p), new;

	if (ipproto == TO_IP_UDP && old == 0)
		return; /* RFC 768: no checksum */
	new = to_checksum_update(old, diff);
	to_put_raw16(p, ipproto == TO_IP_UDP && new == 0 ? 0xffff : new);
}

/* Offset of the checksum in the header of what has a pseudo-header; 0: it has none. */
TO_INLINE uint32_t to_l4_checksum_offset(uint8_t ipproto)
{
	switch (ipproto) {
	case TO_IP_TCP:
		return TO_TCP_CHECKSUM;
	case TO_IP_UDP:
		return TO_UDP_CHECKSUM;
	case TO_IP_ICMP6:
		return TO_ICMP_CHECKSUM;
	default:
		return 0;
	}
}

/* Writes an address of an IP header at `l3`, source or destination, and for IPv4 its checksum.
 * Returns ~old + new of the address, for who has it in a pseudo-header. */
TO_INLINE uint64_t to_put_addr(uint8_t *data, const uint8_t *end, uint32_t l3, uint8_t family,
			       bool destination, const union to_addr *from, const union to_addr *to)
{
	uint64_t diff = to_addr_diff(from, to, family);
	uint8_t *p;

	if (family == TO_IP4) {
		p = to_field(data, end, l3, TO_IP4_HEADER);
		if (!p)
			return 0;
		to_put_raw32(p + (destination ? 16 : 12), to->w[3]);
		to_put_raw16(p + TO_IP4_CHECKSUM,
			     to_checksum_update(to_raw16(p + TO_IP4_CHECKSUM), diff));
	} else {
		p = to_field(data, end, l3, TO_IP6_HEADER);
		if (!p)
			return 0;
		to_put_addr6(p + (destination ? 24 : 8), to);
	}
	return diff;
}

/* The checksum behind the IP header, after a change of `diff` in the pseudo-header. */
TO_INLINE void to_rewrite_l4(uint8_t *data, const uint8_t *end, const struct to_packet *k,
			     uint64_t diff)
{
	uint32_t at = to_l4_checksum_offset(k->ipproto);
	uint8_t *p;

	if (!at || k->flags & TO_PKT_LATER)
		return;
	p = to_field(data, end, k->l4 + at, 2);
	if (p)
		to_l4_checksum_at(p, k->ipproto, diff);
}

/* to_rewrite_addr of IPv4. */
TO_INLINE void to_rewrite_addr4(uint8_t *data, const uint8_t *end, const struct to_packet *k,
				bool destination, uint32_t to)
{
	uint64_t diff = (uint64_t)(uint32_t) ~(destination ? k->dst : k->src).w[3] + to;
	uint8_t *p = to_field(data, end, k->l3, TO_IP4_HEADER);

	if (!p)
		return;
	p[8]--;
	to_put_raw32(p + (destination ? 16 : 12), to);
	to_put_raw16(p + TO_IP4_CHECKSUM,
		     to_checksum_update(to_raw16(p + TO_IP4_CHECKSUM), diff + TO_TTL_DIFF));
	to_rewrite_l4(data, end, k, diff);
}

/* dnat, or its way back: TTL less one (the caller has seen that it is above 1), one address of the
 * packet, and every checksum that has them. */
TO_INLINE void to_rewrite_addr(uint8_t *data, const uint8_t *end, const struct to_packet *k,
			       bool destination, const union to_addr *to)
{
	uint64_t diff;
	uint8_t *p;

	if (TO_LIKELY(k->family == TO_IP4)) {
		to_rewrite_addr4(data, end, k, destination, to->w[3]);
		return;
	}
	diff = to_addr_diff(destination ? &k->dst : &k->src, to, TO_IP6);
	p = to_field(data, end, k->l3, TO_IP6_HEADER);
	if (!p)
		return;
	p[7]--;
	to_put_addr6(p + (destination ? 24 : 8), to);
	to_rewrite_l4(data, end, k, diff);
}

/* TTL or hop limit less one; the caller has seen that it is above 1. */
TO_INLINE void to_rewrite_ttl(uint8_t *data, const uint8_t *end, const struct to_packet *k)
{
	uint8_t *p;

	if (k->family == TO_IP4) {
		p = to_field(data, end, k->l3, TO_IP4_HEADER);
		if (!p)
			return;
		p[8]--;
		to_put_raw16(p + TO_IP4_CHECKSUM,
			     to_checksum_update(to_raw16(p + TO_IP4_CHECKSUM), TO_TTL_DIFF));
	} else {
		p = to_field(data, end, k->l3, TO_IP6_HEADER);
		if (p)
			p[7]--;
	}
}

/*
 * The embedded packet of an ICMP error: one address of it, its IPv4 checksum, its transport
 * checksum where that is inside. Returns ~old + new of every word changed, for the ICMP checksum.
 */
TO_INLINE uint64_t to_rewrite_embedded(uint8_t *data, const uint8_t *end, const struct to_packet *k,
				       bool destination, const union to_addr *to)
{
	const union to_addr *from = destination ? &k->embedded_dst : &k->embedded_src;
	uint32_t at = to_l4_checksum_offset(k->embedded_ipproto);
	uint64_t diff, sum;
	uint8_t *p;

	diff = to_put_addr(data, end, k->embedded_l3, k->embedded_family, destination, from, to);
	sum = k->embedded_family == TO_IP4 ? 0 : diff; /* an IPv4 header sums up to the same */
	if (!at || k->embedded_l4 + at + 2 > (uint32_t)k->l3 + k->l3_len)
		return sum;
	p = to_field(data, end, k->embedded_l4 + at, 2);
	if (!p)
		return sum;
	sum += (uint16_t)~to_raw16(p);
	to_l4_checksum_at(p, k->embedded_ipproto, diff);
	return sum + to_raw16(p);
}

/* An ICMP error about a dnat flow. `destination`: it goes to an edge (outer destination and
 * embedded source become the edge's); else to a client (embedded destination, and `outer` when the
 * source is the edge, become the VIP's). */
TO_INLINE void to_rewrite_icmp(uint8_t *data, const uint8_t *end, const struct to_packet *k,
			       bool destination, bool outer, const union to_addr *to)
{
	uint64_t sum = to_rewrite_embedded(data, end, k, !destination, to);
	uint8_t *p;

	if (outer) {
		uint64_t diff = to_put_addr(data, end, k->l3, k->family, destination,
					    destination ? &k->dst : &k->src, to);

		if (k->family == TO_IP6)
			sum += diff; /* ICMPv6 has a pseudo-header */
	}
	p = to_field(data, end, k->l4 + TO_ICMP_CHECKSUM, 2);
	if (p)
		to_put_raw16(p, to_checksum_update(to_raw16(p), sum));
}

/* The words of a tunnel's header that was quoted, and of a fragment header behind it, to be taken
 * from a sum: their complements. */
TO_INLINE uint64_t to_sum_cut(const uint8_t *data, const uint8_t *end, uint32_t off, uint32_t cut)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < TO_TUNNEL_WORDS; i++) {
		const uint8_t *p = to_bytes_at(data, end, off + i * 4, 4);

		if (i * 4 >= cut || !p)
			break;
		sum += (uint32_t)~to_sum32(p);
	}
	return sum;
}

/* The MTU that the error reports, less the tunnel's header. Returns ~old + new. */
TO_INLINE uint64_t to_put_tunnel_mtu(uint8_t *icmp, const struct to_packet *k, uint32_t cut)
{
	to_be32 mtu = to_net32(to_load32(icmp + 4) - cut);
	uint64_t diff = 0;

	if (k->family == TO_IP6 && k->icmp_type == 2) {
		diff = (uint32_t)~to_sum32(icmp + 4) + (uint64_t)mtu.raw;
		to_put_raw32(icmp + 4, mtu.raw);
	} else if (k->family == TO_IP4 && k->icmp_type == 3 && icmp[1] == 4) {
		uint16_t new = to_net16(to_load16(icmp + 6) - cut).raw;

		diff = (uint16_t)~to_raw16(icmp + 6) + (uint64_t) new;
		to_put_raw16(icmp + 6, new);
	}
	return diff;
}

/* The length of an IP header at `l3`, and for IPv4 its checksum, `cut` bytes less. */
TO_INLINE void to_put_shorter(uint8_t *data, const uint8_t *end, const struct to_packet *k,
			      uint32_t cut)
{
	bool v4 = k->family == TO_IP4;
	uint8_t *p = to_field(data, end, k->l3, TO_IP4_HEADER);
	uint16_t old, new;

	if (!p)
		return;
	p += v4 ? 2 : 4;
	old = to_raw16(p);
	new = to_net16(to_load16(p) - cut).raw;
	to_put_raw16(p, new);
	p += TO_IP4_CHECKSUM - 2;
	if (v4)
		to_put_raw16(p, to_checksum_update(to_raw16(p), (uint16_t)~old + (uint64_t) new));
}

/*
 * An ICMP error about our tunnel goes on from the VIP to the client who is in the tunnel. Writes
 * everything as it is without the tunnel's header (addresses, lengths, MTU, checksums); to take the
 * header out, bytes tunnel_l3 to embedded_l3, is left to the engine.
 */
TO_INLINE void to_rewrite_tunnel_error(uint8_t *data, const uint8_t *end, const struct to_packet *k,
				       const union to_addr *vip)
{
	uint32_t cut = k->embedded_l3 - k->tunnel_l3;
	uint32_t len = k->l3 + k->l3_len - k->l4;
	uint64_t diff = to_sum_cut(data, end, k->tunnel_l3, cut), addresses;
	uint8_t *icmp;

	addresses = to_put_addr(data, end, k->l3, k->family, false, &k->src, vip) +
		    to_put_addr(data, end, k->l3, k->family, true, &k->dst, &k->embedded_src);
	to_put_shorter(data, end, k, cut);
	if (k->family == TO_IP6) /* ICMPv6 has a pseudo-header */
		diff += addresses + (uint16_t)~to_net16(len).raw + to_net16(len - cut).raw;
	icmp = to_field(data, end, k->l4, TO_ICMP_HEADER);
	if (!icmp)
		return;
	diff += to_put_tunnel_mtu(icmp, k, cut);
	icmp += TO_ICMP_CHECKSUM;
	to_put_raw16(icmp, to_checksum_update(to_raw16(icmp), diff));
}

/* The family of a tunnel to `g`: the packet's where the edge has an address of it, else the other.
 */
TO_INLINE bool to_tunnel_is_v4(const struct to_target *g, const struct to_packet *k)
{
	return k->family == TO_IP4 ? g->has4 : !g->has6;
}

/* Bytes that the tunnel adds. */
TO_INLINE uint32_t to_tunnel_overhead(const struct to_target *g, const struct to_packet *k)
{
	return to_tunnel_is_v4(g, k) ? TO_IP4_HEADER : TO_IP6_HEADER;
}

/* IPv4 outer header (RFC 2003) in 20 bytes at p. `inner`: bytes of the packet inside. */
TO_INLINE void to_put_tunnel4(uint8_t *p, const struct to_packet *k, uint32_t inner, uint8_t tos,
			      to_be32 from, to_be32 to)
{
	to_be16 total = to_net16(TO_IP4_HEADER + inner);
	uint64_t sum;

	p[0] = 0x45;
	p[1] = tos;
	to_put_raw16(p + 2, total.raw);
	p[4] = p[5] = 0;
	p[6] = 0x40; /* DF: what is too big has been refused before */
	p[7] = 0;
	p[8] = TO_TUNNEL_TTL;
	p[9] = k->family == TO_IP4 ? TO_IP_IP4 : TO_IP_IP6;
	p[10] = p[11] = 0;
	to_put_raw32(p + 12, from.raw);
	to_put_raw32(p + 16, to.raw);
	sum = to_sum32(p) + to_sum32(p + 4) + to_sum32(p + 8) + to_sum32(p + 12) + to_sum32(p + 16);
	to_put_raw16(p + 10, ~to_fold16(sum));
}

/* IPv6 outer header (RFC 2473) in 40 bytes at p. */
TO_INLINE void to_put_tunnel6(uint8_t *p, const struct to_packet *k, uint32_t inner, uint8_t tos,
			      const union to_addr *from, const union to_addr *to)
{
	to_be16 length = to_net16(inner);

	p[0] = 0x60 | tos >> 4;
	p[1] = (uint8_t)(tos << 4);
	p[2] = p[3] = 0;
	to_put_raw16(p + 4, length.raw);
	p[6] = k->family == TO_IP4 ? TO_IP_IP4 : TO_IP_IP6;
	p[7] = TO_TUNNEL_TTL;
	to_put_addr6(p + 8, from);
	to_put_addr6(p + 24, to);
}

/* Traffic class of the packet, which a tunnel copies (DSCP and ECN, RFC 6040 normal mode). */
TO_INLINE uint8_t to_traffic_class(const uint8_t *data, const uint8_t *end,
				   const struct to_packet *k)
{
	const uint8_t *p = to_bytes_at(data, end, k->l3, 2);

	if (!p)
		return 0;
	return k->family == TO_IP4 ? p[1] : (uint8_t)(p[0] << 4 | p[1] >> 4);
}

/* The VLAN tags' last ethertype, for what is inside the tunnel's first header. */
TO_INLINE void to_put_ethertype(uint8_t *data, const uint8_t *end, uint32_t l3,
				enum to_ethertype type)
{
	to_be16 v = to_net16(type);
	uint8_t *p = to_field(data, end, l3 - 2, 2);

	if (p)
		to_put_raw16(p, v.raw);
}

#define TO_MTU_LEAST 68 /* that every IPv4 link has: RFC 791, 3.2 */

/*
 * Before anything is rewritten: may the packet leave, by TTL and MTU? If not, it is dropped by
 * name. Returns the IP MTU to report (too-big), never below TO_MTU_LEAST, or 0. `overhead`: of the
 * tunnel.
 */
TO_INLINE uint32_t to_check_egress(struct to_packet *k, uint32_t mtu, uint32_t overhead)
{
	if (TO_UNLIKELY(k->ttl <= 1)) {
		k->out.reason = TO_REASON_TTL;
	} else if (TO_UNLIKELY(k->l3_len + overhead > mtu)) {
		k->out.reason = TO_REASON_TOO_BIG;
	} else {
		return 0;
	}
	k->out.verdict = TO_VERDICT_DROP;
	k->out.action = TO_ACT_NONE;
	return mtu > overhead + TO_MTU_LEAST ? mtu - overhead : TO_MTU_LEAST;
}

#endif
