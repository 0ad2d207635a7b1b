/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The RST that answers a client's segment to an edge that is resetting (docs/state.md, 5.4), in the
 * place of that segment, which is never shorter. An engine cuts the frame, turns the MACs round,
 * and counts against TO_RESET_RATE. Its process makes silent clients send one, by a SYN.
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

/* The fields of a TCP header that say something; as they lie in it. */
struct to_tcp_numbers {
	uint32_t seq;
	uint32_t ack;
	uint8_t flags;
};

struct to_tcp_ends {
	const union to_addr *from;
	const union to_addr *to;
	uint8_t family; /* enum to_family */
	to_be16 sport;
	to_be16 dport;
};

/* The IP and the TCP header of a segment without data at p. */
TO_INLINE void to_put_bare_tcp(uint8_t *p, const struct to_tcp_ends *ends,
			       const struct to_tcp_numbers *n)
{
	uint64_t sum = to_pseudo_sum(ends->from, ends->to, ends->family, TO_IP_TCP, TO_TCP_HEADER);

	if (ends->family == TO_IP4) {
		to_put_own4(p, ends->from, ends->to, TO_IP_TCP, TO_TCP_HEADER);
		p += TO_IP4_HEADER;
	} else {
		to_put_own6(p, ends->from, ends->to, TO_IP_TCP, TO_TCP_HEADER);
		p += TO_IP6_HEADER;
	}
	__builtin_memcpy(p, &ends->sport, 2);
	__builtin_memcpy(p + 2, &ends->dport, 2);
	__builtin_memcpy(p + 4, &n->seq, 4);
	__builtin_memcpy(p + 8, &n->ack, 4);
	p[12] = TO_TCP_HEADER / 4 << 4;
	p[13] = n->flags;
	p[14] = p[15] = p[16] = p[17] = p[18] = p[19] = 0;
	for (uint32_t i = 0; i < TO_TCP_HEADER; i += 4)
		sum += to_sum32(p + i);
	to_put_raw16(p + TO_TCP_CHECKSUM, ~to_fold16(sum));
}

/* What answers a segment: RFC 9293, 3.10.7.1. `tcp`: the segment's header. With its ACK as the
 * sequence number the client takes the RST at once, RFC 5961, 3.2. */
TO_INLINE struct to_tcp_numbers to_reset_numbers(const uint8_t *tcp, const struct to_packet *k)
{
	struct to_tcp_numbers n = {.flags = TO_TCPF_RST};
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

/* The RST at p, where the segment's IP packet was: from the VIP to the client. With a constant
 * `family`, for BPF. */
TO_INLINE void to_put_reset(uint8_t *p, const struct to_packet *k, enum to_family family,
			    const struct to_tcp_numbers *n)
{
	const struct to_tcp_ends ends = {&k->dst, &k->src, family, k->dport, k->sport};

	to_put_bare_tcp(p, &ends, n);
}

#endif
