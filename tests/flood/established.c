/* SPDX-License-Identifier: BSD-3-Clause */
#include "established.h"

#include <stdio.h>

enum { TRUNKS = 50 };

static bool is_call(unsigned i)
{
	return i >= FIRST_CALL && i < FIRST_CALL + CALLS;
}

static bool is_udp(unsigned i)
{
	return i >= TCP4 && i < FIRST_CALL;
}

static bool is_v4(unsigned i)
{
	return i < FIRST_CALL + CALLS;
}

/* Calls come over a few trunks, a socket each; everybody else has an address. */
static union to_addr client(unsigned i)
{
	union to_addr a;

	if (is_call(i))
		return frame_v4(198, 18, 0, (uint8_t)(i % TRUNKS));
	if (is_v4(i))
		return frame_v4(198, 19, (uint8_t)(i >> 8), (uint8_t)i);
	a = frame_addr("2600:1::1");
	a.b[6] = (uint8_t)(i >> 8);
	a.b[7] = (uint8_t)i;
	return a;
}

static void say_sip(struct frame_spec *f, unsigned i, enum step step)
{
	static const char *const first[] = {[OPEN] = "INVITE sip:a@b SIP/2.0",
					    [RING] = "SIP/2.0 180 Ringing",
					    [ANSWER] = "SIP/2.0 200 OK",
					    [TALK] = "INFO sip:a@b SIP/2.0",
					    [TALK_BACK] = "SIP/2.0 200 OK"};
	bool info = step >= TALK;

	f->len =
		(uint16_t)snprintf((char *)f->payload, 400,
				   "%s\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK%s%u\r\nCall-ID: "
				   "call%u@h\r\nCSeq: 1 %s\r\n\r\n",
				   first[step], info ? "info" : "", i, i, info ? "INFO" : "INVITE");
}

static void say(struct frame_spec *f, const struct established *e, unsigned i, enum step step)
{
	bool v4 = is_v4(i), outwards = step == RING || step == ANSWER || step == TALK_BACK;
	uint16_t port = is_call(i) ? SIP_PORT : is_udp(i) ? UDP_PORT : TLS_PORT;
	uint16_t own = is_call(i) ? SIP_PORT : (uint16_t)(1024 + i % 60000);
	union to_addr from = client(i), to = site_vip(v4), edge = site_edge(e->edge[i], v4);
	uint8_t proto = is_call(i) || is_udp(i) ? IPPROTO_UDP_ : IPPROTO_TCP_;

	if (outwards)
		frame_init(f, &edge, &from, proto, port, own);
	else
		frame_init(f, &from, &to, proto, own, port);
	f->tcp_flags = step == OPEN ? F_SYN : step == ANSWER ? F_SYN | F_ACK : F_ACK | F_PSH;
	if (is_call(i))
		say_sip(f, i, step);
	else
		frame_fill_payload(f, is_udp(i) || step >= TALK ? 40 : 0, i);
}

static void judge(struct established *e, unsigned i, enum step step, const struct to_frame *f)
{
	const struct to_decision *d = &f->decision;
	const char *wrong = frame_verify(f->data, f->len);

	if (wrong)
		fail_msg("flow %u: a frame leaves with a wrong %s", i, wrong);
	if (step == OPEN) {
		if (d->verdict != TO_VERDICT_STEER)
			fail_msg("flow %u is not steered: reason %u", i, d->reason);
		e->edge[i] = d->edge;
	} else if (step == TALK) {
		int reason = is_call(i) ? TO_REASON_DIALOG : TO_REASON_PIN;

		if (d->verdict != TO_VERDICT_STEER || d->reason != reason || d->edge != e->edge[i])
			fail_msg("flow %u: verdict %u, reason %u, edge %u instead of %u", i,
				 d->verdict, d->reason, d->edge, e->edge[i]);
	} else if (d->verdict != TO_VERDICT_REPLY || d->edge != e->edge[i]) {
		fail_msg("flow %u: an answer is none: verdict %u, edge %u", i, d->verdict, d->edge);
	}
}

void established_step(struct site *s, struct established *e, enum step step, unsigned from,
		      unsigned to)
{
	static struct frame_spec f;

	while (from < to) {
		unsigned n = to - from < TO_BURST ? to - from : TO_BURST;

		for (unsigned i = 0; i < n; i++) {
			say(&f, e, from + i, step);
			s->frame[i].len = frame_build(&f, site_room(s, i));
		}
		site_run(s, n);
		for (unsigned i = 0; i < n; i++)
			judge(e, from + i, step, &s->frame[i]);
		from += n;
	}
}
