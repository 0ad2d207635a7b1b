/* SPDX-License-Identifier: BSD-3-Clause */
/* To a VIP: rows V1 to V12 of docs/state.md. */
#ifndef TURNOUT_DECIDE_VIP_H
#define TURNOUT_DECIDE_VIP_H

#include "choose.h"
#include "classify.h"
#include "dialog.h"
#include "pin.h"
#include "stun.h"

/* `service`: the one that the verdict will name, or TO_NO_INDEX. */
TO_PART_INLINE int to_classify_packet(to_engine *x, struct to_packet *k, uint32_t service)
{
	const struct to_service *s = NULL;
	struct to_bytes payload;
	const struct to_table *t;

	TO_PART_CHECK(k);
	t = to_engine_table(x, k);
	if (!t)
		return 0;
	if (service != TO_NO_INDEX)
		s = to_service_of(t, service);
	payload = to_engine_payload(x, k);
	k->out.class = to_classify(&payload, k->proto, s && to_expects_media(s));
	return k->out.class;
}

/* The action that a steered packet needs; reason and edge stand. */
TO_INLINE void to_set_target(const struct to_table *t, struct to_packet *k)
{
	const struct to_target *g = to_target_of(t, k->out.service, k->out.edge);

	k->out.vip = k->to.index;
	if (!g)
		return;
	k->out.action = g->mode == TO_MODE_DNAT   ? TO_ACT_DNAT
			: g->mode == TO_MODE_IPIP ? TO_ACT_ENCAP
						  : TO_ACT_FORWARD;
}

TO_INLINE bool to_is_dsr(const struct to_table *t, uint8_t service, uint8_t edge)
{
	const struct to_target *g = to_target_of(t, service, edge);

	return g && g->mode != TO_MODE_DNAT;
}

/* Can the packet begin a flow on this service? Section 4. Its class is known. */
TO_INLINE bool to_begins(to_engine *x, struct to_packet *k, const struct to_service *s)
{
	struct to_bytes payload;

	if (k->proto == TO_TCP || s->kind != TO_KIND_TURN)
		return k->flags & TO_PKT_BEGINS;
	switch (k->out.class) {
	case TO_CLASS_TURN_CHANNEL:
	case TO_CLASS_RTP:
	case TO_CLASS_RTCP:
	case TO_CLASS_QUIC:
		return false;
	case TO_CLASS_STUN:
	case TO_CLASS_MS_TURN:
		payload = to_engine_payload(x, k);
		return to_stun_begins_flow(&payload);
	case TO_CLASS_DTLS:
		payload = to_engine_payload(x, k);
		return to_dtls_is_client_hello(&payload);
	default:
		return true;
	}
}

/* A TCP segment that begins with a SIP start line may teach something, once it is decided. */
TO_INLINE void to_may_teach(struct to_packet *k)
{
	if (TO_UNLIKELY(k->out.class == TO_CLASS_SIP && k->proto == TO_TCP))
		k->flags |= TO_PKT_TEACHES;
}

/* The client's second packet, and more, on a pin whose edge we never hear (DSR). */
TO_INLINE struct to_entry *to_pin_second(to_engine *x, struct to_packet *k,
					 const struct to_table *t, struct to_entry *e)
{
	if (to_is_dsr(t, e->service, e->edge) && !(k->tcp_flags & (TO_TCPF_SYN | TO_TCPF_RST)))
		return to_pin_prove(x, k, e, TO_CLIENT);
	to_pin_touch(x, k, e, TO_CLIENT);
	return e;
}

/* DSR: beside a closing pin, the new connection's one, which no answer will ever decide for. */
TO_INLINE struct to_entry *to_pin_beside(to_engine *x, struct to_packet *k,
					 const struct to_table *t)
{
	struct to_entry *e;

	if (k->tcp_flags & (TO_TCPF_SYN | TO_TCPF_RST))
		return NULL;
	e = to_pin_find(x, k, false);
	return e && to_usable(t, e) && to_is_dsr(t, e->service, e->edge) ? e : NULL;
}

/* Is the pin's connection one that its edge is rid of (5.4)? A RST of the client ends it anyway,
 * and the edge is to have it. DSR: the numbers that a RST needs are not in what comes by. */
TO_INLINE bool to_pin_resets(const struct to_table *t, const struct to_packet *k,
			     const struct to_entry *e)
{
	const struct to_edge *edge = to_edge_of(t, e->edge);

	return edge && edge->state == TO_EDGE_RESETTING && edge->mode == TO_MODE_DNAT &&
	       k->proto == TO_TCP && !(k->tcp_flags & TO_TCPF_RST);
}

/* The pin closes, as by a RST of the client. */
TO_PART int to_pin_end(to_engine *x, struct to_packet *k, uint32_t proven)
{
	struct to_entry *e;

	TO_PART_CHECK(k);
	e = proven ? to_pin_find(x, k, true) : to_pin_find(x, k, false);
	if (e)
		to_pin_step(x, k, e, TO_TCPF_RST, TO_CLIENT);
	return 0;
}

/* V9r: the segment does not reach the edge; the engine answers it (tcp_reset.h). */
TO_INLINE int to_vip_reset(to_engine *x, struct to_packet *k, const struct to_entry *e)
{
	bool proven = e->flags & TO_ENTRY_PROVEN;

	k->out.verdict = TO_VERDICT_DROP;
	k->out.reason = TO_REASON_RESET;
	k->out.edge = e->edge;
	k->out.service = e->service;
	k->out.vip = k->to.index;
	if (proven)
		k->flags |= TO_PKT_PROVEN;
	to_pin_end(x, k, proven);
	to_classify_packet(x, k, k->out.service);
	return 1;
}

/* V6, V6r: does the proven pin keep a SYN? One that is reset closes, and does not. */
TO_INLINE bool to_pin_keeps(to_engine *x, struct to_packet *k, const struct to_table *t,
			    const struct to_entry *e)
{
	if (!e || !to_usable(t, e) || to_pin_closing(k, e))
		return false;
	if (TO_LIKELY(!to_pin_resets(t, k, e)))
		return true;
	to_pin_end(x, k, true);
	return false;
}

/* V5 to V9. Returns 0 when no pin decides. */
TO_PART int to_vip_pin(to_engine *x, struct to_packet *k)
{
	const struct to_table *t;
	struct to_entry *e, *beside;
	bool syn;

	TO_PART_CHECK(k);
	t = to_engine_table(x, k);
	if (!t)
		return 0;
	syn = k->tcp_flags == TO_TCPF_SYN;
	e = to_pin_find(x, k, true);
	if (TO_LIKELY(e && to_usable(t, e) && !syn)) {
		beside = TO_UNLIKELY(to_pin_closing(k, e)) ? to_pin_beside(x, k, t) : NULL;
		if (beside)
			e = to_pin_second(x, k, t, beside);
		else if (TO_UNLIKELY(to_pin_resets(t, k, e)))
			return to_vip_reset(x, k, e);
		else
			to_pin_touch(x, k, e, TO_CLIENT);
	} else if (!to_pin_keeps(x, k, t, e)) {
		e = to_pin_find(x, k, false);
		if (!e || !to_usable(t, e))
			return 0;
		if (TO_UNLIKELY(to_pin_resets(t, k, e)))
			return syn ? 0 : to_vip_reset(x, k, e);
		if (!syn)
			e = to_pin_second(x, k, t, e);
	}
	k->out.verdict = TO_VERDICT_STEER;
	k->out.reason = TO_REASON_PIN;
	k->out.edge = e->edge;
	k->out.service = e->service;
	if (e->flags & TO_ENTRY_PROVEN)
		k->flags |= TO_PKT_PROVEN;
	to_set_target(t, k);
	to_classify_packet(x, k, k->out.service);
	to_may_teach(k);
	return 1;
}

/* V1 to V3: a SIP message over UDP. */
TO_PART int to_sip_to_vip(to_engine *x, struct to_packet *k)
{
	uint32_t rules = TO_SIP_MAKE_TRANSACTION | TO_SIP_VIA;
	const struct to_service *s;
	const struct to_table *t;
	struct to_entry *e;

	TO_PART_CHECK(k);
	t = to_engine_table(x, k);
	s = t ? to_service_of(t, k->out.service) : NULL;
	if (!s)
		return 0;
	k->out.verdict = TO_VERDICT_STEER;
	k->out.reason = TO_REASON_DIALOG;
	e = to_sip_find(x, k, TO_DIALOG);
	if (!e || !to_usable_on(t, e, k->out.service, k->family)) {
		k->out.reason = TO_REASON_TRANSACTION;
		e = to_sip_find(x, k, TO_TRANSACTION);
		if (e && !to_usable_on(t, e, k->out.service, k->family))
			e = NULL;
	}
	if (e) {
		k->out.edge = e->edge;
		if (e->flags & TO_ENTRY_PROVEN)
			k->flags |= TO_PKT_PROVEN;
		if (to_is_dsr(t, k->out.service, e->edge)) {
			rules |= TO_SIP_ANSWER | TO_SIP_UNHEARD;
			if (k->flags & TO_PKT_PROVEN)
				to_sip_know(x, k);
		}
	} else {
		to_choose(x, k, false);
		if (k->out.verdict != TO_VERDICT_STEER)
			return 0;
		rules |= TO_SIP_MAKE_DIALOG | TO_SIP_DECIDED;
	}
	to_set_target(t, k);
	if (to_dialog_update(x, k, rules, s->idle) && k->out.reason == TO_REASON_DIALOG)
		rules |= TO_SIP_PROVEN;
	to_transaction_update(x, k, rules);
	return 0;
}

/* Step 7: the edge that owns the VIP's port. */
TO_INLINE bool to_vip_owner(to_engine *x, struct to_packet *k, const struct to_table *t,
			    const struct to_service *s)
{
	struct to_key key = to_key_owner(k->to.index, to_host16(k->dport));
	struct to_entry *e;

	if (!(s->flags & TO_SERVICE_OWNED))
		return false;
	e = to_engine_find(x, k, TO_OWNER, true, &key);
	if (!e || !to_usable_on(t, e, k->out.service, k->family))
		return false;
	k->out.verdict = TO_VERDICT_STEER;
	k->out.reason = TO_REASON_LEARNED_OWNER;
	k->flags |= TO_PKT_PROVEN;
	k->out.edge = e->edge;
	return true;
}

/* Row V7: the closing pin of the same key stays when the new decision names its edge. UDP has no
 * such pin: a usable one would have decided. */
TO_INLINE bool to_pin_stays(to_engine *x, struct to_packet *k, const struct to_table *t)
{
	struct to_entry *p = k->proto == TO_TCP ? to_pin_find(x, k, true) : NULL;

	return p && to_usable(t, p) && p->edge == k->out.edge;
}

/* V10 to V12: a flow that no entry knows. */
TO_PART int to_vip_flow(to_engine *x, struct to_packet *k)
{
	const struct to_service *s;
	const struct to_target *g;
	const struct to_table *t;

	TO_PART_CHECK(k);
	t = to_engine_table(x, k);
	s = t ? to_service_of(t, k->out.service) : NULL;
	if (!s)
		return 0;
	if (!to_vip_owner(x, k, t, s))
		to_choose(x, k, !to_begins(x, k, s));
	if (k->out.verdict != TO_VERDICT_STEER)
		return 0;
	to_set_target(t, k);
	g = to_target_of(t, k->out.service, k->out.edge);
	if (g && !(k->tcp_flags & TO_TCPF_RST) && !to_pin_stays(x, k, t))
		to_pin_record(x, k, s, g->mode);
	to_may_teach(k);
	return 0;
}

/* Everything to a VIP that has ports and that no pin decides. */
TO_PART int to_vip_new(to_engine *x, struct to_packet *k)
{
	const struct to_service *s;
	const struct to_table *t;
	struct to_bind bind;

	TO_PART_CHECK(k);
	t = to_engine_table(x, k);
	if (!t)
		return 0;
	if (!to_find_bind(x, k, &k->to, k->proto, k->dport, &bind)) {
		k->out.verdict = TO_VERDICT_DROP;
		k->out.reason = TO_REASON_NO_SERVICE;
		to_classify_packet(x, k, TO_NO_INDEX);
		return 0;
	}
	k->out.service = bind.service;
	to_classify_packet(x, k, bind.service);
	s = to_service_of(t, bind.service);
	if (!s || !to_is_sip_udp(s))
		return to_vip_flow(x, k);
	if (k->out.class == TO_CLASS_SIP) {
		if (!to_sip_may_be_read(x, k))
			return to_sip_refuse(k);
		to_sip_load(x, k, t->salt);
	}
	if (k->flags & TO_PKT_SIP)
		return to_sip_to_vip(x, k);
	to_choose(x, k, false); /* V4: a keepalive follows the client's route, and leaves nothing */
	if (k->out.verdict == TO_VERDICT_STEER)
		to_set_target(t, k);
	return 0;
}

#endif
