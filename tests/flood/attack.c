/* SPDX-License-Identifier: BSD-3-Clause */
#include "attack.h"

#include <stdio.h>
#include <string.h>

enum { ETH = 14, IP4 = 20, UDP = 8, DIGITS = 8 };

/* A frame, and where in it the numbers of its branch and its Call-ID are. */
struct template
{
	uint8_t data[512];
	uint32_t len;
	uint32_t branch;
	uint32_t call_id;
};

static uint32_t find(const struct template *t, const char *text)
{
	const uint8_t *p = memmem(t->data, t->len, text, strlen(text));

	assert_non_null(p);
	return (uint32_t)(p - t->data) + (uint32_t)strlen(text);
}

static void make_template(struct template *t, enum attack kind)
{
	static const char invite[] = "INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP "
				     "h;branch=z9hG4bK-flood-00000000\r\nCall-ID: "
				     "flood-00000000@h\r\nCSeq: 1 INVITE\r\n\r\n";
	static const uint16_t ports[ATTACKS] = {TLS_PORT, UDP_PORT, SIP_PORT, TLS_PORT};
	static struct frame_spec f;
	union to_addr from = frame_v4(1, 0, 0, 0), vip = site_vip(true);
	bool tcp = kind == SYNS || kind == BARE_ACKS;

	frame_init(&f, &from, &vip, tcp ? IPPROTO_TCP_ : IPPROTO_UDP_, 1024, ports[kind]);
	f.tcp_flags = kind == SYNS ? F_SYN : F_ACK;
	if (kind == INVITES)
		frame_set_payload(&f, invite, sizeof(invite) - 1);
	else if (kind == DATAGRAMS)
		frame_fill_payload(&f, 30, 1);
	t->len = frame_build(&f, t->data);
	if (kind == INVITES) {
		t->branch = find(t, "z9hG4bK-flood-");
		t->call_id = find(t, "Call-ID: flood-");
	}
}

static void put_digits(uint8_t *p, uint32_t n)
{
	static const char hex[] = "0123456789abcdef";

	for (int i = DIGITS - 1; i >= 0; i--, n >>= 4)
		p[i] = (uint8_t)hex[n & 15];
}

/* An odd factor: no two of 2^32 are the same. Nobody's address is 198.x or the site's. */
static void put_source(uint8_t *frame, uint32_t number)
{
	uint32_t x = number * 2654435761u;
	uint8_t *ip = frame + ETH;
	uint16_t sum;

	ip[12] = (uint8_t)(20 + (x >> 27));
	ip[13] = (uint8_t)(x >> 19);
	ip[14] = (uint8_t)(x >> 11);
	ip[15] = (uint8_t)(x >> 3);
	ip[IP4] = (uint8_t)(0x40 + (x & 7));
	ip[10] = ip[11] = 0;
	sum = frame_checksum(ip, IP4, 0);
	ip[10] = (uint8_t)(sum >> 8);
	ip[11] = (uint8_t)sum;
}

static void put_one(struct site *s, const struct template *t, unsigned i, uint32_t number)
{
	uint8_t *frame = site_room(s, i);

	memcpy(frame, t->data, t->len);
	put_source(frame, number);
	if (t->call_id) {
		put_digits(frame + t->branch, number);
		put_digits(frame + t->call_id, number);
	}
	s->frame[i].len = t->len;
}

static bool is_new(const struct to_decision *d, enum attack kind)
{
	int reason = kind == BARE_ACKS ? TO_REASON_MIDFLOW : TO_REASON_ROUTE;

	return d->verdict == TO_VERDICT_STEER && d->reason == reason;
}

uint64_t attack(struct site *s, enum attack kind, uint32_t first, uint32_t count, uint32_t seconds)
{
	static struct template t;
	uint32_t began = s->now;
	uint64_t made = 0;

	t.call_id = 0;
	make_template(&t, kind);
	for (uint32_t done = 0; done < count; done += TO_BURST) {
		s->now = began + (uint32_t)((uint64_t)done * seconds / count);
		for (unsigned i = 0; i < TO_BURST; i++)
			put_one(s, &t, i, first + done + i);
		site_run(s, TO_BURST);
		for (unsigned i = 0; i < TO_BURST; i++)
			made += is_new(&s->frame[i].decision, kind);
		to_pipeline_sweep(s->worker, s->now, 8);
	}
	s->now = began + seconds;
	return made;
}
