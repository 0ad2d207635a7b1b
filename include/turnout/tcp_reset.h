/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The RST that answers a client's segment to an edge that is resetting (docs/state.md, 5.4), in the
 * place of that segment, which is never shorter. An engine cuts the frame, turns the MACs round,
 * and counts against TO_RESET_RATE.
 */
#ifndef TURNOUT_TCP_RESET_H
#define TURNOUT_TCP_RESET_H

#include "own_packet.h"

/* Segments answered a second and worker (or CPU). What is not answered is dropped like the others,
 * and its client sends again: this bounds what a flood makes us send, not what is closed. */
#define TO_RESET_RATE 10000

/* Is the segment to be answered, within the budget? Takes one from it. */
TO_INLINE bool to_reset_due(const struct to_packet *k, struct to_budget *b)
{
	return to_may_be_answered(k) && to_within_budget(b, k->now, TO_RESET_RATE);
}

/* What answers a segment: RFC 9293, 3.10.7.1. As they lie in the header. */
struct to_reset_numbers {
	uint32_t seq;
	uint32_t ack;
	uint8_t flags;
};

/* `tcp`: the segment's header. With its ACK as the sequence number the client takes the RST at
 * once, RFC 5961, 3.2. */
TO_INLINE struct to_reset_numbers to_reset_numbers(const uint8_t *tcp, const struct to_packet *k)
{
	struct to_reset_numbers n = {.flags = TO_TCPF_RST};
	uint32_t length = k->payload_len + (k->tcp_flags & TO_TCPF_FIN ? 1 : 0);

	if (k->tcp_flags & TO_TCPF_ACK) {
		__builtin_memcpy(&n.seq, tcp + 8, 4);
		return n;
	}
	n.ack = to_net32(to_load32(tcp + 4) + length).raw;
	n.flags |= TO_TCPF_ACK;
	return n;
}

/* Bytes of the IP packet. */
TO_INLINE uint32_t to_reset_length(const struct to_packet *k)
{
	return (k->family == TO_IP4 ? TO_IP4_HEADER : TO_IP6_HEADER) + TO_TCP_HEADER;
}

TO_INLINE void to_put_reset_tcp(uint8_t *p, const struct to_packet *k,
				const struct to_reset_numbers *n)
{
	uint64_t sum = to_pseudo_sum(&k->dst, &k->src, k->family, TO_IP_TCP, TO_TCP_HEADER);

	__builtin_memcpy(p, &k->dport, 2);
	__builtin_memcpy(p + 2, &k->sport, 2);
	__builtin_memcpy(p + 4, &n->seq, 4);
	__builtin_memcpy(p + 8, &n->ack, 4);
	p[12] = TO_TCP_HEADER / 4 << 4;
	p[13] = n->flags;
	p[14] = p[15] = p[16] = p[17] = p[18] = p[19] = 0;
	for (uint32_t i = 0; i < TO_TCP_HEADER; i += 4)
		sum += to_sum32(p + i);
	to_put_raw16(p + TO_TCP_CHECKSUM, ~to_fold16(sum));
}

/* The whole IP packet at p, where the segment's was: from the VIP to the client. */
TO_INLINE void to_put_reset4(uint8_t *p, const struct to_packet *k,
			     const struct to_reset_numbers *n)
{
	to_put_own4(p, &k->dst, &k->src, TO_IP_TCP, TO_TCP_HEADER);
	to_put_reset_tcp(p + TO_IP4_HEADER, k, n);
}

TO_INLINE void to_put_reset6(uint8_t *p, const struct to_packet *k,
			     const struct to_reset_numbers *n)
{
	to_put_own6(p, &k->dst, &k->src, TO_IP_TCP, TO_TCP_HEADER);
	to_put_reset_tcp(p + TO_IP6_HEADER, k, n);
}

#endif
