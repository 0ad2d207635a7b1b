/* SPDX-License-Identifier: BSD-3-Clause */
/* Which edge a media port of a VIP belongs to, learned from what edges say. docs/state.md, 5.3. */
#ifndef TURNOUT_LEARN_H
#define TURNOUT_LEARN_H

#include "classify.h"
#include "pin.h"
#include "sdp.h"
#include "stun.h"

TO_INLINE bool to_usable_owner(to_engine *x, struct to_packet *k, const struct to_entry *o)
{
	const struct to_table *t = to_engine_table(x, k);

	return t && to_usable(t, o);
}

/* The first live claim wins; the same edge's renews. `life` in seconds. */
TO_INLINE void to_claim_port(to_engine *x, struct to_packet *k, uint8_t vip, uint16_t port,
			     uint32_t service, uint32_t life)
{
	struct to_key key = to_key_owner(vip, port);
	struct to_entry *o = to_engine_find(x, k, TO_OWNER, true, &key);
	struct to_entry v = {
		.expires = k->now + life,
		.edge = k->out.edge,
		.service = service,
		.flags = TO_ENTRY_PROVEN,
		.life = life < UINT16_MAX ? life : UINT16_MAX,
	};

	if (o && !to_usable_owner(x, k, o)) {
		o->expires = k->now; /* a retired edge's claim stands in nobody's way */
		o = NULL;
	}
	if (!o)
		o = to_engine_add(x, k, TO_OWNER, true, &key, &v);
	if (!o)
		to_engine_event(x, TO_EVENT_ENTRY_LOST);
	else if (o->edge != k->out.edge)
		to_engine_event(x, TO_EVENT_OWNER_CONFLICT);
	else
		o->expires = k->now + life;
}

/* An edge's claim on (address, port), if that is a VIP's with a service that may be owned. `life`
 * 0: the service's idle. Returns 1 + the VIP's index, or 0. */
TO_PART uint32_t to_claim(to_engine *x, struct to_packet *k, const union to_addr *a, uint32_t port,
			  uint32_t life)
{
	const struct to_service *s;
	const struct to_table *t;
	struct to_identity place;
	struct to_bind bind;

	TO_PART_CHECK(k);
	TO_PART_CHECK(a);
	t = to_engine_table(x, k);
	if (!t || to_locate_named(x, k, a, &place) != TO_ADDRESS_VIP ||
	    !to_find_bind(x, k, &place, TO_UDP, to_net16(port), &bind))
		return 0;
	s = to_service_of(t, bind.service);
	if (!s || !(s->flags & TO_SERVICE_OWNED))
		return 0;
	to_claim_port(x, k, place.index, port, bind.service, life ? life : s->idle);
	return place.index + 1;
}

TO_INLINE uint16_t to_turn_life(const struct to_stun *stun)
{
	uint32_t life = stun->has_lifetime ? stun->lifetime : TO_TURN_LIFETIME;

	return life < UINT16_MAX - TO_TURN_GRACE ? life + TO_TURN_GRACE : UINT16_MAX;
}

/* An edge's TURN answer on the proven pin `e`. */
TO_PART int to_learn_turn(to_engine *x, struct to_packet *k, struct to_entry *e)
{
	const struct to_table *t;
	struct to_bytes payload;
	struct to_stun stun;
	uint16_t life;

	TO_PART_CHECK(k);
	TO_PART_CHECK(e);
	payload = to_engine_payload(x, k);
	if (!to_stun_read(&payload, &stun))
		return 0;
	life = to_turn_life(&stun);
	if (stun.type == TO_STUN_ALLOCATE_SUCCESS) {
		uint32_t vip = 0;

		if (stun.has_relayed)
			vip = to_claim(x, k, &stun.relayed, stun.relayed_port, life);
		e->aux = vip ? stun.relayed_port : 0;
		e->tcp = vip;
	} else if (stun.type == TO_STUN_REFRESH_SUCCESS) {
		t = to_engine_table(x, k);
		if (e->tcp && t) {
			const struct to_vip *vip = to_vip_of(t, e->tcp - 1);

			if (vip)
				to_claim(x, k, &vip->addr, e->aux, life);
		}
	} else {
		return 0;
	}
	e->life = life;
	e->expires = k->now + life;
	return 0;
}

/* The claims of an edge's SIP message. */
TO_PART int to_learn_sdp(to_engine *x, struct to_packet *k)
{
	struct to_claims *claims;
	struct to_bytes payload;

	TO_PART_CHECK(k);
	claims = to_engine_claims(x);
	if (!claims || !k->sip.body)
		return 0;
	payload = to_engine_payload(x, k);
	to_sdp_read(&payload, k->sip.body, claims);
	for (uint32_t i = 0; i < sizeof(claims->c) / sizeof(claims->c[0]); i++) {
		if (i >= claims->n)
			break;
		to_claim(x, k, &claims->c[i].addr, claims->c[i].port, 0);
	}
	return 0;
}

TO_INLINE bool to_learns(const struct to_table *t, uint8_t service)
{
	const struct to_service *s = service == TO_NO_INDEX ? NULL : to_service_of(t, service);

	return s && s->flags & TO_SERVICE_LEARN;
}

#endif
