/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Frames as a test describes them: built field by field, every checksum computed in full, sharing
 * no code with turnout/rewrite.h. What the pipeline should have made of a frame is another
 * description, and its bytes are compared one by one.
 */
#ifndef TESTS_FRAME_H
#define TESTS_FRAME_H

#include <turnout/types.h>

#define FRAME_MAX     4096
#define FRAME_PAYLOAD 2600

enum { IPPROTO_TCP_ = 6, IPPROTO_UDP_ = 17, IPPROTO_ICMP_ = 1, IPPROTO_ICMP6_ = 58 };
enum { F_FIN = 1, F_SYN = 2, F_RST = 4, F_PSH = 8, F_ACK = 16 };

struct frame_spec {
	uint8_t family; /* 4 or 6 */
	uint8_t proto;  /* as in an IP header */
	uint8_t tcp_flags;
	uint8_t ttl;
	uint8_t tos;
	uint8_t vlans;
	bool udp_unsummed; /* UDP checksum 0: IPv4 only */
	bool more;         /* a fragment, and not the last one */
	bool reset;        /* TCP: `seq` and `ack` are what they say, and the window is 0 */
	uint16_t sport;
	uint16_t dport;
	uint16_t pad;        /* bytes of Ethernet padding behind the packet */
	uint16_t ip_options; /* bytes, a multiple of 4; IPv6: of 8, in a hop-by-hop header */
	uint32_t id;
	/* Of the IP payload, only `fragment_len` bytes from `fragment_at` on; 0: all of it. */
	uint16_t fragment_at;
	uint16_t fragment_len;
	uint16_t icmp_type;  /* type << 8 | code */
	uint32_t icmp_value; /* the second word of an ICMP header */
	uint32_t seq, ack;   /* with `reset` */
	union to_addr src;
	union to_addr dst;
	uint8_t mac_dst[6];
	uint8_t mac_src[6];
	uint16_t len; /* of the payload */
	uint8_t payload[FRAME_PAYLOAD];
};

/* What is common to all: TTL 64, MACs, no payload. The payload's bytes are left as they are. */
void frame_init(struct frame_spec *s, const union to_addr *src, const union to_addr *dst,
		uint8_t proto, uint16_t sport, uint16_t dport);
void frame_set_payload(struct frame_spec *s, const void *bytes, uint32_t len);
/* `len` bytes that are no protocol, different by `salt`. */
void frame_fill_payload(struct frame_spec *s, uint32_t len, uint32_t salt);

/* The RST that answers *about, a segment of frame_build(): RFC 9293, 3.10.7.1. MACs are left out.
 */
void frame_reset(struct frame_spec *s, const struct frame_spec *about);

/* Writes the frame, returns its length in bytes (at most FRAME_MAX). */
uint32_t frame_build(const struct frame_spec *s, uint8_t *out);
/* Only the IP packet. */
uint32_t frame_build_ip(const struct frame_spec *s, uint8_t *out);
/* The frame inside an IP tunnel as RFC 2003 and RFC 2473 have it: DF, TTL 64, the packet's TOS. */
uint32_t frame_build_tunnel(const struct frame_spec *s, const union to_addr *from,
			    const union to_addr *to, uint8_t *out);

/* RFC 1071 over big-endian words, one by one. */
uint16_t frame_checksum(const uint8_t *p, uint32_t len, uint32_t sum);

/*
 * Judges a whole frame by itself: lengths, IPv4 header checksum, TCP, UDP, ICMP, ICMPv6 checksums,
 * also inside a tunnel. NULL when all is right, else what is not.
 */
const char *frame_verify(const uint8_t *data, uint32_t len);

bool frame_is_v4(const union to_addr *a);
union to_addr frame_v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d);
union to_addr frame_addr(const char *text);
const char *frame_addr_text(const union to_addr *a, char *out, size_t size);

#endif
