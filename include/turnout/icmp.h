/* SPDX-License-Identifier: BSD-3-Clause */
/* ICMP errors go where the flow goes that they are about. docs/state.md, section 8. */
#ifndef TURNOUT_ICMP_H
#define TURNOUT_ICMP_H

#include "parse.h"
#include "pin.h"

/* The edge of the embedded flow (client, port; VIP, port), or TO_NO_INDEX. A flow of cleartext SIP
 * over UDP has no pin: there the client's affinity says. `only`: no other edge than this one
 * counts; TO_NO_INDEX: any. Sets k->out's edge and service. */
TO_PART int to_embedded_flow(to_engine *x, struct to_packet *k, uint32_t service, uint32_t only)
{
	const struct to_service *s;
	const struct to_table *t;
	struct to_entry *e;

	TO_PART_CHECK(k);
	t = to_engine_table(x, k);
	if (!t)
		return 0;
	e = to_pin_find(x, k, true);
	if (!e || !to_usable(t, e) || (only != TO_NO_INDEX && e->edge != only))
		e = to_pin_find(x, k, false);
	if (!e && service != TO_NO_INDEX) {
		const union to_addr *client =
			only == TO_NO_INDEX ? &k->embedded_dst : &k->embedded_src;

		s = to_service_of(t, service);
		if (s && to_is_sip_udp(s) && s->group != TO_NO_INDEX)
			e = to_affinity_find(x, k, client, s->group);
		if (e && !to_usable_on(t, e, service, k->family))
			e = NULL;
	} else if (e) {
		service = e->service;
	}
	if (!e || !to_usable(t, e) || (only != TO_NO_INDEX && e->edge != only))
		return 0;
	k->out.edge = e->edge;
	k->out.service = service;
	if (e->flags & TO_ENTRY_PROVEN)
		k->flags |= TO_PKT_PROVEN;
	return 1;
}

TO_INLINE void to_icmp_out(struct to_packet *k, enum to_verdict verdict, enum to_action action,
			   uint8_t vip)
{
	k->out.verdict = verdict;
	k->out.reason = TO_REASON_ICMP_ERROR;
	k->out.action = action;
	k->out.vip = vip;
}

/* To a VIP, about what that VIP's edge sent to a client. */
TO_INLINE bool to_icmp_to_vip(to_engine *x, struct to_packet *k, const struct to_table *t)
{
	const struct to_target *g;
	struct to_bind bind;

	if (!(k->flags & TO_PKT_EMBEDDED_PORTS) || !to_addr_equal(&k->embedded_src, &k->dst))
		return false;
	to_pin_key(k, &k->embedded_dst, k->embedded_dport, k->to.index, k->embedded_sport,
		   k->embedded_proto);
	if (!to_find_bind(x, k, &k->to, k->embedded_proto, k->embedded_sport, &bind))
		bind.service = TO_NO_INDEX;
	if (!to_embedded_flow(x, k, bind.service, TO_NO_INDEX))
		return false;
	g = to_target_of(t, k->out.service, k->out.edge);
	if (!g)
		return false;
	to_icmp_out(k, TO_VERDICT_STEER,
		    g->mode == TO_MODE_DNAT   ? TO_ACT_ICMP_DNAT
		    : g->mode == TO_MODE_IPIP ? TO_ACT_ENCAP
					      : TO_ACT_FORWARD,
		    k->to.index);
	return true;
}

/* The embedded flow from a client to an edge, as this bind's VIP has it. */
TO_INLINE bool to_embedded_by(to_engine *x, struct to_packet *k, const struct to_bind *bind,
			      uint8_t edge)
{
	if (bind->vip == TO_NO_INDEX)
		return false;
	to_pin_key(k, &k->embedded_src, k->embedded_sport, bind->vip, k->embedded_dport,
		   k->embedded_proto);
	k->hash = 0;
	return to_embedded_flow(x, k, bind->service, edge);
}

/* To a client, about what it sent to a VIP and we to an edge. */
TO_INLINE bool to_icmp_to_client(to_engine *x, struct to_packet *k)
{
	struct to_identity edge;
	struct to_bind bind;

	if (!(k->flags & TO_PKT_EMBEDDED_PORTS) ||
	    to_locate(x, k, &k->embedded_dst, &edge) != TO_ADDRESS_EDGE)
		return false;
	if (!to_find_bind(x, k, &edge, k->embedded_proto, k->embedded_dport, &bind) ||
	    !to_embedded_by(x, k, &bind, edge.index)) {
		/* or a flow that the edge opened: known by the port that it went out to */
		if (!to_find_bind(x, k, &edge, k->embedded_proto, k->embedded_sport, &bind) ||
		    !to_embedded_by(x, k, &bind, edge.index))
			return false;
	}
	to_icmp_out(k, TO_VERDICT_REPLY, TO_ACT_ICMP_SNAT, bind.vip);
	return true;
}

/* To a gateway, about the tunnel that an edge's packets go through: goes on to the client. */
TO_INLINE bool to_icmp_about_tunnel(to_engine *x, struct to_packet *k)
{
	const uint8_t *data, *end;
	struct to_identity place, edge;
	struct to_bind bind;
	uint16_t outer = k->embedded_l3;

	if (!(k->flags & TO_PKT_EMBEDDED) || k->flags & TO_PKT_LATER || outer >= TO_MAX_HEAD ||
	    k->embedded_ipproto != (k->family == TO_IP4 ? TO_IP_IP4 : TO_IP_IP6) ||
	    to_locate(x, k, &k->embedded_src, &place) != TO_ADDRESS_GATEWAY ||
	    to_locate(x, k, &k->embedded_dst, &edge) != TO_ADDRESS_EDGE)
		return false;
	data = to_engine_data(x, &end);
	to_parse_embedded(data, end, k->embedded_l4, k->family, k);
	if (!(k->flags & TO_PKT_EMBEDDED_PORTS) ||
	    to_locate(x, k, &k->embedded_dst, &place) != TO_ADDRESS_VIP)
		return false;
	to_pin_key(k, &k->embedded_src, k->embedded_sport, place.index, k->embedded_dport,
		   k->embedded_proto);
	if (!to_find_bind(x, k, &place, k->embedded_proto, k->embedded_dport, &bind))
		bind.service = TO_NO_INDEX;
	if (!to_embedded_flow(x, k, bind.service, edge.index))
		return false;
	k->tunnel_l3 = outer;
	to_icmp_out(k, TO_VERDICT_REPLY, TO_ACT_TUNNEL_ERROR, place.index);
	return true;
}

#endif
