/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Whatever a packet holds, the readers stay inside it and say nothing that contradicts itself. The
 * first three bytes of the input choose protocol, evidence, where in the frame the payload begins
 * and how much of it the capture has cut.
 */
#include <stdint.h>
#include <stdlib.h>

#include <turnout/classify.h>
#include <turnout/sdp.h>
#include <turnout/sip.h>
#include <turnout/stun.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

/* What is found sixteen bytes at a time is what is found one by one. */
static void check_lines(const struct to_bytes *b)
{
	const struct to_set few = {TO_SET_SPACE.lo | TO_BIT(';'), 0};
	uint32_t end = to_end(b), off = b->at, lf;
	struct to_lines lines;

	to_lines_begin(&lines, off);
	for (; off < end; off = lf + 1) {
		lf = to_lines_next(b->base, off, end, &lines);
		check(lf == to_find_lf(b->base, off, end));
		check(to_find(b->base, off, end, few) ==
		      to_skip_set(b->base, off, end, ~few.lo, ~few.hi));
	}
}

static void check_sip(const struct to_bytes *b)
{
	struct to_claims claims;
	struct to_sip sip, again;
	struct to_bytes more = *b;

	to_sip_read(b, 7, &sip);
	check((sip.flags & (TO_SIP_REQUEST | TO_SIP_RESPONSE)) !=
	      (TO_SIP_REQUEST | TO_SIP_RESPONSE));
	check(sip.flags || (!sip.method && !sip.status && !sip.body));
	check(sip.body < TO_SIP_MAX_BYTES && (!sip.body || sip.body < b->there));
	to_sip_read_brief(b, 7, &again);
	again.body = sip.body;
	check(!memcmp(&sip, &again, sizeof(sip)));
	to_sdp_read(b, sip.body, &claims);
	check(claims.n <= TO_MAX_CLAIMS);
	for (uint32_t i = 0; i < claims.n; i++)
		check(claims.c[i].port && (claims.c[i].addr.d[0] || claims.c[i].addr.d[1]));
	/* bytes beyond the first 1,500 change nothing */
	if (b->there > TO_SIP_MAX_BYTES) {
		more.there = TO_SIP_MAX_BYTES;
		to_sip_read(&more, 7, &again);
		check(!memcmp(&sip, &again, sizeof(sip)));
	}
}

static void check_stun(const struct to_bytes *b)
{
	struct to_stun stun;

	if (!to_stun_read(b, &stun))
		return;
	check(stun.type == to_stun_type(b));
	check(stun.has_lifetime || !stun.lifetime);
	to_stun_begins_flow(b);
	to_dtls_is_client_hello(b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint32_t at, cut, there;
	enum to_proto proto;
	enum to_class class;
	struct to_bytes b;
	uint8_t *frame;

	if (size < 3)
		return 0;
	proto = data[0] & 1 ? TO_TCP : TO_UDP;
	at = data[1] & 63;
	there = (uint32_t)size - 3;
	cut = data[0] & 4 ? data[2] : 0;
	/* its own memory, so that one byte too far is seen */
	frame = malloc(at + there ? at + there : 1);
	if (!frame)
		return 0;
	memset(frame, 0xa5, at);
	memcpy(frame + at, data + 3, there);
	b = to_bytes_of(frame, at + there, at, there + cut);
	class = to_classify(&b, proto, data[0] & 2);
	check((class == TO_CLASS_NONE) == (b.len == 0));
	check(class < TO_CLASS_COUNT);
	check(class != TO_CLASS_RTP || data[0] & 2);
	check(class != TO_CLASS_XMPP || proto == TO_TCP);
	check_lines(&b);
	check_sip(&b);
	check_stun(&b);
	free(frame);
	return 0;
}
