/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The commonest packet by a shorter way: plain IPv4 (to_is_plain), UDP or a TCP segment with no
 * flag that matters but ACK, of a flow with a live proven pin, between a client and a dnat edge
 * that goes on as ever. What comes of it is what to_decide and the pipeline's rewriting would make
 * of it (docs/state.md, V5 and E4), in little more than half of the instructions: nothing is
 * written down that only other packets need. Where anything is special these functions say so
 * before they have changed anything, and the packet goes the long way.
 *
 * No rule is decided here that decide.h has not: tests/pipeline/test_quick.c takes random traffic
 * both ways, and tests/agree/ compares it with turnout-xdp, which has the long way alone.
 */
#ifndef TURNOUT_QUICK_H
#define TURNOUT_QUICK_H

#include <turnout/rewrite.h>
#include <turnout/table_read.h>

#include "engine.h"

TO_INLINE uint32_t *to_ours_at(struct to_worker *w, uint32_t v4)
{
	return &w->ours.slot[v4 * 0x9e3779b1u >> (32 - TO_OURS_BITS)];
}

static inline void to_ours_learn(struct to_worker *w)
{
	memset(&w->ours, 0, sizeof(w->ours));
	for (uint32_t i = 0; w->table && i <= w->table->address_mask; i++) {
		const struct to_address *a = &to_table_addresses(w->table)[i];

		if (a->kind != TO_ADDRESS_FREE && to_addr_is_v4(&a->addr))
			*to_ours_at(w, a->addr.w[3]) = i + 1;
	}
}

/* What an IPv4 address (as in a packet) is to us, or NULL. */
TO_INLINE const struct to_address *to_ours_find(struct to_worker *w, uint32_t v4)
{
	union to_addr addr = to_addr_v4((to_be32){v4});
	uint32_t slot = *to_ours_at(w, v4);
	const struct to_address *a;

	if (!slot)
		return NULL;
	a = &to_table_addresses(w->table)[slot - 1];
	if (TO_LIKELY(to_addr_equal(&a->addr, &addr)))
		return a;
	return to_table_find_address(w->table, &addr);
}

/* What was known of services and edges: the table or the next hops are others. */
static inline void to_ways_forget(struct to_worker *w)
{
	w->epoch++;
}

static void to_turn_make(struct to_turn *turn, const struct to_nexthop *hop, uint32_t to,
			 struct to_decision d)
{
	bool answer = d.verdict == TO_VERDICT_REPLY;

	*turn = (struct to_turn){
		.decision = d,
		.cell = to_counters_cell(d.service, 0, d.edge, d.reason),
		.to = to,
		.at = answer ? 12 : 16,
		.mtu = hop->port == TO_NO_PORT ? 0 : hop->mtu,
		.port = hop->port,
		.egress = answer ? TO_EGRESS_OUT : TO_EGRESS_EDGE,
		/* SIP over TCP teaches, and so may STUN from an edge */
		.long_way = 1u << TO_CLASS_SIP |
			    (answer ? 1u << TO_CLASS_STUN | 1u << TO_CLASS_MS_TURN : 0),
	};
	memcpy(turn->macs, hop->mac, 6);
	memcpy(turn->macs + 6, hop->own, 6);
}

static __attribute__((noinline)) void to_way_make(const struct to_worker *w, struct to_way *way,
						  uint8_t service, uint8_t edge)
{
	struct to_decision d = {.service = service, .edge = edge};
	const struct to_table *t = w->table;
	const struct to_service *s;
	const struct to_target *g;
	const struct to_edge *e;

	way->epoch = w->epoch;
	way->turn[0].mtu = way->turn[1].mtu = 0;
	if (service >= to_table_service_count(t) || edge >= to_table_edge_count(t))
		return;
	s = to_service_of(t, service);
	e = to_edge_of(t, edge);
	g = to_target_of(t, service, edge);
	if (s->vip4 == TO_NO_INDEX || !to_admits(e, TO_EXISTING) || e->state == TO_EDGE_RESETTING ||
	    g->mode != TO_MODE_DNAT || !g->has4)
		return;
	way->media = to_expects_media(s);
	d.vip = s->vip4;
	d.verdict = TO_VERDICT_STEER;
	d.reason = TO_REASON_PIN;
	d.action = TO_ACT_DNAT;
	to_turn_make(&way->turn[0], &w->nexthops->edge[edge], g->v4.raw, d);
	d.verdict = TO_VERDICT_REPLY;
	d.reason = TO_REASON_REPLY;
	d.action = TO_ACT_SNAT;
	to_turn_make(&way->turn[1], &w->nexthops->outside4, to_vip_of(t, d.vip)->addr.w[3], d);
}

/* Ports, and where the payload is. False: not a packet for the short way. */
TO_INLINE bool to_quick_l4(struct to_quick *q, const uint8_t *p, uint32_t len)
{
	uint32_t header = TO_UDP_HEADER, size;

	if (TO_LIKELY(p[9 - TO_IP4_HEADER] == TO_IP_UDP)) {
		if (len < TO_UDP_HEADER)
			return false;
		size = to_load16(p + 4);
		if (size < TO_UDP_HEADER || size > len)
			return false;
		len = size;
	} else {
		if (len < TO_TCP_HEADER)
			return false;
		header = (p[12] >> 4) * 4u;
		if ((p[13] & (TO_TCPF_FIN | TO_TCPF_SYN | TO_TCPF_RST | TO_TCPF_ACK)) !=
			    TO_TCPF_ACK ||
		    header < TO_TCP_HEADER || header > len)
			return false;
	}
	q->payload = TO_ETH_HEADER + TO_IP4_HEADER + header;
	q->payload_len = len - header;
	return true;
}

TO_INLINE bool to_quick_is_udp(const struct to_quick *q)
{
	return q->key.w[2] >> 8 == TO_UDP;
}

/* `ports` as they lie in the packet, the client's first. */
TO_INLINE void to_quick_key(struct to_quick *q, uint32_t client, uint32_t ports, uint8_t vip,
			    uint8_t proto)
{
	uint64_t low = client | (uint64_t)ports << 32;

	memcpy(&q->key, &low, sizeof(low));
	q->key.w[2] = vip | (uint32_t)proto << 8;
}

/* From an edge to somewhere outside, by a port that a VIP's service has. `p`: the IP header. */
TO_INLINE bool to_quick_edge(struct to_worker *w, const struct to_frame *f, struct to_quick *q,
			     const uint8_t *p, uint8_t proto)
{
	const struct to_address *from = to_ours_find(w, to_sum32(p + 12));
	struct to_identity place;
	union to_bind_bits bind;
	uint32_t ports;

	if (!from || from->kind != TO_ADDRESS_EDGE || f->zone == TO_ZONE_OUTSIDE || p[16] >= 224 ||
	    (p[16] == 169 && p[17] == 254))
		return false;
	place = (struct to_identity){.binds = from->binds, .first_bind = from->first_bind};
	bind.bits = to_find_bind_bits(w, NULL, &place, proto, to_load16(p + TO_IP4_HEADER));
	if (!bind.bits || bind.bind.vip == TO_NO_INDEX)
		return false;
	q->service = bind.bind.service;
	if (to_is_sip_udp(to_service_of(w->table, q->service)))
		return false;
	memcpy(&ports, p + TO_IP4_HEADER, 4);
	to_quick_key(q, to_sum32(p + 16), ports << 16 | ports >> 16, bind.bind.vip, proto);
	q->answer = true;
	q->edge = from->index;
	return true;
}

/*
 * Before the burst is decided: is it a packet for the short way, as far as its headers tell? Then
 * its pin's look-up is set off.
 */
TO_INLINE bool to_quick_read(struct to_worker *w, const struct to_frame *f, struct to_quick *q)
{
	const uint8_t *p = f->data + TO_ETH_HEADER;
	const struct to_address *to;
	uint8_t proto;

	if (!to_is_plain(f->data, f->data + f->len) || p[8] <= 1 ||
	    !to_quick_l4(q, p + TO_IP4_HEADER, to_load16(p + 2) - TO_IP4_HEADER))
		return false;
	proto = p[9] == TO_IP_UDP ? TO_UDP : TO_TCP;
	to = to_ours_find(w, to_sum32(p + 16));
	if (!to) {
		if (!to_quick_edge(w, f, q, p, proto))
			return false;
	} else if (to->kind == TO_ADDRESS_VIP) {
		to_quick_key(q, to_sum32(p + 12), to_sum32(p + TO_IP4_HEADER), to->index, proto);
		q->answer = false;
	} else {
		return false;
	}
	q->hash = to_state_hash(w->state, TO_PIN4, &q->key);
	to_state_prefetch(w->state, TO_PIN4, true, q->hash);
	return true;
}

/* The new address, the TTL, and the checksums that have them. `p`: the IP header. */
TO_INLINE void to_quick_rewrite(uint8_t *p, const struct to_turn *turn)
{
	uint64_t diff = (uint64_t)(uint32_t)~to_sum32(p + turn->at) + turn->to;
	bool udp = p[9] == TO_IP_UDP;

	memcpy(p + turn->at, &turn->to, 4);
	p[8]--;
	to_put_raw16(p + TO_IP4_CHECKSUM,
		     to_checksum_update(to_raw16(p + TO_IP4_CHECKSUM), diff + TO_TTL_DIFF));
	to_l4_checksum_at(p + TO_IP4_HEADER + (udp ? TO_UDP_CHECKSUM : TO_TCP_CHECKSUM), p[9],
			  diff);
}

TO_INLINE void to_quick_count(struct to_worker *w, uint32_t cell, uint8_t verdict, uint32_t bytes)
{
	struct to_count *c = &w->counters->cell[cell];

	c->packets++;
	c->bytes += bytes;
	w->counters->verdicts[verdict]++;
}

/* What is to be done with a packet of the live proven pin `e`, or NULL. */
TO_INLINE const struct to_way *to_quick_way(struct to_worker *w, const struct to_quick *q,
					    const struct to_entry *e, uint32_t now)
{
	struct to_way *way;

	if (TO_UNLIKELY(!e || (e->tcp && !to_quick_is_udp(q))))
		return NULL;
	if (e->flags & TO_ENTRY_AFFINE && TO_UNLIKELY(now >= e->mark + TO_AFFINITY_RENEWAL))
		return NULL;
	if (q->answer && TO_UNLIKELY((e->edge ^ q->edge) | (e->service ^ q->service)))
		return NULL;
	if (TO_UNLIKELY((e->service & ~(TO_MAX_SERVICES - 1)) | (e->edge & ~(TO_MAX_EDGES - 1))))
		return NULL;
	way = &w->ways[e->service * TO_MAX_EDGES + e->edge];
	if (TO_UNLIKELY(way->epoch != w->epoch))
		to_way_make(w, way, e->service, e->edge);
	return way;
}

/* Decides and rewrites; false: the packet goes the long way, and nothing is changed. */
TO_INLINE bool to_quick_run(struct to_worker *w, struct to_frame *f, const struct to_quick *q,
			    uint32_t now)
{
	struct to_entry *e =
		to_cells_find(&w->state->view[TO_PIN4][true], false, &q->key, q->hash, now);
	const struct to_way *way = to_quick_way(w, q, e, now);
	uint8_t *p = f->data + TO_ETH_HEADER;
	const struct to_turn *turn;
	struct to_bytes payload;
	uint32_t len, class;

	if (TO_UNLIKELY(!way))
		return false;
	turn = &way->turn[q->answer];
	len = to_load16(p + 2);
	payload = to_bytes_of(f->data, f->len, q->payload, q->payload_len);
	class = to_classify(&payload, to_quick_is_udp(q) ? TO_UDP : TO_TCP, way->media);
	if (TO_UNLIKELY(len > turn->mtu || turn->decision.vip != (uint8_t)q->key.w[2] ||
			turn->long_way >> class & 1))
		return false;
	if (e->expires != now + e->life)
		e->expires = now + e->life;
	to_quick_rewrite(p, turn);
	memcpy(f->data, turn->macs, sizeof(turn->macs));
	to_quick_count(w, turn->cell + class * TO_COUNTERS_CLASS, turn->decision.verdict, f->len);
	f->decision = turn->decision;
	f->decision.class = class;
	f->len = TO_ETH_HEADER + len;
	f->egress = turn->egress;
	f->port = turn->port;
	return true;
}

#endif
