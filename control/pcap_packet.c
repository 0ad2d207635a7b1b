/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Unlike turnout/parse.h, which drops a packet that is not there whole, this takes what a capture
 * has kept of it, of any link type.
 */
#include "pcap_packet.h"

#include <pcap/pcap.h>

struct cursor {
	const uint8_t *p;
	uint32_t size; /* in memory */
	uint32_t off;
	uint32_t end; /* of the packet, by its headers; beyond `size` when it was cut */
};

static bool have(const struct cursor *c, uint32_t n)
{
	return c->off <= c->size && c->size - c->off >= n && c->off <= c->end &&
	       c->end - c->off >= n;
}

static uint16_t get16(const struct cursor *c, uint32_t at)
{
	return to_load16(c->p + c->off + at);
}

bool to_link_known(int link)
{
	switch (link) {
	case DLT_EN10MB:
	case DLT_RAW:
	case DLT_IPV4:
	case DLT_IPV6:
	case DLT_NULL:
	case DLT_LOOP:
	case DLT_LINUX_SLL:
	case DLT_LINUX_SLL2:
		return true;
	default:
		return false;
	}
}

/* A header of `size` bytes, its ethertype at `type_at`, then VLAN tags. False: not IP. */
static bool skip_ethertypes(struct cursor *c, uint32_t size, uint32_t type_at)
{
	uint16_t type;

	if (!have(c, size))
		return false;
	type = get16(c, type_at);
	c->off += size;
	for (int tags = 0; tags < TO_MAX_VLANS; tags++) {
		if (type != TO_ETH_VLAN && type != TO_ETH_QINQ && type != TO_ETH_QINQ_OLD)
			break;
		if (!have(c, 4))
			return false;
		type = get16(c, 2);
		c->off += 4;
	}
	return type == TO_ETH_IP4 || type == TO_ETH_IP6;
}

static bool skip_link(struct cursor *c, int link)
{
	switch (link) {
	case DLT_EN10MB:
		return skip_ethertypes(c, 14, 12);
	case DLT_LINUX_SLL:
		return skip_ethertypes(c, 16, 14);
	case DLT_LINUX_SLL2:
		return skip_ethertypes(c, 20, 0);
	case DLT_NULL: /* the address family, in the byte order of another machine: not needed */
	case DLT_LOOP:
		c->off += 4;
		return true;
	default:
		return true;
	}
}

/* Both return the protocol of what follows, at c->off; -1: there is nothing to be found. */
static int skip_ip4(struct cursor *c, struct to_captured *found, bool *later)
{
	uint32_t header, total;
	uint8_t proto;

	if (!have(c, 20))
		return -1;
	header = (c->p[c->off] & 15) * 4u;
	proto = c->p[c->off + 9];
	total = get16(c, 2);
	if (total && total < c->end - c->off) /* 0: the network card was to fill it in */
		c->end = c->off + total;
	found->src = to_addr_v4(to_net32(to_load32(c->p + c->off + 12)));
	found->dst = to_addr_v4(to_net32(to_load32(c->p + c->off + 16)));
	*later = get16(c, 6) & 0x1fff;
	if (header < 20 || !have(c, header))
		return -1;
	c->off += header;
	return proto;
}

static bool is_extension(uint8_t next)
{
	return next == TO_IP_HOPOPTS || next == TO_IP_ROUTING || next == TO_IP_FRAGMENT ||
	       next == TO_IP_DSTOPTS || next == TO_IP_MOBILITY;
}

static int skip_ip6(struct cursor *c, struct to_captured *found, bool *later)
{
	uint32_t size;
	uint8_t next;

	if (!have(c, 40))
		return -1;
	next = c->p[c->off + 6];
	size = 40 + get16(c, 4);
	if (size > 40 && size < c->end - c->off) /* 0: a jumbogram, or as above */
		c->end = c->off + size;
	memcpy(&found->src, c->p + c->off + 8, 16);
	memcpy(&found->dst, c->p + c->off + 24, 16);
	c->off += 40;
	for (int i = 0; i < TO_MAX_IP6_HEADERS && is_extension(next); i++) {
		if (!have(c, 8))
			return -1;
		size = next == TO_IP_FRAGMENT ? 8 : 8 + c->p[c->off + 1] * 8u;
		if (next == TO_IP_FRAGMENT && get16(c, 2) & 0xfff8)
			*later = true;
		next = c->p[c->off];
		if (*later)
			return next;
		if (!have(c, size))
			return -1;
		c->off += size;
	}
	return next;
}

/* TCP and UDP begin alike. */
static bool skip_ports(struct cursor *c, struct to_captured *found)
{
	uint32_t header = 8, udp;

	if (!have(c, found->proto == TO_UDP ? 8 : 20))
		return false;
	found->sport = get16(c, 0);
	found->dport = get16(c, 2);
	if (found->proto == TO_TCP) {
		header = (c->p[c->off + 12] >> 4) * 4u;
		if (header < 20 || header > c->end - c->off)
			return false;
	} else {
		udp = get16(c, 4);
		if (udp < 8)
			return false;
		if (udp < c->end - c->off)
			c->end = c->off + udp;
	}
	c->off += header;
	return true;
}

enum to_found to_find_payload(int link, const uint8_t *frame, uint32_t size, uint32_t len,
			      struct to_captured *found)
{
	struct cursor c = {.p = frame, .size = size, .end = len};
	bool later = false;
	int proto;

	memset(found, 0, sizeof(*found));
	if (!skip_link(&c, link) || !have(&c, 1))
		return TO_FOUND_NOTHING;
	if (frame[c.off] >> 4 == 4)
		proto = skip_ip4(&c, found, &later);
	else if (frame[c.off] >> 4 == 6)
		proto = skip_ip6(&c, found, &later);
	else
		return TO_FOUND_NOTHING;
	if (proto != TO_IP_TCP && proto != TO_IP_UDP)
		return TO_FOUND_NOTHING;
	if (later)
		return TO_FOUND_FRAGMENT;
	found->proto = proto == TO_IP_TCP ? TO_TCP : TO_UDP;
	if (!skip_ports(&c, found))
		return TO_FOUND_NOTHING;
	found->payload = to_bytes_of(frame, size, c.off, c.end - c.off);
	return TO_FOUND_PAYLOAD;
}
