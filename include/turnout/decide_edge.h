/* SPDX-License-Identifier: BSD-3-Clause */
/* From an edge: rows E1 to E8 of docs/state.md. */
#ifndef TURNOUT_DECIDE_EDGE_H
#define TURNOUT_DECIDE_EDGE_H

#include "decide_vip.h"
#include "learn.h"

/* What the destination port says that an edge's packet goes out by. An answer rarely asks. */
TO_INLINE void to_find_opens(to_engine *x, struct to_packet *k)
{
	struct to_bind bind;

	if (!to_find_bind(x, k, &k->from, k->proto, k->dport, &bind))
		return;
	k->opens_service = bind.service;
	k->opens_vip = bind.vip;
}

/* E8: the edge's own business, unchanged. */
TO_INLINE void to_edge_out(struct to_packet *k)
{
	k->out.verdict = TO_VERDICT_OUT;
	k->out.reason = TO_REASON_EDGE_INITIATED;
	k->out.action = TO_ACT_FORWARD;
	k->out.edge = k->from.index;
}

/* The source becomes the VIP's. */
TO_INLINE void to_edge_through(struct to_packet *k, enum to_verdict verdict, uint8_t service,
			       uint8_t vip)
{
	k->out.verdict = verdict;
	k->out.reason = verdict == TO_VERDICT_REPLY ? TO_REASON_REPLY : TO_REASON_EDGE_INITIATED;
	k->out.action = TO_ACT_SNAT;
	k->out.edge = k->from.index;
	k->out.service = service;
	k->out.vip = vip;
}

/* Has the message a live dialog or transaction of this very edge, made through the VIP? One that
 * its client made, when the proven one is another edge's. */
TO_INLINE bool to_speaks_for(to_engine *x, struct to_packet *k, const struct to_table *t,
			     enum to_entry_kind kind)
{
	struct to_entry *e = to_sip_find(x, k, kind);

	if (e && e->edge != k->from.index && e->flags & TO_ENTRY_PROVEN)
		e = to_sip_find_own(x, k, t, kind);
	return e && e->edge == k->from.index && e->flags & TO_ENTRY_VIA_VIP;
}

/* May what this edge opens leave with the VIP's address? */
TO_INLINE bool to_opens_through_vip(const struct to_table *t, const struct to_packet *k)
{
	const struct to_service *s;

	if (k->opens_vip == TO_NO_INDEX)
		return false;
	s = to_service_of(t, k->opens_service);
	return s && s->flags & TO_SERVICE_EDGE_INITIATED_VIP;
}

/* E1, E2, E6, E8 of a SIP message over UDP. */
TO_PART int to_sip_from_edge(to_engine *x, struct to_packet *k, uint32_t alive)
{
	uint32_t rules =
		TO_SIP_MAKE_DIALOG | TO_SIP_MAKE_TRANSACTION | TO_SIP_PROVEN | TO_SIP_ANSWER;
	bool request = k && k->sip.flags & TO_SIP_REQUEST;
	const struct to_service *s;
	const struct to_table *t;

	TO_PART_CHECK(k);
	t = to_engine_table(x, k);
	if (!t)
		return 0;
	k->out.service = k->answers_service;
	to_edge_out(k);
	if (!alive)
		return 0;
	s = to_service_of(t, k->answers_service);
	if (!s)
		return 0;
	if ((!request && to_speaks_for(x, k, t, TO_TRANSACTION)) ||
	    to_speaks_for(x, k, t, TO_DIALOG)) {
		to_edge_through(k, TO_VERDICT_REPLY, k->answers_service, k->answers_vip);
		rules |= TO_SIP_VIA;
	} else if (!request) {
		goto learn; /* an answer to somebody who dialled the edge itself */
	} else if (s->flags & TO_SERVICE_EDGE_INITIATED_VIP) {
		to_edge_through(k, TO_VERDICT_OUT, k->answers_service, k->answers_vip);
		rules |= TO_SIP_VIA;
	}
	if (rules & TO_SIP_VIA)
		to_sip_know(x, k);
	to_dialog_update(x, k, rules, s->idle);
	to_transaction_update(x, k, rules);
learn:
	if (to_learns(t, k->out.service))
		to_learn_sdp(x, k);
	return 0;
}

/* E3: the answer to a keepalive is known by its client's affinity. */
TO_INLINE bool to_keepalive_answer(to_engine *x, struct to_packet *k, const struct to_service *s)
{
	struct to_entry *a;

	if (s->group == TO_NO_INDEX)
		return false;
	a = to_affinity_find(x, k, &k->dst, s->group);
	if (!a || a->edge != k->from.index)
		return false;
	to_edge_through(k, TO_VERDICT_REPLY, k->answers_service, k->answers_vip);
	return true;
}

/* Proves, or by a TCP RST closes, the unproven pin that the edge has answered. */
TO_INLINE struct to_entry *to_pin_answered(to_engine *x, struct to_packet *k, struct to_entry *e)
{
	if (!(k->tcp_flags & TO_TCPF_RST))
		return to_pin_prove(x, k, e, TO_EDGE);
	to_pin_touch(x, k, e, TO_EDGE);
	return e;
}

/* E4, E5: the pin that this packet answers, touched; or NULL. */
TO_INLINE struct to_entry *to_edge_pin(to_engine *x, struct to_packet *k, const struct to_table *t)
{
	struct to_entry *p, *e;

	p = to_pin_find(x, k, true);
	if (TO_LIKELY(p && p->edge == k->from.index)) {
		to_pin_touch(x, k, p, TO_EDGE);
		return p;
	}
	e = to_pin_find(x, k, false);
	if (!e || e->edge != k->from.index)
		return NULL;
	if (p && to_usable(t, p) && !to_pin_closing(k, p)) {
		to_pin_touch(x, k, e, TO_EDGE); /* another edge has this flow, and it is open */
		return e;
	}
	return to_pin_answered(x, k, e);
}

/* What an answer on pin `e` teaches. */
TO_INLINE void to_edge_learn(to_engine *x, struct to_packet *k, const struct to_table *t,
			     struct to_entry *e)
{
	const struct to_service *s;

	to_may_teach(k);
	if ((k->out.class != TO_CLASS_STUN && k->out.class != TO_CLASS_MS_TURN) ||
	    k->proto != TO_UDP || !(e->flags & TO_ENTRY_PROVEN) || !to_learns(t, k->out.service))
		return;
	s = to_service_of(t, k->out.service);
	if (s && s->kind == TO_KIND_TURN)
		to_learn_turn(x, k, e);
}

/* A TCP segment that begins with a SIP start line teaches its call's edge, and from an edge the
 * addresses of its SDP. `k->out` is decided: by a pin, but for `out`. */
TO_PART int to_learn_tcp(to_engine *x, struct to_packet *k)
{
	uint32_t rules = TO_SIP_MAKE_DIALOG | TO_SIP_VIA;
	bool pinned;
	const struct to_service *s;
	const struct to_table *t;

	TO_PART_CHECK(k);
	t = to_engine_table(x, k);
	s = t && k->out.service != TO_NO_INDEX ? to_service_of(t, k->out.service) : NULL;
	if (!s)
		return 0;
	pinned = k->out.verdict != TO_VERDICT_OUT;
	if (s->kind != TO_KIND_SIP || (pinned && k->tcp_flags & TO_TCPF_SYN))
		return 0;
	if (k->out.verdict == TO_VERDICT_STEER && !to_sip_may_be_read(x, k))
		return to_sip_refuse(k);
	to_sip_load(x, k, t->salt);
	if (k->out.verdict == TO_VERDICT_REPLY)
		rules |= TO_SIP_PROVEN | TO_SIP_ANSWER;
	else if (to_is_dsr(t, k->out.service, k->out.edge))
		rules |= TO_SIP_ANSWER | TO_SIP_UNHEARD;
	if (pinned && k->flags & TO_PKT_SIP)
		to_dialog_update(x, k, rules, s->idle);
	if (k->out.verdict != TO_VERDICT_STEER && to_learns(t, k->out.service))
		to_learn_sdp(x, k);
	return 0;
}

/* E6 and E7: a flow that the edge opens through the VIP. */
TO_PART int to_edge_opens(to_engine *x, struct to_packet *k)
{
	const struct to_service *s;
	const struct to_table *t;
	struct to_entry *e, v;

	TO_PART_CHECK(k);
	t = to_engine_table(x, k);
	s = t ? to_service_of(t, k->opens_service) : NULL;
	if (!s)
		return 0;
	to_pin_key(k, &k->dst, k->dport, k->opens_vip, k->sport, k->proto);
	k->hash = 0;
	e = to_pin_find(x, k, true);
	if (!e || !to_usable(t, e))
		e = to_pin_find(x, k, false);
	if (e && to_usable(t, e) && e->edge != k->from.index) {
		k->out.verdict = TO_VERDICT_DROP;
		k->out.reason = TO_REASON_PORT_CONFLICT;
		k->out.action = TO_ACT_NONE;
		return 0;
	}
	to_edge_through(k, TO_VERDICT_OUT, k->opens_service, k->opens_vip);
	v = (struct to_entry){
		.expires = k->now + (k->proto == TO_TCP ? TO_OPENING_LIFE : s->idle),
		.edge = k->from.index,
		.service = k->opens_service,
		.flags = TO_ENTRY_PROVEN | TO_ENTRY_EDGE_OPENED,
		.tcp = k->proto == TO_TCP ? TO_TCP_OPENING : 0,
		.life = s->idle,
		.mark = k->now,
	};
	to_pin_add(x, k, true, &v);
	return 0;
}

/* By its pin, or as what the edge opens. */
TO_PART int to_edge_pinned(to_engine *x, struct to_packet *k)
{
	const struct to_table *t;
	const struct to_edge *edge;
	struct to_entry *e;
	uint8_t service, vip;
	bool alive;

	TO_PART_CHECK(k);
	t = to_engine_table(x, k);
	edge = t ? to_edge_of(t, k->from.index) : NULL;
	if (!edge)
		return 0;
	alive = to_admits(edge, TO_EXISTING);
	service = k->answers_service != TO_NO_INDEX ? k->answers_service : k->opens_service;
	vip = k->answers_vip != TO_NO_INDEX ? k->answers_vip : k->opens_vip;
	e = alive && k->flags & TO_PKT_KEYED ? to_edge_pin(x, k, t) : NULL;
	if (!e && k->answers_vip != TO_NO_INDEX)
		to_find_opens(x, k);
	if (alive && !e && k->opens_vip != TO_NO_INDEX && k->opens_vip != vip) {
		vip = k->opens_vip;
		to_pin_key(k, &k->dst, k->dport, vip, k->sport, k->proto);
		k->hash = 0;
		e = to_edge_pin(x, k, t);
	}
	to_classify_packet(x, k, service);
	if (e) {
		to_edge_through(k, TO_VERDICT_REPLY, e->service, vip);
		to_edge_learn(x, k, t, e);
		return 0;
	}
	to_edge_out(k);
	if (k->opens_service == TO_NO_INDEX) { /* the outgoing service is the reverse map's */
		k->opens_service = k->answers_service;
		k->opens_vip = k->answers_vip;
	}
	k->out.service = k->opens_service;
	if (alive && to_opens_through_vip(t, k) &&
	    (k->proto == TO_TCP ? k->tcp_flags == TO_TCPF_SYN : k->answers_service == TO_NO_INDEX))
		return to_edge_opens(x, k);
	if (alive && edge->mode == TO_MODE_DNAT && to_learns(t, k->out.service))
		to_may_teach(k);
	return 0;
}

/* E1 to E3: of a cleartext SIP service over UDP. Returns 0 when it is not. */
TO_PART int to_edge_sip(to_engine *x, struct to_packet *k)
{
	const struct to_service *s;
	const struct to_table *t;
	const struct to_edge *edge;
	bool alive;

	TO_PART_CHECK(k);
	t = to_engine_table(x, k);
	edge = t ? to_edge_of(t, k->from.index) : NULL;
	if (!edge)
		return 0;
	alive = to_admits(edge, TO_EXISTING);
	s = k->answers_service != TO_NO_INDEX ? to_service_of(t, k->answers_service) : NULL;
	if (!s || !to_is_sip_udp(s))
		return 0;
	if (to_classify_packet(x, k, k->answers_service) == TO_CLASS_SIP)
		to_sip_load(x, k, t->salt);
	if (!(k->flags & TO_PKT_SIP))
		return alive && to_keepalive_answer(x, k, s);
	to_sip_from_edge(x, k, alive);
	return 1;
}

/* Everything from an edge that has ports. */
TO_INLINE void to_edge_flow(to_engine *x, struct to_packet *k)
{
	if (!to_edge_sip(x, k))
		to_edge_pinned(x, k);
}

#endif
