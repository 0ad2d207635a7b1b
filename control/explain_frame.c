/* SPDX-License-Identifier: BSD-3-Clause */
/* A flow's packet, as it would arrive: what is explained goes through parser and classifier too. */
#include <arpa/inet.h>
#include <string.h>

#include <turnout/parse.h>

#include "cli.h"
#include "explain.h"

#define FRAME_TTL 64

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* RFC 8489, section 5: type, no attributes, the cookie, a transaction id. */
static uint32_t put_stun(uint8_t *p, uint16_t type)
{
	static const uint8_t transaction[12] = "turn-explain";

	memset(p, 0, 20);
	put16(p, type);
	put16(p + 4, 0x2112);
	put16(p + 6, 0xa442);
	memcpy(p + 8, transaction, sizeof(transaction));
	return 20;
}

static uint32_t put_invite(uint8_t *p, size_t room, const struct to_flow *flow)
{
	char from[TO_ENDPOINT_TEXT], to[TO_ENDPOINT_TEXT];
	int n;

	to_endpoint_text(&flow->src, flow->sport, from);
	to_endpoint_text(&flow->dst, flow->dport, to);
	n = snprintf((char *)p, room,
		     "INVITE sip:explain@%s SIP/2.0\r\n"
		     "Via: SIP/2.0/UDP %s;branch=z9hG4bK-explain\r\n"
		     "Call-ID: %s\r\n"
		     "CSeq: 1 INVITE\r\n"
		     "Content-Length: 0\r\n"
		     "\r\n",
		     to, from, flow->call_id);
	return (uint32_t)n;
}

static uint32_t put_payload(uint8_t *p, size_t room, const struct to_flow *flow,
			    enum to_cargo cargo)
{
	switch (cargo) {
	case TO_CARGO_INVITE:
		return put_invite(p, room, flow);
	case TO_CARGO_ALLOCATE:
		return put_stun(p, 0x0003);
	case TO_CARGO_BINDING:
		return put_stun(p, 0x0001);
	case TO_CARGO_CHANNEL: /* RFC 8656, section 12.4: channel 0x4000, no data */
		put16(p, 0x4000);
		put16(p + 2, 0);
		return 4;
	default:
		return 0;
	}
}

/* Transport checksums stay 0: nobody verifies them here, and the frame goes nowhere. */
static uint32_t put_l4(uint8_t *p, size_t room, const struct to_flow *flow, enum to_cargo cargo)
{
	uint32_t n;

	put16(p, flow->sport);
	put16(p + 2, flow->dport);
	if (flow->proto == TO_TCP) {
		memset(p + 4, 0, TO_TCP_HEADER - 4);
		p[12] = TO_TCP_HEADER / 4 << 4;
		p[13] = cargo == TO_CARGO_ACK ? TO_TCPF_ACK : TO_TCPF_SYN;
		return TO_TCP_HEADER;
	}
	n = TO_UDP_HEADER + put_payload(p + TO_UDP_HEADER, room - TO_UDP_HEADER, flow, cargo);
	put16(p + 4, n);
	put16(p + 6, 0);
	return n;
}

static void put_ip4(uint8_t *p, const struct to_flow *flow, uint32_t l4)
{
	uint64_t sum = 0;
	uint16_t check;

	memset(p, 0, TO_IP4_HEADER);
	p[0] = 0x45;
	put16(p + 2, TO_IP4_HEADER + l4);
	p[8] = FRAME_TTL;
	p[9] = flow->proto == TO_TCP ? TO_IP_TCP : TO_IP_UDP;
	memcpy(p + 12, &flow->src.w[3], 4);
	memcpy(p + 16, &flow->dst.w[3], 4);
	for (int i = 0; i < TO_IP4_HEADER; i += 4)
		sum += to_sum32(p + i);
	check = ~to_fold16(sum);
	memcpy(p + 10, &check, sizeof(check));
}

static void put_ip6(uint8_t *p, const struct to_flow *flow, uint32_t l4)
{
	memset(p, 0, TO_IP6_HEADER);
	p[0] = 0x60;
	put16(p + 4, l4);
	p[6] = flow->proto == TO_TCP ? TO_IP_TCP : TO_IP_UDP;
	p[7] = FRAME_TTL;
	memcpy(p + 8, flow->src.b, 16);
	memcpy(p + 24, flow->dst.b, 16);
}

uint32_t to_flow_frame(const struct to_flow *flow, enum to_cargo cargo, uint8_t *frame)
{
	bool v4 = to_addr_is_v4(&flow->dst);
	uint32_t ip = v4 ? TO_IP4_HEADER : TO_IP6_HEADER;
	uint8_t *p = frame + TO_ETH_HEADER;
	uint32_t l4 = put_l4(p + ip, TO_FLOW_FRAME - TO_ETH_HEADER - ip, flow, cargo);

	memset(frame, 0, 12);
	put16(frame + 12, v4 ? TO_ETH_IP4 : TO_ETH_IP6);
	if (v4)
		put_ip4(p, flow, l4);
	else
		put_ip6(p, flow, l4);
	return TO_ETH_HEADER + ip + l4;
}
