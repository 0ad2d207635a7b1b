/* SPDX-License-Identifier: BSD-3-Clause */
/* Packets that an engine sends of itself, in the place of one that came: their IP headers, and how
 * many there may be in a second. */
#ifndef TURNOUT_OWN_PACKET_H
#define TURNOUT_OWN_PACKET_H

#include "rewrite.h"

/* Is the packet's sender one host? */
TO_INLINE bool to_may_be_answered(const struct to_packet *k)
{
	uint8_t first = k->family == TO_IP4 ? k->src.b[12] : k->src.b[0];

	return k->family == TO_IP4 ? first > 0 && first < 224 : first != 0xff;
}

/* Is there one left in this second? Takes it. */
TO_INLINE bool to_within_budget(struct to_budget *b, uint32_t now, uint32_t rate)
{
	if (b->second != now) {
		b->second = now;
		b->sent = 0;
	}
	return b->sent++ < rate;
}

/* An IPv4 header at p, in front of `length` bytes. */
TO_INLINE void to_put_own4(uint8_t *p, const union to_addr *from, const union to_addr *to,
			   enum to_ipproto proto, uint32_t length)
{
	to_be16 total = to_net16(TO_IP4_HEADER + length);

	p[0] = 0x45;
	p[1] = 0;
	to_put_raw16(p + 2, total.raw);
	p[4] = p[5] = p[6] = p[7] = 0;
	p[8] = TO_TUNNEL_TTL;
	p[9] = proto;
	p[10] = p[11] = 0;
	to_put_raw32(p + 12, from->w[3]);
	to_put_raw32(p + 16, to->w[3]);
	to_put_raw16(p + TO_IP4_CHECKSUM,
		     ~to_fold16(to_sum32(p) + to_sum32(p + 4) + to_sum32(p + 8) + to_sum32(p + 12) +
				to_sum32(p + 16)));
}

/* Likewise an IPv6 header. */
TO_INLINE void to_put_own6(uint8_t *p, const union to_addr *from, const union to_addr *to,
			   enum to_ipproto proto, uint32_t length)
{
	to_be16 payload = to_net16(length);

	p[0] = 0x60;
	p[1] = p[2] = p[3] = 0;
	to_put_raw16(p + 4, payload.raw);
	p[6] = proto;
	p[7] = TO_TUNNEL_TTL;
	to_put_addr6(p + 8, from);
	to_put_addr6(p + 24, to);
}

/* The pseudo-header's sum, not folded (RFC 9293, 3.1; RFC 8200, 8.1). */
TO_INLINE uint64_t to_pseudo_sum(const union to_addr *from, const union to_addr *to, uint8_t family,
				 enum to_ipproto proto, uint32_t length)
{
	uint64_t sum = (uint64_t)to_net16(length).raw + to_net16(proto).raw + from->w[3] + to->w[3];

	if (family == TO_IP6)
		for (uint32_t i = 0; i < 3; i++)
			sum += (uint64_t)from->w[i] + to->w[i];
	return sum;
}

#endif
