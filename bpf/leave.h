/* SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only) */
/*
 * The decision carried out: bytes rewritten, headers put in front or taken out, the frame sent on.
 * Each part is verified by itself and derives the packet's pointers anew.
 */
#ifndef TURNOUT_BPF_LEAVE_H
#define TURNOUT_BPF_LEAVE_H

#include "capture.h"
#include "maps.h"

#include <turnout/icmp_error.h>
#include <turnout/rewrite.h>
#include <turnout/tcp_reset.h>

#define HEAD_MASK  (TO_MAX_HEAD - 1)
#define QUOTE_MASK 2047
#define L2_MASK    31 /* Ethernet and two tags: 22 bytes */

TO_INLINE struct to_bpf_room *the_room(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&room, &zero);
}

TO_INLINE const struct to_bpf_hop *hop_of(const struct to_packet *k)
{
	__u32 i = k->out.edge;

	if (k->out.verdict != TO_VERDICT_STEER)
		i = k->family == TO_IP4 ? TO_BPF_HOP_OUTSIDE4 : TO_BPF_HOP_OUTSIDE6;
	return bpf_map_lookup_elem(&hops, &i);
}

/* Moves the frame's first `len` bytes forward by `by` (backward: less than 0), and its beginning.
 */
TO_PART int to_move_head(to_engine *x, uint32_t len, int by)
{
	struct to_bpf_room *r = the_room();

	if (!r)
		return -1;
	if (!len)
		return -1;
	TO_OPAQUE(len);
	len = ((len - 1) & HEAD_MASK) + 1; /* 6.1 does not learn a bound from a test for zero */
	if (bpf_xdp_load_bytes(x, 0, r->head, len) || bpf_xdp_adjust_head(x, by))
		return -1;
	return bpf_xdp_store_bytes(x, 0, r->head, len) ? -1 : 0;
}

/* The address that the packet gets in the place of its destination (the edge's) or its source (the
 * VIP's). */
TO_INLINE union to_addr new_address(const struct to_table *t, const struct to_packet *k,
				    bool destination)
{
	const struct to_target *g;

	if (!destination)
		return to_vip_of(t, k->out.vip & (TO_MAX_VIPS - 1))->addr;
	g = to_target_of(t, k->out.service, k->out.edge);
	return k->family == TO_IP4 ? to_addr_v4(g->v4) : g->v6;
}

/* It becomes that. */
TO_INLINE int leave_address(to_engine *x, const struct to_packet *k)
{
	bool destination = k->out.action == TO_ACT_DNAT;
	const struct to_table *t = to_engine_table(x, k);
	const uint8_t *end;
	union to_addr to;
	uint8_t *data;

	if (!t)
		return -1;
	to = new_address(t, k, destination);
	data = (uint8_t *)(uintptr_t)to_engine_data(x, &end);
	to_rewrite_addr(data, end, k, destination, &to);
	return 0;
}

/* Likewise of an ICMP error about the flow. */
TO_PART int to_leave_icmp(to_engine *x, struct to_packet *k)
{
	bool to_edge, outer = true;
	const struct to_table *t;
	const uint8_t *end;
	union to_addr to;
	uint8_t *data;

	TO_PART_CHECK(k);
	t = to_engine_table(x, k);
	if (!t)
		return -1;
	to_edge = k->out.action == TO_ACT_ICMP_DNAT;
	to = new_address(t, k, to_edge);
	if (!to_edge)
		outer = to_addr_equal(&k->src, &k->embedded_dst);
	data = (uint8_t *)(uintptr_t)to_engine_data(x, &end);
	to_rewrite_ttl(data, end, k);
	to_rewrite_icmp(data, end, k, to_edge, outer, &to);
	return 0;
}

TO_PART int to_leave_unchanged(to_engine *x, struct to_packet *k)
{
	const uint8_t *end;
	uint8_t *data;

	TO_PART_CHECK(k);
	data = (uint8_t *)(uintptr_t)to_engine_data(x, &end);
	to_rewrite_ttl(data, end, k);
	return 0;
}

/* The outer header, where to_move_head() has made room for it. */
TO_PART int to_put_outer(to_engine *x, struct to_packet *k, uint32_t tos)
{
	const struct to_gateway *from;
	const struct to_target *g;
	const struct to_table *t;
	uint32_t l3, inner;
	const uint8_t *end;
	uint8_t *data, *p;
	bool v4;

	TO_PART_CHECK(k);
	t = to_engine_table(x, k);
	if (!t)
		return -1;
	l3 = k->l3;
	inner = k->l3_len;
	g = to_target_of(t, k->out.service, k->out.edge);
	v4 = to_tunnel_is_v4(g, k);
	from = to_element(t, TO_SECTION_GATEWAYS, v4 ? g->gateway4 : g->gateway6, sizeof(*from));
	data = (uint8_t *)(uintptr_t)to_engine_data(x, &end);
	if (v4) {
		to_be32 source = {from->addr.w[3]};

		p = to_field(data, end, l3, TO_IP4_HEADER);
		if (p)
			to_put_tunnel4(p, k, inner, tos, source, g->v4);
	} else {
		p = to_field(data, end, l3, TO_IP6_HEADER);
		if (p)
			to_put_tunnel6(p, k, inner, tos, &from->addr, &g->v6);
	}
	to_put_ethertype(data, end, l3, v4 ? TO_ETH_IP4 : TO_ETH_IP6);
	return p ? 0 : -1;
}

TO_PART int to_leave_tunnelled(to_engine *x, struct to_packet *k, uint32_t overhead)
{
	const uint8_t *data, *end;
	uint32_t tos;

	TO_PART_CHECK(k);
	data = to_engine_data(x, &end);
	tos = to_traffic_class(data, end, k);
	to_leave_unchanged(x, k);
	if (to_move_head(x, k->l3, -(int)overhead))
		return -1;
	return to_put_outer(x, k, tos);
}

TO_PART int to_leave_untunnelled(to_engine *x, struct to_packet *k)
{
	const struct to_table *t;
	const uint8_t *end;
	union to_addr vip;
	uint8_t *data;

	TO_PART_CHECK(k);
	t = to_engine_table(x, k);
	if (!t)
		return -1;
	vip = new_address(t, k, false);
	data = (uint8_t *)(uintptr_t)to_engine_data(x, &end);
	to_rewrite_ttl(data, end, k);
	to_rewrite_tunnel_error(data, end, k, &vip);
	return to_move_head(x, k->tunnel_l3, k->embedded_l3 - k->tunnel_l3);
}

/* What is behind the IP packet is Ethernet's padding. */
TO_INLINE int cut_padding(to_engine *x, const struct to_packet *k)
{
	uint32_t len = frame_length(x), want = k->l3 + k->l3_len;

	return len > want ? (int)bpf_xdp_adjust_tail(x, (int)want - (int)len) : 0;
}

/* Writes the MACs and sends. Returns what the program returns. */
TO_INLINE int send_frame(to_engine *x, struct to_packet *k)
{
	const struct to_bpf_hop *hop;
	const uint8_t *end;
	uint8_t *data;

	hop = hop_of(k);
	data = (uint8_t *)(uintptr_t)to_engine_data(x, &end);
	data = to_field(data, end, 0, TO_ETH_HEADER);
	if (!hop || !data)
		return XDP_DROP;
	/* mac and own, one behind the other in both */
	to_put_raw64(data, to_raw64(hop->mac));
	to_put_raw32(data + 8, to_raw32(hop->mac + 8));
	if (hop->ifindex == x->ingress_ifindex)
		return XDP_TX;
	return (int)bpf_redirect(hop->ifindex, 0);
}

/* Sum of the `len` bytes that are in the room. */
TO_PART uint64_t to_sum_quote(uint32_t len)
{
	struct to_bpf_room *r = the_room();
	uint64_t sum = 0;

	if (!r)
		return 0;
	for (uint32_t i = 0; i < (TO_ICMP_QUOTE_MAX + 7) / 8 * 8; i += 8) {
		uint64_t w;

		if (i >= len)
			break;
		w = *(const uint64_t *)(r->quote + i);
		if (len - i < 8)
			w &= TO_LOW_BYTES(len - i);
		sum += (w & 0xffffffff) + (w >> 32);
	}
	return sum;
}

/* Turns the MACs round: the frame goes back to its sender. */
TO_PART int to_answer_macs(to_engine *x)
{
	__u32 ifindex = x->ingress_ifindex;
	struct to_bpf_port *port = bpf_map_lookup_elem(&ports, &ifindex);
	const uint8_t *end;
	uint8_t *p, mac[6];

	p = (uint8_t *)(uintptr_t)to_engine_data(x, &end);
	p = to_field(p, end, 0, TO_ETH_HEADER);
	if (!p || !port)
		return -1;
	__builtin_memcpy(mac, p + 6, 6);
	__builtin_memcpy(p, mac, 6);
	__builtin_memcpy(p + 6, port->own, 6);
	return 0;
}

/* The error's own headers, in front of what it quotes; from whom, over what: to_refuse(). */
TO_PART int to_put_error(to_engine *x, struct to_packet *k, uint32_t quote, uint32_t mtu)
{
	const union to_addr *from;
	const struct to_table *t;
	uint8_t *data, *p;
	const uint8_t *end;
	uint64_t sum;

	TO_PART_CHECK(k);
	t = to_engine_table(x, k);
	from = t ? to_icmp_error_from(t, k) : NULL;
	if (!from || to_answer_macs(x))
		return -1;
	sum = to_sum_quote(quote);
	data = (uint8_t *)(uintptr_t)to_engine_data(x, &end);
	if (k->family == TO_IP4) {
		p = to_field(data, end, k->l3, TO_IP4_HEADER + TO_ICMP_HEADER);
		if (p)
			to_put_icmp_error4(p, k, from, quote, sum, mtu);
	} else {
		p = to_field(data, end, k->l3, TO_IP6_HEADER + TO_ICMP_HEADER);
		if (p)
			to_put_icmp_error6(p, k, from, quote, sum, mtu);
	}
	return p ? 0 : -1;
}

/* Cuts the frame down to what is quoted, and makes room for the error's headers. */
TO_PART int to_quote(to_engine *x, struct to_packet *k)
{
	struct to_bpf_room *r = the_room();
	uint32_t quote, len;
	int cut;

	TO_PART_CHECK(k);
	if (!r)
		return -1;
	quote = to_icmp_error_quote(k);
	len = frame_length(x);
	cut = (int)len - (int)(k->l3 + quote);
	if (cut > 0 && bpf_xdp_adjust_tail(x, -cut))
		return -1;
	if (!quote)
		return -1;
	TO_OPAQUE(quote);
	quote = ((quote - 1) & QUOTE_MASK) + 1; /* likewise */
	if (bpf_xdp_load_bytes(x, k->l3, r->quote, quote))
		return -1;
	return to_move_head(x, k->l3 & L2_MASK, -(int)to_icmp_error_header(k));
}

/* The frame may not leave; it becomes the ICMP error about it, back to its sender. */
TO_PART int to_refuse(to_engine *x, struct to_packet *k, uint32_t mtu)
{
	const struct to_table *t;
	struct to_bpf_tally *n;
	__u32 zero = 0;

	TO_PART_CHECK(k);
	t = to_engine_table(x, k);
	n = bpf_map_lookup_elem(&tally, &zero);
	if (!t || !n)
		return XDP_DROP;
	if (!to_icmp_error_from(t, k) || !to_icmp_error_due(k, &n->icmp) || to_quote(x, k) ||
	    to_put_error(x, k, to_icmp_error_quote(k), mtu)) {
		n->events[TO_EVENT_ICMP_UNSENT]++;
		return XDP_DROP;
	}
	n->events[TO_EVENT_ICMP_SENT]++;
	return XDP_TX;
}

/* The RST in the place of the segment, behind which the frame is cut off. */
TO_PART int to_put_answer(to_engine *x, struct to_packet *k)
{
	struct to_tcp_numbers n;
	const uint8_t *end;
	uint8_t *data, *p;
	int cut;

	TO_PART_CHECK(k);
	data = (uint8_t *)(uintptr_t)to_engine_data(x, &end);
	p = to_field(data, end, k->l4, TO_TCP_HEADER);
	if (!p)
		return -1;
	n = to_reset_numbers(p, k);
	cut = (int)frame_length(x) - (int)(k->l3 + to_reset_length(k));
	if (to_answer_macs(x) || (cut > 0 && bpf_xdp_adjust_tail(x, -cut)))
		return -1;
	data = (uint8_t *)(uintptr_t)to_engine_data(x, &end);
	if (k->family == TO_IP4) {
		p = to_field(data, end, k->l3, TO_IP4_HEADER + TO_TCP_HEADER);
		if (p)
			to_put_reset(p, k, TO_IP4, &n);
	} else {
		p = to_field(data, end, k->l3, TO_IP6_HEADER + TO_TCP_HEADER);
		if (p)
			to_put_reset(p, k, TO_IP6, &n);
	}
	return p ? 0 : -1;
}

/* Answers the segment for an edge that is resetting. */
TO_PART int to_reset(to_engine *x, struct to_packet *k)
{
	struct to_bpf_tally *n;
	__u32 zero = 0;

	TO_PART_CHECK(k);
	n = bpf_map_lookup_elem(&tally, &zero);
	if (!n)
		return XDP_DROP;
	if (!to_reset_due(k, &n->resets) || to_put_answer(x, k)) {
		n->events[TO_EVENT_RESET_UNSENT]++;
		return XDP_DROP;
	}
	n->events[TO_EVENT_RESET_SENT]++;
	return XDP_TX;
}

TO_INLINE int rewrite(to_engine *x, struct to_packet *k, uint32_t overhead)
{
	switch (k->out.action) {
	case TO_ACT_DNAT:
	case TO_ACT_SNAT:
		return leave_address(x, k);
	case TO_ACT_ICMP_DNAT:
	case TO_ACT_ICMP_SNAT:
		return to_leave_icmp(x, k);
	case TO_ACT_ENCAP:
		return to_leave_tunnelled(x, k, overhead);
	case TO_ACT_TUNNEL_ERROR:
		return to_leave_untunnelled(x, k);
	default:
		return to_leave_unchanged(x, k);
	}
}

/* May it leave, and by its next hop? Returns the MTU that an error is to report, 0: it may, -1: its
 * next hop cannot be used. */
TO_INLINE int check(to_engine *x, struct to_packet *k, uint32_t *overhead)
{
	const struct to_bpf_hop *hop = hop_of(k);
	const struct to_table *t = to_engine_table(x, k);

	if (!hop || !t || !hop->ifindex)
		return -1;
	*overhead = 0;
	if (k->out.action == TO_ACT_ENCAP)
		*overhead = to_tunnel_overhead(to_target_of(t, k->out.service, k->out.edge), k);
	return (int)to_check_egress(k, hop->mtu, *overhead);
}

/* A packet of a flow that was taken to have no entry: while entries move, it waits to be sent
 * again, and what it has recorded is dead. By guesswork it, and those that followed, could reach an
 * edge that resets it, or a client from the wrong address. */
TO_PART int to_is_held(to_engine *x, struct to_packet *k)
{
	struct to_bpf_control *c;
	struct to_entry *e;
	__u32 zero = 0;

	TO_PART_CHECK(k);
	c = bpf_map_lookup_elem(&control, &zero);
	if (!c || k->now >= c->moving)
		return false;
	if (k->out.reason == TO_REASON_MIDFLOW) {
		e = to_pin_find(x, k, false);
		if (e)
			e->expires = 0;
	}
	return true;
}

TO_INLINE bool is_held(to_engine *x, struct to_packet *k)
{
	return (k->out.reason == TO_REASON_MIDFLOW || k->out.reason == TO_REASON_EDGE_INITIATED) &&
	       to_is_held(x, k);
}

/* Returns what the program returns. */
TO_PART int to_leave(to_engine *x, struct to_packet *k)
{
	uint32_t overhead = 0;
	int mtu;

	TO_PART_CHECK(k);
	if (k->out.action == TO_ACT_NONE) {
		if (TO_UNLIKELY(capture_serial()))
			to_capture_packet(x, k);
		if (k->out.reason == TO_REASON_RESET)
			return to_reset(x, k);
		return k->out.verdict == TO_VERDICT_KERNEL ? XDP_PASS : XDP_DROP;
	}
	mtu = check(x, k, &overhead);
	if (TO_UNLIKELY(capture_serial()))
		to_capture_packet(x, k);
	if (mtu > 0)
		return to_refuse(x, k, mtu);
	if (mtu < 0 || is_held(x, k)) {
		to_engine_event(x, TO_EVENT_NO_NEXTHOP);
		return XDP_DROP;
	}
	if (cut_padding(x, k) || rewrite(x, k, overhead)) {
		to_engine_event(x, TO_EVENT_NO_ROOM);
		return XDP_DROP;
	}
	return send_frame(x, k);
}

#endif
