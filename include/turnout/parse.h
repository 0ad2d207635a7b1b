/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From bytes to struct to_packet: Ethernet, VLAN tags, IPv4, IPv6 and its extension headers,
 * fragments, TCP, UDP, ICMP with the packet embedded in an error. docs/state.md, sections 3 and 9.
 *
 * Bounds: `data` to `end` is the frame. Every access is checked against `end`, because the BPF
 * verifier believes nothing else, and against the lengths in the headers.
 */
#ifndef TURNOUT_PARSE_H
#define TURNOUT_PARSE_H

#include "bytes.h"
#include "limits.h"
#include "packet.h"

#define TO_ETH_HEADER  14
#define TO_IP4_HEADER  20
#define TO_IP6_HEADER  40
#define TO_TCP_HEADER  20
#define TO_UDP_HEADER  8
#define TO_ICMP_HEADER 8

TO_INLINE bool to_is_vlan(uint16_t ethertype)
{
	return ethertype == TO_ETH_VLAN || ethertype == TO_ETH_QINQ || ethertype == TO_ETH_QINQ_OLD;
}

/* A pointer to `n` bytes at `off`, or NULL. */
TO_INLINE const uint8_t *to_bytes_at(const uint8_t *data, const uint8_t *end, uint32_t off,
				     uint32_t n)
{
	const uint8_t *p;

	TO_OPAQUE(off);
	off &= TO_MAX_OFFSET; /* nothing that is read lies further: for the verifier */
	p = data + off;
	return p + n <= end ? p : NULL;
}

TO_INLINE void to_set_addr4(union to_addr *a, const uint8_t *p)
{
	a->d[0] = 0;
	a->d[1] = (uint64_t)to_raw32(p) << 32 | __builtin_bswap32(0x0000ffff);
}

TO_INLINE void to_set_addr6(union to_addr *a, const uint8_t *p)
{
	a->d[0] = to_raw64(p);
	a->d[1] = to_raw64(p + 8);
}

/* One's complement sum of the 16-bit words in 4 bytes at p, not folded. */
TO_INLINE uint64_t to_sum32(const uint8_t *p)
{
	return to_raw32(p);
}

TO_INLINE uint16_t to_fold16(uint64_t sum)
{
	uint32_t low = (uint32_t)sum, all = low + (uint32_t)(sum >> 32);

	all += all < low; /* end-around carry */
	return (uint16_t) ~((~all - (all << 16 | all >> 16)) >> 16);
}

/* IPv4 header checksum (RFC 1071). `p`: 20 readable bytes; options are read from data + l3. */
TO_INLINE bool to_ip4_checksum_good(const uint8_t *data, const uint8_t *end, uint32_t l3,
				    uint32_t words, const uint8_t *p)
{
	uint64_t sum = to_sum32(p) + to_sum32(p + 4) + to_sum32(p + 8) + to_sum32(p + 12) +
		       to_sum32(p + 16);

	if (TO_UNLIKELY(words > 5)) {
		for (uint32_t i = 5; i < 15; i++) {
			const uint8_t *q = to_bytes_at(data, end, l3 + i * 4, 4);

			if (i >= words || !q)
				break;
			sum += to_sum32(q);
		}
	}
	return to_fold16(sum) == 0xffff;
}

/* The packet embedded in an ICMP error at `off`: RFC 792, RFC 4443. Leaves the flags away when the
 * headers are cut; of IPv6 extension headers only a fragment header of offset 0 is understood. */
TO_INLINE void to_parse_embedded4(const uint8_t *data, const uint8_t *end, uint32_t off,
				  struct to_packet *k)
{
	const uint8_t *p = to_bytes_at(data, end, off, TO_IP4_HEADER);
	uint32_t l4;

	if (!p || off + TO_IP4_HEADER > (uint32_t)k->l3 + k->l3_len || (p[0] >> 4) != 4 ||
	    (p[0] & 15) < 5)
		return;
	to_set_addr4(&k->embedded_src, p + 12);
	to_set_addr4(&k->embedded_dst, p + 16);
	l4 = off + (p[0] & 15) * 4;
	k->embedded_family = TO_IP4;
	k->embedded_ipproto = p[9];
	k->embedded_l3 = off;
	k->embedded_l4 = l4;
	k->flags |= TO_PKT_EMBEDDED;
	if (to_load16(p + 6) & 0x1fff)
		k->embedded_ipproto = TO_IP_NONE; /* a later fragment: no ports, no tunnel */
}

TO_INLINE void to_parse_embedded6(const uint8_t *data, const uint8_t *end, uint32_t off,
				  struct to_packet *k)
{
	const uint8_t *p = to_bytes_at(data, end, off, TO_IP6_HEADER);
	uint32_t l4 = off + TO_IP6_HEADER;
	uint8_t next;

	if (!p || l4 > (uint32_t)k->l3 + k->l3_len || (p[0] >> 4) != 6)
		return;
	to_set_addr6(&k->embedded_src, p + 8);
	to_set_addr6(&k->embedded_dst, p + 24);
	next = p[6];
	if (next == TO_IP_FRAGMENT) {
		p = to_bytes_at(data, end, l4, 8);
		next = p && !(to_load16(p + 2) & 0xfff8) ? p[0] : TO_IP_NONE;
		l4 += 8;
	}
	k->embedded_family = TO_IP6;
	k->embedded_ipproto = next;
	k->embedded_l3 = off;
	k->embedded_l4 = l4;
	k->flags |= TO_PKT_EMBEDDED;
}

TO_INLINE void to_parse_embedded(const uint8_t *data, const uint8_t *end, uint32_t off,
				 enum to_family family, struct to_packet *k)
{
	const uint8_t *p;

	k->flags &= ~(TO_PKT_EMBEDDED | TO_PKT_EMBEDDED_PORTS);
	if (family == TO_IP4)
		to_parse_embedded4(data, end, off, k);
	else
		to_parse_embedded6(data, end, off, k);
	if (!(k->flags & TO_PKT_EMBEDDED) ||
	    (k->embedded_ipproto != TO_IP_TCP && k->embedded_ipproto != TO_IP_UDP))
		return;
	p = to_bytes_at(data, end, k->embedded_l4, 4);
	if (!p || k->embedded_l4 + 4u > (uint32_t)k->l3 + k->l3_len)
		return;
	k->embedded_sport.raw = to_raw16(p);
	k->embedded_dport.raw = to_raw16(p + 2);
	k->embedded_proto = k->embedded_ipproto == TO_IP_TCP ? TO_TCP : TO_UDP;
	k->flags |= TO_PKT_EMBEDDED_PORTS;
}

TO_INLINE bool to_icmp_is_error(uint8_t ipproto, uint8_t type)
{
	if (ipproto == TO_IP_ICMP)
		return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
	return type >= 1 && type <= 4;
}

TO_INLINE void to_parse_icmp(const uint8_t *data, const uint8_t *end, uint32_t l4_len,
			     struct to_packet *k)
{
	const uint8_t *p = to_bytes_at(data, end, k->l4, TO_ICMP_HEADER);

	if (l4_len < TO_ICMP_HEADER || !p) {
		k->malformed = TO_REASON_L4_TRUNCATED;
		return;
	}
	k->icmp_type = p[0];
	if (to_icmp_is_error(k->ipproto, p[0])) {
		k->flags |= TO_PKT_ICMP_ERROR;
		to_parse_embedded(data, end, k->l4 + TO_ICMP_HEADER, k->family, k);
	}
}

TO_INLINE void to_parse_tcp(const uint8_t *data, const uint8_t *end, uint32_t l4_len,
			    struct to_packet *k)
{
	const uint8_t *p = to_bytes_at(data, end, k->l4, TO_TCP_HEADER);
	uint32_t header, flags;

	if (l4_len < TO_TCP_HEADER || !p) {
		k->malformed = TO_REASON_L4_TRUNCATED;
		return;
	}
	header = (p[12] >> 4) * 4u;
	flags = p[13] & (TO_TCPF_FIN | TO_TCPF_SYN | TO_TCPF_RST | TO_TCPF_ACK);
	/* of FIN, SYN and RST at most one, and of all four at least one */
	if (header < TO_TCP_HEADER || header > l4_len || !flags ||
	    ((flags & 7) & ((flags & 7) - 1))) {
		k->malformed = TO_REASON_L4_HEADER;
		return;
	}
	k->ports = to_raw32(p);
	k->tcp_flags = flags;
	k->proto = TO_TCP;
	k->flags |= TO_PKT_PORTS | (flags == TO_TCPF_SYN ? TO_PKT_BEGINS : 0);
	k->payload = k->l4 + header;
	k->payload_len = l4_len - header;
}

TO_INLINE void to_parse_udp(const uint8_t *data, const uint8_t *end, uint32_t l4_len,
			    struct to_packet *k)
{
	const uint8_t *p = to_bytes_at(data, end, k->l4, TO_UDP_HEADER);
	uint32_t udp_len;

	if (l4_len < TO_UDP_HEADER || !p) {
		k->malformed = TO_REASON_L4_TRUNCATED;
		return;
	}
	udp_len = to_load16(p + 4);
	if (k->flags & TO_PKT_FIRST && udp_len > l4_len)
		udp_len = l4_len; /* the rest is in later fragments */
	if (udp_len < TO_UDP_HEADER || udp_len > l4_len) {
		k->malformed = TO_REASON_L4_HEADER;
		return;
	}
	k->ports = to_raw32(p);
	k->tcp_flags = 0;
	k->proto = TO_UDP;
	k->flags |= TO_PKT_PORTS | TO_PKT_BEGINS;
	k->payload = k->l4 + TO_UDP_HEADER;
	k->payload_len = udp_len - TO_UDP_HEADER;
}

/* `l4_len`: bytes from k->l4 to the end of the IP packet. */
TO_INLINE void to_parse_l4(const uint8_t *data, const uint8_t *end, uint32_t l4_len,
			   struct to_packet *k)
{
	if (k->flags & TO_PKT_LATER)
		return;
	if (TO_LIKELY(k->ipproto == TO_IP_UDP))
		to_parse_udp(data, end, l4_len, k);
	else if (k->ipproto == TO_IP_TCP)
		to_parse_tcp(data, end, l4_len, k);
	else if (k->ipproto == (k->family == TO_IP4 ? TO_IP_ICMP : TO_IP_ICMP6))
		to_parse_icmp(data, end, l4_len, k);
}

TO_INLINE void to_parse_ip4(const uint8_t *data, const uint8_t *end, uint32_t l3,
			    struct to_packet *k)
{
	const uint8_t *p = to_bytes_at(data, end, l3, TO_IP4_HEADER);
	uint32_t header, total, fragment;

	if (!p || (p[0] >> 4) != 4)
		return;
	k->family = TO_IP4;
	to_set_addr4(&k->src, p + 12);
	to_set_addr4(&k->dst, p + 16);
	k->ttl = p[8];
	k->ipproto = p[9];
	header = (p[0] & 15) * 4u;
	total = to_load16(p + 2);
	k->l3_len = total;
	k->l4 = l3 + header;
	if (header < TO_IP4_HEADER || total < header) {
		k->malformed = TO_REASON_IP_HEADER;
		return;
	}
	if (total > (uint32_t)(end - data) - l3) {
		k->malformed = TO_REASON_IP_TRUNCATED;
		return;
	}
	if (!to_ip4_checksum_good(data, end, l3, header / 4, p)) {
		k->malformed = TO_REASON_IP_CHECKSUM;
		return;
	}
	fragment = to_load16(p + 6) & 0x3fff; /* MF and offset */
	if (TO_UNLIKELY(fragment)) {
		k->flags |= fragment & 0x1fff ? TO_PKT_LATER : TO_PKT_FIRST;
		k->fragment_id = to_load16(p + 4);
	}
	to_parse_l4(data, end, total - header, k);
}

/*
 * Walks the extension headers from *off, of type *next, up to `limit` (the end of the IP packet).
 * Sets the fragment flags. Returns 0 or the enum to_reason that makes the packet malformed.
 */
TO_INLINE uint8_t to_walk_ip6(const uint8_t *data, const uint8_t *end, uint32_t *off,
			      uint32_t limit, uint8_t *next, struct to_packet *k)
{
	bool fragmented = false;

	for (int i = 0; i <= TO_MAX_IP6_HEADERS; i++) {
		const uint8_t *p;
		uint32_t len;

		if (*next != TO_IP_HOPOPTS && *next != TO_IP_ROUTING && *next != TO_IP_FRAGMENT &&
		    *next != TO_IP_DSTOPTS && *next != TO_IP_MOBILITY)
			return 0;
		if (i == TO_MAX_IP6_HEADERS)
			break;
		p = to_bytes_at(data, end, *off, 8);
		if (!p || *off + 8 > limit)
			return TO_REASON_IP_TRUNCATED;
		len = *next == TO_IP_FRAGMENT ? 8 : (p[1] + 1u) * 8;
		if (*off + len > limit)
			return TO_REASON_IP_TRUNCATED;
		if (*next == TO_IP_FRAGMENT) {
			uint32_t fragment = to_load16(p + 2);

			if (fragmented)
				break; /* a second fragment header */
			fragmented = true;
			k->fragment_id = to_load32(p + 4);
			if (fragment & 0xfff8)
				k->flags |= TO_PKT_LATER;
			else if (fragment & 1)
				k->flags |= TO_PKT_FIRST;
		}
		*next = p[0];
		*off += len;
		if (k->flags & TO_PKT_LATER)
			return 0; /* what follows is data */
	}
	return TO_REASON_IP_HEADER;
}

TO_INLINE void to_parse_ip6(const uint8_t *data, const uint8_t *end, uint32_t l3,
			    struct to_packet *k)
{
	const uint8_t *p = to_bytes_at(data, end, l3, TO_IP6_HEADER);
	uint32_t total, off = l3 + TO_IP6_HEADER;
	uint8_t next;

	if (!p || (p[0] >> 4) != 6)
		return;
	k->family = TO_IP6;
	to_set_addr6(&k->src, p + 8);
	to_set_addr6(&k->dst, p + 24);
	k->ttl = p[7];
	next = p[6];
	if (to_addr_is_v4(&k->src)) {
		k->malformed = TO_REASON_IP_HEADER; /* would pass for an IPv4 client */
		return;
	}
	total = TO_IP6_HEADER + to_load16(p + 4);
	if (total > (uint32_t)(end - data) - l3 || total > 0xffff) {
		k->malformed = TO_REASON_IP_TRUNCATED;
		return;
	}
	k->l3_len = total;
	k->malformed = to_walk_ip6(data, end, &off, l3 + total, &next, k);
	k->ipproto = next;
	k->l4 = off;
	if (!k->malformed)
		to_parse_l4(data, end, l3 + total - off, k);
}

/*
 * The commonest packet, for speed: UDP or TCP in IPv4 without VLAN tags, options and fragments,
 * whole and with a good header checksum. What is behind the IP header is not looked at.
 */
TO_INLINE bool to_is_plain(const uint8_t *data, const uint8_t *end)
{
	const uint8_t *p = data + TO_ETH_HEADER;
	uint64_t first, second, sum;
	uint32_t total;

	if (p + TO_IP4_HEADER > end)
		return false;
	first = to_raw64(p);
	second = to_raw64(p + 8);
	/* 0x45 in the first byte, MF and offset 0 in the last two */
	if (to_load16(data + 12) != TO_ETH_IP4 || (first & 0xff3f0000000000ffULL) != 0x45 ||
	    (p[9] != TO_IP_UDP && p[9] != TO_IP_TCP))
		return false;
	total = to_load16(p + 2);
	sum = first + second;
	sum += sum < first;
	first = sum;
	sum += to_sum32(p + 16);
	sum += sum < first;
	return total >= TO_IP4_HEADER && total <= (uint64_t)(end - p) && to_fold16(sum) == 0xffff;
}

/* Fills *k as to_parse does; false: it is not plain, and nothing is filled. */
TO_INLINE bool to_parse_plain(const uint8_t *data, const uint8_t *end, struct to_packet *k)
{
	const uint8_t *p = data + TO_ETH_HEADER;
	uint32_t total;

	if (!to_is_plain(data, end))
		return false;
	total = to_load16(p + 2);
	to_set_addr4(&k->src, p + 12);
	to_set_addr4(&k->dst, p + 16);
	k->family = TO_IP4;
	k->ipproto = p[9];
	k->flags = 0;
	k->l3 = TO_ETH_HEADER;
	k->l4 = TO_ETH_HEADER + TO_IP4_HEADER;
	k->l3_len = total;
	k->payload_len = 0;
	k->ttl = p[8];
	k->malformed = 0;
	k->vlans = 0;
	if (TO_LIKELY(p[9] == TO_IP_UDP))
		to_parse_udp(data, end, total - TO_IP4_HEADER, k);
	else
		to_parse_tcp(data, end, total - TO_IP4_HEADER, k);
	return true;
}

/*
 * Fills the upper half of *k. A frame longer than 65,535 bytes is parsed as far as offsets reach.
 * Never fails: what is not IP has family TO_NO_FAMILY, what is malformed says so.
 */
TO_INLINE void to_parse(const uint8_t *data, const uint8_t *end, struct to_packet *k)
{
	const uint8_t *p = to_bytes_at(data, end, 0, TO_ETH_HEADER);
	uint32_t off = TO_ETH_HEADER;
	uint16_t type;

	k->family = TO_NO_FAMILY;
	k->flags = 0;
	k->malformed = 0;
	k->vlans = 0;
	k->payload_len = 0;
	if (!p)
		return;
	type = to_load16(p + 12);
	for (int i = 0; i < TO_MAX_VLANS && TO_UNLIKELY(to_is_vlan(type)); i++) {
		p = to_bytes_at(data, end, off, 4);
		if (!p)
			return;
		type = to_load16(p + 2);
		off += 4;
		k->vlans++;
	}
	k->l3 = off;
	if (TO_LIKELY(type == TO_ETH_IP4))
		to_parse_ip4(data, end, off, k);
	else if (type == TO_ETH_IP6)
		to_parse_ip6(data, end, off, k);
}

#endif
