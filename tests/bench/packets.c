/* SPDX-License-Identifier: BSD-3-Clause */
#include "packets.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <turnout/packet.h>
#include <turnout/parse.h>

#define ETHERNET 14

static const uint8_t macs[12] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static uint32_t put_ip4(uint8_t *p, const struct bench_ends *ends, uint32_t payload)
{
	static const uint8_t head[12] = {0x45, 0, 0, 0, 0, 1, 0x40, 0, 64, 0, 0, 0};
	uint64_t sum;

	memcpy(p, head, sizeof(head));
	put16(p + 2, 20 + payload);
	p[9] = ends->proto == TO_UDP ? 17 : 6;
	memcpy(p + 12, &ends->src.w[3], 4);
	memcpy(p + 16, &ends->dst.w[3], 4);
	sum = to_sum32(p) + to_sum32(p + 4) + to_sum32(p + 8) + to_sum32(p + 12) + to_sum32(p + 16);
	sum = (uint16_t)~to_fold16(sum);
	memcpy(p + 10, &sum, 2);
	return 20;
}

static uint32_t put_ip6(uint8_t *p, const struct bench_ends *ends, uint32_t payload)
{
	static const uint8_t head[8] = {0x60, 0, 0, 0, 0, 0, 17, 64};

	memcpy(p, head, sizeof(head));
	put16(p + 4, payload);
	p[6] = ends->proto == TO_UDP ? 17 : 6;
	memcpy(p + 8, &ends->src, 16);
	memcpy(p + 24, &ends->dst, 16);
	return 40;
}

static void put_udp(uint8_t *p, const struct bench_ends *ends, uint32_t payload)
{
	memcpy(p, &ends->sport, 2);
	memcpy(p + 2, &ends->dport, 2);
	put16(p + 4, 8 + payload);
	put16(p + 6, 0x1234); /* must be kept up */
}

static void put_tcp(uint8_t *p, const struct bench_ends *ends)
{
	static const uint8_t rest[16] = {0, 0, 1, 0, 0, 0, 2, 0, 0x50, 0, 0xff, 0xff, 0x12, 0x34};

	memcpy(p, &ends->sport, 2);
	memcpy(p + 2, &ends->dport, 2);
	memcpy(p + 4, rest, sizeof(rest));
	p[13] = ends->tcp_flags;
}

uint32_t bench_put_headers(uint8_t *p, const struct bench_ends *ends, uint32_t payload)
{
	uint32_t l4 = ends->proto == TO_UDP ? 8 : 20;
	bool v4 = to_addr_is_v4(&ends->dst);
	uint32_t at = ETHERNET;

	memcpy(p, macs, sizeof(macs));
	put16(p + 12, v4 ? 0x0800 : 0x86dd);
	at += v4 ? put_ip4(p + at, ends, l4 + payload) : put_ip6(p + at, ends, l4 + payload);
	if (ends->proto == TO_UDP)
		put_udp(p + at, ends, payload);
	else
		put_tcp(p + at, ends);
	return at + l4;
}

static __attribute__((format(printf, 2, 3))) void add(struct bench_sip *m, const char *form, ...)
{
	va_list args;

	va_start(args, form);
	m->len += (uint32_t)vsnprintf(m->text + m->len, sizeof(m->text) - m->len, form, args);
	va_end(args);
}

static void add_call_id(struct bench_sip *m)
{
	add(m, "Call-ID: ");
	m->call_id = m->len;
	add(m, "0000000000000000@pc33.contoso.com\r\n");
}

static void add_via(struct bench_sip *m)
{
	add(m, "Via: SIP/2.0/UDP 192.0.2.17:5060;rport;branch=z9hG4bK");
	m->branch = m->len;
	add(m, "0000000000000000\r\n");
}

/* The last headers and a body with as long a line as makes the message `len` bytes. */
static void add_body(struct bench_sip *m, uint32_t len, bool call_id)
{
	static const char sdp[] =
		"v=0\r\no=- 2890844526 2890844527 IN IP4 192.0.2.17\r\ns=-\r\n"
		"c=IN IP4 192.0.2.17\r\nt=0 0\r\nm=audio 49170 RTP/AVP 0 8 101\r\n"
		"a=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
		"a=sendrecv\r\na=x-caps:";
	uint32_t at = m->len;

	for (int pass = 0; pass < 2; pass++) { /* the second knows how long the body is */
		uint32_t body = m->len;

		m->len = at;
		add(m, "Content-Length: %3u\r\n", len - body);
		if (call_id)
			add_call_id(m);
		add(m, "\r\n");
	}
	add(m, "%s", sdp);
	while (m->len < len - 2)
		add(m, "%c", 'a' + (char)(m->len % 26));
	add(m, "\r\n");
}

void bench_sip_invite(struct bench_sip *m, uint32_t len, bool late)
{
	m->len = 0;
	add(m, "INVITE sip:+4930123456@sip.contoso.com SIP/2.0\r\n");
	add_via(m);
	add(m, "Max-Forwards: 70\r\n"
	       "From: \"Alice\" <sip:alice@contoso.com>;tag=9fxced76sl\r\n"
	       "To: <sip:+4930123456@sip.contoso.com>;tag=314159\r\n");
	if (!late)
		add_call_id(m);
	add(m, "CSeq: 2 INVITE\r\n"
	       "Contact: <sip:alice@192.0.2.17:5060>\r\n"
	       "User-Agent: bench/1.0\r\n"
	       "Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, UPDATE\r\n"
	       "Supported: timer, 100rel\r\n"
	       "Content-Type: application/sdp\r\n");
	add_body(m, len, late);
}

void bench_sip_answer(struct bench_sip *m, uint32_t len)
{
	m->len = 0;
	add(m, "SIP/2.0 200 OK\r\n");
	add_via(m);
	add(m, "From: \"Alice\" <sip:alice@contoso.com>;tag=9fxced76sl\r\n"
	       "To: <sip:+4930123456@sip.contoso.com>;tag=314159\r\n");
	add_call_id(m);
	add(m, "CSeq: 2 INVITE\r\n"
	       "Contact: <sip:edge@10.1.0.1:5060>\r\n"
	       "Content-Type: application/sdp\r\n");
	add_body(m, len, false);
}

static void put_hex(uint8_t *p, uint64_t v)
{
	for (int i = 15; i >= 0; i--, v >>= 4)
		p[i] = (uint8_t) "0123456789abcdef"[v & 15];
}

void bench_sip_put(const struct bench_sip *m, uint8_t *p, uint64_t call, uint64_t branch)
{
	memcpy(p, m->text, m->len);
	put_hex(p + m->call_id, call);
	put_hex(p + m->branch, branch);
}
