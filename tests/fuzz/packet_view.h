/* SPDX-License-Identifier: BSD-3-Clause */
/* A second, plain reading of a frame, for the checks only: IP without extension headers. */
#ifndef TURNOUT_FUZZ_PACKET_VIEW_H
#define TURNOUT_FUZZ_PACKET_VIEW_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct fuzz_view {
	uint32_t l3;      /* offset of the IP header */
	uint32_t l3_len;  /* by the IP header */
	uint32_t header;  /* bytes of the IP header */
	uint8_t version;  /* 4, 6; 0: not whole, or not IP */
	uint8_t protocol; /* what follows the fixed header (and IPv4 options) */
	bool fragment;
	uint8_t ttl;
	uint8_t src[16];
	uint8_t dst[16];
};

static inline uint32_t view16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

/* One's complement sum of big-endian words (RFC 1071), not folded. */
static inline uint32_t view_sum(const uint8_t *p, uint32_t len)
{
	uint32_t sum = 0;

	for (; len > 1; p += 2, len -= 2)
		sum += view16(p);
	return len ? sum + ((uint32_t)p[0] << 8) : sum;
}

static inline uint16_t view_fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static inline void view4(const uint8_t *p, struct fuzz_view *v)
{
	v->version = 4;
	v->header = (p[0] & 15) * 4u;
	v->l3_len = view16(p + 2);
	v->fragment = view16(p + 6) & 0x3fff;
	v->ttl = p[8];
	v->protocol = p[9];
	memcpy(v->src, p + 12, 4);
	memcpy(v->dst, p + 16, 4);
}

static inline void view6(const uint8_t *p, struct fuzz_view *v)
{
	v->version = 6;
	v->header = 40;
	v->l3_len = 40 + view16(p + 4);
	v->protocol = p[6];
	v->fragment = p[6] == 44;
	v->ttl = p[7];
	memcpy(v->src, p + 8, 16);
	memcpy(v->dst, p + 24, 16);
}

/* False: not an IP packet with a whole fixed header behind at most two tags. */
static inline bool view_read(const uint8_t *data, uint32_t len, struct fuzz_view *v)
{
	uint32_t at = 12, type, tags;

	memset(v, 0, sizeof(*v));
	for (tags = 0;; tags++, at += 4) {
		if (at + 2 > len)
			return false;
		type = view16(data + at);
		if (type != 0x8100 && type != 0x88a8 && type != 0x9100)
			break;
		if (tags == 2)
			return false;
	}
	v->l3 = at + 2;
	if (type == 0x0800 && v->l3 + 20 <= len && data[v->l3] >> 4 == 4)
		view4(data + v->l3, v);
	else if (type == 0x86dd && v->l3 + 40 <= len && data[v->l3] >> 4 == 6)
		view6(data + v->l3, v);
	return v->version;
}

/* Is all of the packet there that its header says, and its header possible? */
static inline bool view_whole(const struct fuzz_view *v, uint32_t len)
{
	return v->header >= 20 && v->l3_len >= v->header && v->l3 + v->l3_len <= len;
}

/* Offset of the transport checksum from the start of the frame; 0: none that is read here. */
static inline uint32_t view_l4_checksum(const struct fuzz_view *v)
{
	uint32_t l4 = v->l3 + v->header, bytes = v->l3_len - v->header;

	if (v->fragment)
		return 0;
	if (v->protocol == 6 && bytes >= 20)
		return l4 + 16;
	if (v->protocol == 17 && bytes >= 8)
		return l4 + 6;
	if (v->protocol == (v->version == 4 ? 1 : 58) && bytes >= 8)
		return l4 + 2;
	return 0;
}

/* Of the whole transport segment with its pseudo-header: 0xffff when the checksum in it is right.
 * A UDP length below the IP payload's cuts the segment. */
static inline uint16_t view_l4_sum(const uint8_t *data, const struct fuzz_view *v)
{
	uint32_t l4 = v->l3 + v->header, bytes = v->l3_len - v->header, sum = 0;
	uint32_t addr = v->version == 4 ? 4 : 16;

	if (v->protocol == 17 && view16(data + l4 + 4) >= 8 && view16(data + l4 + 4) < bytes)
		bytes = view16(data + l4 + 4);
	if (v->protocol != 1)
		sum = view_sum(v->src, addr) + view_sum(v->dst, addr) + v->protocol + bytes;
	return view_fold(sum + view_sum(data + l4, bytes));
}

#endif
