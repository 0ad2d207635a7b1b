/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The decision: for one parsed packet, its verdict, why, and where to. docs/state.md is the
 * contract; "V" and "E" below are the rows of its section 5.
 *
 *   to_prepare   what the addresses are, and the key of the flow's pin (an engine may prefetch it)
 *   to_decide    section 3: whose packet it is, then
 *                decide_vip.h    to a VIP
 *                decide_edge.h   from an edge
 *
 * Both fill k->out. Nothing here touches the packet's bytes; rewrite.h does.
 */
#ifndef TURNOUT_DECIDE_H
#define TURNOUT_DECIDE_H

#include "decide_edge.h"
#include "decide_vip.h"
#include "fragment.h"
#include "icmp.h"

/* The services that an edge's packet may belong to: by its source port, else by its destination
 * port; and the key of the flow as the VIP has it. */
TO_INLINE void to_prepare_edge(to_engine *x, struct to_packet *k)
{
	struct to_bind bind;
	uint8_t vip;

	k->answers_service = k->answers_vip = k->opens_service = k->opens_vip = TO_NO_INDEX;
	if (to_find_bind(x, k, &k->from, k->proto, k->sport, &bind) && bind.vip != TO_NO_INDEX) {
		k->answers_service = bind.service;
		k->answers_vip = bind.vip;
	}
	if (k->answers_vip == TO_NO_INDEX)
		to_find_opens(x, k);
	vip = k->answers_vip != TO_NO_INDEX ? k->answers_vip : k->opens_vip;
	if (vip == TO_NO_INDEX)
		return;
	to_pin_key(k, &k->dst, k->dport, vip, k->sport, k->proto);
	k->flags |= TO_PKT_KEYED;
}

TO_INLINE void to_prepare(to_engine *x, struct to_packet *k)
{
	k->out = (struct to_decision){
		.service = TO_NO_INDEX, .edge = TO_NO_INDEX, .vip = TO_NO_INDEX};
	k->hash = 0;
	k->to.kind = k->from.kind = TO_ADDRESS_FREE;
	if (k->family == TO_NO_FAMILY)
		return;
	to_locate(x, k, &k->dst, &k->to);
	if (k->to.kind != TO_ADDRESS_VIP)
		to_locate(x, k, &k->src, &k->from);
	if (!(k->flags & TO_PKT_PORTS) || k->malformed)
		return;
	if (k->to.kind == TO_ADDRESS_VIP) {
		to_pin_key(k, &k->src, k->sport, k->to.index, k->dport, k->proto);
		k->flags |= TO_PKT_KEYED;
	} else if (k->to.kind == TO_ADDRESS_FREE && k->from.kind == TO_ADDRESS_EDGE) {
		to_prepare_edge(x, k);
	}
}

TO_INLINE int to_drop(struct to_packet *k, enum to_reason reason)
{
	k->out.verdict = TO_VERDICT_DROP;
	k->out.reason = reason;
	return 0;
}

TO_INLINE int to_kernel(struct to_packet *k, enum to_reason reason)
{
	k->out.verdict = TO_VERDICT_KERNEL;
	k->out.reason = reason;
	return 0;
}

/* An edge's address may not come from outside. */
TO_INLINE bool to_is_spoofed(const struct to_packet *k)
{
	return k->from.kind == TO_ADDRESS_EDGE && k->zone == TO_ZONE_OUTSIDE;
}

/* To a VIP, and no pin decided it. */
TO_INLINE int to_decide_vip_rest(to_engine *x, struct to_packet *k)
{
	const struct to_table *t;

	TO_PART_CHECK(k);
	t = to_engine_table(x, k);
	if (!t)
		return 0;
	to_locate(x, k, &k->src, &k->from);
	if (to_is_spoofed(k) || k->from.kind == TO_ADDRESS_VIP)
		return to_drop(k, TO_REASON_SPOOF);
	if (k->malformed)
		return to_drop(k, k->malformed);
	if (k->from.kind == TO_ADDRESS_EDGE)
		return to_drop(k, TO_REASON_HAIRPIN);
	if (k->flags & TO_PKT_LATER) {
		k->out.class = TO_CLASS_UNKNOWN;
		return to_fragment_follow(x, k) ? 0 : to_drop(k, TO_REASON_FRAGMENT_EARLY);
	}
	if (k->flags & TO_PKT_ICMP_ERROR)
		return to_icmp_to_vip(x, k, t) ? 0 : to_drop(k, TO_REASON_ICMP_UNMATCHED);
	if (!(k->flags & TO_PKT_PORTS))
		return to_drop(k, TO_REASON_NO_SERVICE);
	to_vip_new(x, k);
	return 0;
}

/* To an edge's own address: never balanced, never changed. */
TO_PART int to_decide_owner(to_engine *x, struct to_packet *k)
{
	const struct to_table *t;
	const struct to_edge *e;

	TO_PART_CHECK(k);
	t = to_engine_table(x, k);
	if (!t)
		return 0;
	if (to_is_spoofed(k))
		return to_drop(k, TO_REASON_SPOOF);
	if (k->malformed)
		return to_drop(k, k->malformed);
	if (k->flags & TO_PKT_LATER)
		k->out.class = TO_CLASS_UNKNOWN;
	else if (k->flags & TO_PKT_PORTS)
		to_classify_packet(x, k, TO_NO_INDEX);
	k->out.edge = k->to.index;
	e = to_edge_of(t, k->to.index);
	if (!e || !to_admits(e, TO_EXISTING))
		return to_drop(k, TO_REASON_EDGE_RETIRED);
	k->out.verdict = TO_VERDICT_STEER;
	k->out.reason = TO_REASON_OWNER;
	k->out.action = TO_ACT_FORWARD;
	return 0;
}

TO_INLINE int to_decide_edge(to_engine *x, struct to_packet *k)
{
	TO_PART_CHECK(k);
	if (to_is_spoofed(k))
		return to_drop(k, TO_REASON_SPOOF);
	if (k->malformed)
		return to_drop(k, k->malformed);
	k->flags |= TO_PKT_PROVEN;
	if (k->flags & TO_PKT_LATER) {
		k->out.class = TO_CLASS_UNKNOWN;
		if (to_fragment_follow(x, k))
			return 0;
	} else if (k->flags & TO_PKT_ICMP_ERROR) {
		if (to_icmp_to_client(x, k))
			return 0;
	} else if (k->flags & TO_PKT_PORTS) {
		to_edge_flow(x, k);
		return 0;
	}
	to_edge_out(k);
	return 0;
}

/* Of a packet to neither VIP, edge nor gateway, and not from an edge. */
TO_INLINE int to_decide_stranger(to_engine *x, struct to_packet *k)
{
	if (k->flags & TO_PKT_ICMP_ERROR && !k->malformed && to_icmp_to_client(x, k))
		return 0;
	return to_kernel(k, TO_REASON_NOT_OURS);
}

/* Do later fragments follow what was decided for this first one? */
TO_INLINE bool to_has_followers(const struct to_packet *k)
{
	return !k->malformed && k->out.verdict != TO_VERDICT_KERNEL &&
	       k->out.reason != TO_REASON_SPOOF && k->out.reason != TO_REASON_HAIRPIN &&
	       !(k->out.reason == TO_REASON_ICMP_ERROR && k->out.verdict == TO_VERDICT_REPLY);
}

/* Is the destination one that no router forwards to: multicast, broadcast, link-local? */
TO_INLINE bool to_stays_on_link(const struct to_packet *k)
{
	const uint8_t *b = k->dst.b;

	if (k->family == TO_IP4)
		return b[12] >= 224 || (b[12] == 169 && b[13] == 254);
	return b[0] == 0xff || (b[0] == 0xfe && (b[1] & 0xc0) == 0x80);
}

/* Section 3, in its order; after to_prepare. */
TO_INLINE void to_decide(to_engine *x, struct to_packet *k)
{
	if (TO_LIKELY(k->to.kind == TO_ADDRESS_VIP)) {
		if (!(k->flags & TO_PKT_KEYED) || !to_vip_pin(x, k))
			to_decide_vip_rest(x, k);
	} else if (k->family == TO_NO_FAMILY) {
		to_kernel(k, TO_REASON_NOT_IP);
	} else if (k->to.kind == TO_ADDRESS_GATEWAY) {
		if (!(k->flags & TO_PKT_ICMP_ERROR) || k->malformed || !to_icmp_about_tunnel(x, k))
			to_kernel(k, TO_REASON_GATEWAY);
	} else if (k->to.kind == TO_ADDRESS_EDGE) {
		to_decide_owner(x, k);
		return;
	} else if (TO_UNLIKELY(to_stays_on_link(k))) {
		to_kernel(k, TO_REASON_NOT_OURS);
	} else if (k->from.kind == TO_ADDRESS_EDGE) {
		to_decide_edge(x, k);
	} else {
		to_decide_stranger(x, k);
	}
	if (TO_UNLIKELY(k->flags & TO_PKT_TEACHES))
		to_learn_tcp(x, k);
	if (TO_UNLIKELY(k->flags & TO_PKT_FIRST) && to_has_followers(k))
		to_fragment_record(x, k);
}

#endif
