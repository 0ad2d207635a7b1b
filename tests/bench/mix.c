/* SPDX-License-Identifier: BSD-3-Clause */
#include "mix.h"

#include <string.h>

#include <turnout/hash.h>
#include <turnout/packet.h>

#define SIZES 4

#define SIX_IN_1000 100
#define HTTPS       443
#define SIP         5060
#define TURN        3478
#define MEDIA       50000
#define MEDIA_PORTS 10000

const char *const bench_kind_name[BENCH_KINDS] = {"audio", "video",   "tls",
						  "stun",  "sip_udp", "sip_tcp"};
const uint32_t bench_kind_share[BENCH_KINDS] = {500, 280, 170, 30, 10, 10};

/* Payload bytes; SIP: of requests. */
static const uint16_t payload_size[BENCH_KINDS][SIZES] = {
	[BENCH_AUDIO] = {182, 182, 182, 182}, /* RTP 12, 20 ms 160, authentication tag 10 */
	[BENCH_VIDEO] = {1058, 1094, 1130, 1158}, [BENCH_TLS] = {46, 479, 912, 1346},
	[BENCH_STUN] = {100, 100, 100, 100},      [BENCH_SIP_UDP] = {750, 900, 1050, 1200},
	[BENCH_SIP_TCP] = {750, 900, 1050, 1200},
};
static const uint16_t answer_size[SIZES] = {560, 620, 680, 740}; /* SIP */

static struct bench_sip invite[SIZES], answer[SIZES];

void bench_mix_init(void)
{
	for (int i = 0; i < SIZES; i++) {
		bench_sip_invite(&invite[i], payload_size[BENCH_SIP_UDP][i], false);
		bench_sip_answer(&answer[i], answer_size[i]);
	}
}

static uint8_t kind_of(uint32_t draw)
{
	uint8_t kind = 0;

	for (; kind + 1 < BENCH_KINDS && draw >= bench_kind_share[kind]; kind++)
		draw -= bench_kind_share[kind];
	return kind;
}

static uint16_t port_of(uint8_t kind, uint32_t draw)
{
	switch (kind) {
	case BENCH_TLS:
		return HTTPS;
	case BENCH_SIP_UDP:
	case BENCH_SIP_TCP:
		return SIP;
	case BENCH_STUN:
		if (draw & 1)
			return TURN;
		/* fall through */
	default:
		return (uint16_t)(MEDIA + draw % MEDIA_PORTS);
	}
}

void bench_mix_flow(uint32_t number, struct bench_mix_flow *flow)
{
	static const union to_addr vip6 = {
		.b = {0x20, 1, 0x0d, 0xb8, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};
	uint64_t a = to_mix(number), b = to_mix(a);
	union to_addr client6 = {.b = {0x20, 1, 0x0d, 0xb8}};

	flow->kind = kind_of((uint32_t)(a >> 32) % 1000);
	flow->six = (uint32_t)(b >> 32) % 1000 < SIX_IN_1000;
	client6.w[1] = (uint32_t)a | 0x80; /* a /64 that is no edge's */
	client6.w[3] = (uint32_t)b;
	flow->ends = (struct bench_ends){
		.src = flow->six ? client6
				 : to_addr_v4(to_net32(0x64400000u + ((uint32_t)a & 0x3fffff))),
		.dst = flow->six ? vip6 : to_addr_v4(to_net32(0x0a020001u)),
		.sport = to_net16((uint16_t)(1024 + (uint32_t)b % 60000)),
		.dport = to_net16(port_of(flow->kind, (uint32_t)(b >> 16))),
		.proto = flow->kind == BENCH_TLS || flow->kind == BENCH_SIP_TCP ? TO_TCP : TO_UDP,
	};
}

/* RFC 3550: version 2, no extension; PCMU, or a dynamic type. */
static void put_rtp(uint8_t *p, bool video)
{
	static const uint8_t head[12] = {0x80, 0, 0, 1, 0, 0, 0, 160, 0x12, 0x34, 0x56, 0x78};

	memcpy(p, head, sizeof(head));
	if (video)
		p[1] = 96;
}

/* RFC 8489: a Binding request or its success, with a SOFTWARE attribute that fills it. */
static void put_stun(uint8_t *p, uint32_t len, bool success)
{
	static const uint8_t head[24] = {0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1,  2,    3,
					 4, 5, 6, 7, 8,    9,    10,   11,   12, 0x80, 0x22};

	memcpy(p, head, sizeof(head));
	p[0] = success;
	p[3] = (uint8_t)(len - 20);
	p[23] = (uint8_t)(len - 24);
	memset(p + 24, 'x', len - 24);
}

/* An application data record that fills the segment. */
static void put_tls(uint8_t *p, uint32_t len)
{
	static const uint8_t head[3] = {23, 3, 3};

	memcpy(p, head, sizeof(head));
	p[3] = (uint8_t)((len - 5) >> 8);
	p[4] = (uint8_t)(len - 5);
}

static bool is_answer(enum bench_what what)
{
	return what == BENCH_FIRST_ANSWER || what == BENCH_ANSWER;
}

static bool is_first(enum bench_what what)
{
	return what == BENCH_FIRST || what == BENCH_FIRST_ANSWER;
}

/* Its whole kind, or the STUN that media begins with. */
static uint8_t kind_now(const struct bench_mix_flow *flow, enum bench_what what)
{
	if (is_first(what) && (flow->kind == BENCH_AUDIO || flow->kind == BENCH_VIDEO))
		return BENCH_STUN;
	return flow->kind;
}

static uint8_t put_payload(uint8_t kind, uint32_t number, enum bench_what what, uint64_t draw,
			   uint8_t *p, uint32_t len)
{
	const struct bench_sip *m = is_answer(what) ? answer : invite;

	switch (kind) {
	case BENCH_STUN:
		put_stun(p, len, is_answer(what));
		return TO_CLASS_STUN;
	case BENCH_TLS:
		put_tls(p, len);
		return TO_CLASS_TLS;
	case BENCH_SIP_UDP:
	case BENCH_SIP_TCP:
		bench_sip_put(&m[draw % SIZES], p, to_mix(number), is_first(what) ? number : draw);
		return TO_CLASS_SIP;
	default:
		put_rtp(p, kind == BENCH_VIDEO);
		return TO_CLASS_RTP;
	}
}

uint32_t bench_mix_put(const struct bench_mix_flow *flow, uint32_t number, enum bench_what what,
		       const union to_addr *edge, uint64_t draw, uint8_t *p, uint8_t *class)
{
	struct bench_ends ends = flow->ends;
	uint8_t kind = kind_now(flow, what);
	bool sip = kind == BENCH_SIP_UDP || kind == BENCH_SIP_TCP;
	uint32_t len = sip && is_answer(what) ? answer_size[draw % SIZES]
					      : payload_size[kind][draw % SIZES],
		 at;

	if (is_answer(what))
		ends = (struct bench_ends){.src = *edge,
					   .dst = flow->ends.src,
					   .sport = flow->ends.dport,
					   .dport = flow->ends.sport,
					   .proto = flow->ends.proto};
	ends.tcp_flags = TO_TCPF_ACK;
	if (is_first(what) && ends.proto == TO_TCP) {
		ends.tcp_flags = is_answer(what) ? TO_TCPF_SYN | TO_TCPF_ACK : TO_TCPF_SYN;
		*class = TO_CLASS_NONE;
		return bench_put_headers(p, &ends, 0);
	}
	at = bench_put_headers(p, &ends, len);
	*class = put_payload(kind, number, what, draw, p + at, len);
	return at + len;
}
