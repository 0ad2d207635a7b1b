/* SPDX-License-Identifier: BSD-3-Clause */
/* What an address, a port, an edge is, by the stage table. */
#ifndef TURNOUT_LOCATE_H
#define TURNOUT_LOCATE_H

#include "engine.h"

/* Sets *place to what the address is; kind TO_ADDRESS_FREE: nothing of ours. For addresses that a
 * payload names: of either family, whatever the packet's. */
TO_PART int to_locate_named(to_engine *x, const struct to_packet *k, const union to_addr *a,
			    struct to_identity *place)
{
	const struct to_table *t;
	uint32_t slot, mask;

	TO_PART_CHECK(k);
	TO_PART_CHECK(a);
	TO_PART_CHECK(place);
	place->kind = TO_ADDRESS_FREE;
	t = to_engine_table(x, k);
	if (!t)
		return 0;
	mask = t->address_mask;
	slot = to_address_slot(a, t->address_seed, mask);
	for (int i = 0; i < TO_ADDRESS_PROBES + 1; i++) {
		const struct to_address *e =
			to_element(t, TO_SECTION_ADDRESSES, (slot + i) & mask, sizeof(*e));

		if (!e || e->kind == TO_ADDRESS_FREE)
			return 0;
		if (to_addr_equal(&e->addr, a)) {
			place->kind = e->kind;
			place->index = e->index;
			place->binds = e->binds;
			place->first_bind = e->first_bind;
			return e->kind;
		}
	}
	return 0;
}

/* Likewise of an address of a header. */
TO_INLINE int to_locate(to_engine *x, const struct to_packet *k, const union to_addr *a,
			struct to_identity *place)
{
	if (TO_LIKELY(k->family == TO_IP4 || !to_addr_is_v4(a)))
		return to_locate_named(x, k, a, place);
	place->kind = TO_ADDRESS_FREE; /* an IPv4-mapped address on the wire names nobody */
	return TO_ADDRESS_FREE;
}

union to_bind_bits {
	struct to_bind bind;
	uint64_t bits;
};

/* The first bind of the place for (proto, port), as bits of a struct to_bind; 0: none (no bind is
 * all zero, for ports begin at 1). `port` in host order. */
TO_PART uint64_t to_find_bind_bits(to_engine *x, const struct to_packet *k,
				   const struct to_identity *place, uint32_t proto, uint32_t port)
{
	const struct to_table *t;

	TO_PART_CHECK(k);
	TO_PART_CHECK(place);
	t = to_engine_table(x, k);
	if (!t)
		return 0;
	for (uint32_t i = 0; i < TO_MAX_BINDS_PER_ADDRESS; i++) {
		const union to_bind_bits *b;

		if (i >= place->binds)
			break;
		b = to_element(t, TO_SECTION_BINDS, place->first_bind + i, sizeof(*b));
		if (!b)
			break;
		if (b->bind.proto == proto && port >= b->bind.port_low && port <= b->bind.port_high)
			return b->bits;
	}
	return 0;
}

TO_INLINE bool to_find_bind(to_engine *x, const struct to_packet *k,
			    const struct to_identity *place, uint32_t proto, to_be16 port,
			    struct to_bind *bind)
{
	union to_bind_bits b = {.bits = to_find_bind_bits(x, k, place, proto, to_host16(port))};

	*bind = b.bind;
	return b.bits;
}

TO_INLINE const struct to_service *to_service_of(const struct to_table *t, uint8_t service)
{
	return to_element(t, TO_SECTION_SERVICES, service, sizeof(struct to_service));
}

TO_INLINE const struct to_edge *to_edge_of(const struct to_table *t, uint8_t edge)
{
	return to_element(t, TO_SECTION_EDGES, edge, sizeof(struct to_edge));
}

TO_INLINE const struct to_vip *to_vip_of(const struct to_table *t, uint8_t vip)
{
	return to_element(t, TO_SECTION_VIPS, vip, sizeof(struct to_vip));
}

TO_INLINE const struct to_target *to_target_of(const struct to_table *t, uint8_t service,
					       uint8_t edge)
{
	return to_element(t, TO_SECTION_TARGETS,
			  service * t->section[TO_SECTION_EDGES].count + edge,
			  sizeof(struct to_target));
}

/* The one question that every step asks which yields an edge. */
enum to_admission { TO_NEW, TO_EXISTING };

TO_INLINE bool to_admits(const struct to_edge *e, enum to_admission a)
{
	return a == TO_NEW ? e->state == TO_EDGE_UP : e->state != TO_EDGE_RETIRED;
}

/* Has the edge an address that a packet of this family can be sent to? */
TO_INLINE bool to_serves(const struct to_target *g, uint8_t family)
{
	if (g->mode == TO_MODE_IPIP)
		return g->has4 | g->has6;
	return family == TO_IP4 ? g->has4 : g->has6;
}

/* May this live entry decide: is its edge not retired? */
TO_INLINE bool to_usable(const struct to_table *t, const struct to_entry *e)
{
	const struct to_edge *edge = to_edge_of(t, e->edge);

	return edge && to_admits(edge, TO_EXISTING);
}

/* Does its edge serve the packet's service too? For dialogs, which go from service to service. */
TO_INLINE bool to_usable_on(const struct to_table *t, const struct to_entry *e, uint8_t service,
			    uint8_t family)
{
	const struct to_target *g = to_target_of(t, service, e->edge);

	return to_usable(t, e) && g && to_serves(g, family);
}

TO_INLINE bool to_is_sip_udp(const struct to_service *s)
{
	return s->kind == TO_KIND_SIP && s->proto == TO_UDP;
}

TO_INLINE bool to_expects_media(const struct to_service *s)
{
	return s->kind == TO_KIND_TURN || s->kind == TO_KIND_MEDIA;
}

/* The outside end of the packet's flow. */
TO_INLINE const union to_addr *to_outside(const struct to_packet *k)
{
	return k->from.kind == TO_ADDRESS_EDGE ? &k->dst : &k->src;
}

#endif
