/* SPDX-License-Identifier: BSD-3-Clause */
/* The pin of a TCP or UDP flow: how packets of both sides change it. docs/state.md, 5 and 5.2. */
#ifndef TURNOUT_PIN_H
#define TURNOUT_PIN_H

#include "affinity.h"

enum to_side { TO_CLIENT, TO_EDGE };

/* Makes the key of the packet's flow, seen from either side. */
TO_INLINE void to_pin_key(struct to_packet *k, const union to_addr *client, to_be16 client_port,
			  uint8_t vip, to_be16 vip_port, uint8_t proto)
{
	if (k->family == TO_IP4)
		k->pin = to_key_pin4(client, client_port, vip, vip_port, proto);
	else
		k->pin6 = to_key_pin6(client, client_port, vip, vip_port, proto);
}

TO_INLINE struct to_entry *to_pin_find(to_engine *x, struct to_packet *k, bool proven)
{
	if (k->family == TO_IP4)
		return to_engine_find(x, k, TO_PIN4, proven, &k->pin);
	return to_engine_find(x, k, TO_PIN6, proven, &k->pin6);
}

TO_INLINE struct to_entry *to_pin_add(to_engine *x, struct to_packet *k, bool proven,
				      const struct to_entry *value)
{
	struct to_entry *e;

	if (k->family == TO_IP4)
		e = to_engine_add(x, k, TO_PIN4, proven, &k->pin, value);
	else
		e = to_engine_add(x, k, TO_PIN6, proven, &k->pin6, value);
	if (!e)
		to_engine_event(x, TO_EVENT_ENTRY_LOST);
	return e;
}

TO_INLINE bool to_pin_closing(const struct to_packet *k, const struct to_entry *e)
{
	return k->proto == TO_TCP && to_tcp_closing(e->tcp);
}

/* The pin's bits after a segment; the table of 5.2, row by row. */
TO_INLINE uint8_t to_tcp_step(uint8_t bits, uint8_t segment, uint32_t payload, enum to_side side)
{
	const uint8_t fin = side == TO_CLIENT ? TO_TCP_FIN_CLIENT : TO_TCP_FIN_EDGE;
	const uint8_t both = TO_TCP_SEEN_CLIENT | TO_TCP_SEEN_EDGE;

	if (segment & TO_TCPF_RST)
		return (bits | TO_TCP_RST) & ~both;
	if (side == TO_CLIENT)
		bits &= ~TO_TCP_OPENING;
	if (segment & TO_TCPF_SYN)
		return side == TO_EDGE && to_tcp_closing(bits) ? bits & TO_TCP_OPENING : bits;
	if (segment & TO_TCPF_FIN)
		return bits | fin;
	if (bits & TO_TCP_RST) {
		bits |= side == TO_CLIENT ? TO_TCP_SEEN_CLIENT : TO_TCP_SEEN_EDGE;
		if ((bits & both) == both) /* both ends talk on: the RST was forged */
			bits &= ~(TO_TCP_RST | both);
	}
	return payload ? bits & ~fin : bits; /* nobody sends data after their own FIN */
}

/* Seconds that a packet renews a proven pin by. */
TO_INLINE uint32_t to_pin_life(const struct to_packet *k, const struct to_entry *e)
{
	if (k->proto == TO_TCP && to_tcp_closing(e->tcp))
		return TO_CLOSING_LIFE;
	return k->proto == TO_TCP && e->tcp & TO_TCP_OPENING ? TO_OPENING_LIFE : e->life;
}

/* The rare half of to_pin_touch: something is special about the segment (enum to_tcp_flags) or the
 * pin. */
TO_INLINE void to_pin_step(to_engine *x, struct to_packet *k, struct to_entry *e, uint8_t segment,
			   enum to_side side)
{
	bool was = to_tcp_closing(e->tcp), closing;

	e->tcp = to_tcp_step(e->tcp, segment, k->payload_len, side);
	closing = to_tcp_closing(e->tcp);
	if (!(e->flags & TO_ENTRY_PROVEN))
		return;
	e->expires = k->now + to_pin_life(k, e);
	if (closing && !was && e->flags & TO_ENTRY_AFFINE)
		to_affinity_update(x, k, e, TO_AFFINITY_CLOSED);
	else if (!closing && was && e->flags & TO_ENTRY_DECIDED)
		to_affinity_update(x, k, e, TO_AFFINITY_PROVED);
	else if (!closing)
		to_affinity_renew(x, k, e);
}

/* A packet of the pin's flow. An open connection that goes on is one store a second. */
TO_INLINE void to_pin_touch(to_engine *x, struct to_packet *k, struct to_entry *e,
			    enum to_side side)
{
	uint32_t expires = k->now + e->life;

	if (TO_UNLIKELY(e->tcp | (k->tcp_flags & (TO_TCPF_SYN | TO_TCPF_RST | TO_TCPF_FIN))) &&
	    k->proto == TO_TCP) {
		to_pin_step(x, k, e, k->tcp_flags, side);
		return;
	}
	if (!(e->flags & TO_ENTRY_PROVEN))
		return;
	if (e->expires != expires)
		e->expires = expires;
	to_affinity_renew(x, k, e);
}

/* Proves the unproven pin `e` of the packet's flow, which `side` has just sent. Returns the proven
 * one, or `e` when there is no place for it. */
TO_INLINE struct to_entry *to_pin_prove(to_engine *x, struct to_packet *k, struct to_entry *e,
					enum to_side side)
{
	struct to_entry *p;
	bool anew = true;

	if (TO_UNLIKELY(e->flags & TO_ENTRY_PROVEN)) { /* by another CPU, after we had looked */
		to_pin_touch(x, k, e, side);
		return e;
	}
	if (k->proto == TO_TCP)
		e->tcp = to_tcp_step(e->tcp, k->tcp_flags, k->payload_len, side);
	if (k->family == TO_IP4)
		p = to_engine_prove(x, k, TO_PIN4, &k->pin, &k->pin, e, &anew);
	else
		p = to_engine_prove(x, k, TO_PIN6, &k->pin6, &k->pin6, e, &anew);
	if (!p) {
		to_engine_event(x, TO_EVENT_TABLE_FULL);
		return e;
	}
	if (!anew) {
		to_pin_touch(x, k, p, side);
		return p;
	}
	to_engine_event(x, TO_EVENT_PROVEN);
	p->expires = k->now + to_pin_life(k, p);
	p->mark = k->now;
	if (p->flags & TO_ENTRY_DECIDED && !to_pin_closing(k, p))
		to_affinity_update(x, k, p, TO_AFFINITY_PROVED);
	return p;
}

/* Step 12: an unproven pin for what has just been decided. */
TO_INLINE void to_pin_record(to_engine *x, struct to_packet *k, const struct to_service *s,
			     enum to_mode mode)
{
	struct to_entry e = {
		.expires = k->now + TO_UNPROVEN_LIFE,
		.edge = k->out.edge,
		.service = k->out.service,
		.flags = k->out.reason == TO_REASON_LEARNED_OWNER ? 0 : TO_ENTRY_DECIDED,
		/* a DSR edge's FIN is never seen: the client's alone closes */
		.tcp = mode != TO_MODE_DNAT && k->proto == TO_TCP ? TO_TCP_FIN_EDGE : 0,
		.life = s->idle,
		.mark = k->now,
	};

	if (k->tcp_flags & TO_TCPF_FIN)
		e.tcp |= TO_TCP_FIN_CLIENT;
	to_pin_add(x, k, false, &e);
}

#endif
