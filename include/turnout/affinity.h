/* SPDX-License-Identifier: BSD-3-Clause */
/* A client's edge within a group of services, written by proof: docs/state.md, section 6. */
#ifndef TURNOUT_AFFINITY_H
#define TURNOUT_AFFINITY_H

#include "key.h"
#include "locate.h"

enum to_affinity_op {
	TO_AFFINITY_PROVED, /* the entry has just been proven, or is open again */
	TO_AFFINITY_RENEW,  /* a packet of it */
	TO_AFFINITY_CLOSED, /* it is closing, or the dialog has ended */
};

TO_INLINE struct to_entry *to_affinity_find(to_engine *x, struct to_packet *k,
					    const union to_addr *client, uint8_t group)
{
	struct to_key key = to_key_affinity(client, group);
	struct to_entry *a = to_engine_find(x, k, TO_AFFINITY, true, &key);
	const struct to_table *t = to_engine_table(x, k);

	return a && t && to_usable(t, a) ? a : NULL;
}

TO_INLINE void to_affinity_new(to_engine *x, struct to_packet *k, const struct to_key *key,
			       struct to_entry *e)
{
	struct to_entry a = {.expires = e->expires,
			     .edge = e->edge,
			     .service = e->service,
			     .flags = TO_ENTRY_PROVEN,
			     .aux = 1};

	if (!to_engine_add(x, k, TO_AFFINITY, true, key, &a))
		to_engine_event(x, TO_EVENT_ENTRY_LOST);
	else
		e->flags |= TO_ENTRY_AFFINE;
	e->mark = k->now;
}

/* Tells the affinity of `e`'s client about `e`, which steps 8 to 11 decided and which is proven. */
TO_PART int to_affinity_update(to_engine *x, struct to_packet *k, struct to_entry *e, uint32_t op)
{
	const struct to_table *t;
	const struct to_service *s;
	struct to_entry *a;
	struct to_key key;

	TO_PART_CHECK(k);
	TO_PART_CHECK(e);
	t = to_engine_table(x, k);
	s = t ? to_service_of(t, e->service) : NULL;
	if (!s || s->group == TO_NO_INDEX)
		return 0;
	key = to_key_affinity(to_outside(k), s->group);
	a = to_affinity_find(x, k, to_outside(k), s->group);
	if (!a) {
		if (op != TO_AFFINITY_CLOSED)
			to_affinity_new(x, k, &key, e);
		return 0;
	}
	if (a->edge != e->edge) {
		if (op == TO_AFFINITY_PROVED)
			e->flags &= ~TO_ENTRY_AFFINE;
		return 0;
	}
	e->mark = k->now;
	if (op == TO_AFFINITY_CLOSED) {
		if (a->aux)
			a->aux--;
		if (!a->aux)
			a->expires = e->expires;
		return 0;
	}
	if (op == TO_AFFINITY_PROVED) {
		e->flags |= TO_ENTRY_AFFINE;
		if (a->aux < UINT16_MAX)
			a->aux++;
	}
	if (a->expires < e->expires)
		a->expires = e->expires;
	return 0;
}

/* On every packet of a proven entry: mostly nothing to do. */
TO_INLINE void to_affinity_renew(to_engine *x, struct to_packet *k, struct to_entry *e)
{
	if (TO_UNLIKELY(e->flags & TO_ENTRY_AFFINE && k->now >= e->mark + TO_AFFINITY_RENEWAL))
		to_affinity_update(x, k, e, TO_AFFINITY_RENEW);
}

#endif
