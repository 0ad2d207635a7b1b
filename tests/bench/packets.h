/* SPDX-License-Identifier: BSD-3-Clause */
/* Packets of every kind that a benchmark sends, written in place. */
#ifndef TURNOUT_BENCH_PACKETS_H
#define TURNOUT_BENCH_PACKETS_H

#include <turnout/types.h>

#define BENCH_MAX_PAYLOAD 1500

/* Whom a packet is from and to. Both addresses are of one family. */
struct bench_ends {
	union to_addr src, dst;
	to_be16 sport, dport;
	uint8_t proto;     /* enum to_proto */
	uint8_t tcp_flags; /* enum to_tcp_flags */
};

/* Ethernet, IP and UDP or TCP headers for so much payload, which goes behind them. Returns their
 * length. The IPv4 checksum is right, the other one is made up: nobody but a host looks at it. */
uint32_t bench_put_headers(uint8_t *p, const struct bench_ends *ends, uint32_t payload);

/* Where the destination address of such a frame lies, and the source's. */
static inline uint32_t bench_destination_at(bool six)
{
	return six ? 38 : 30;
}

static inline uint32_t bench_source_at(bool six)
{
	return six ? 22 : 26;
}

/* A SIP message of which all are made: each has its own Call-ID and branch. */
struct bench_sip {
	char text[BENCH_MAX_PAYLOAD];
	uint32_t len;
	uint32_t call_id; /* offset of 16 hexadecimal digits */
	uint32_t branch;
};

/* An INVITE of `len` bytes with SDP, in the order that user agents write; `late`: with Call-ID as
 * the last header. */
void bench_sip_invite(struct bench_sip *m, uint32_t len, bool late);
/* Its 200 with SDP, of `len` bytes. */
void bench_sip_answer(struct bench_sip *m, uint32_t len);

void bench_sip_put(const struct bench_sip *m, uint8_t *p, uint64_t call, uint64_t branch);

#endif
