/* SPDX-License-Identifier: BSD-3-Clause */
/* Later fragments follow their first one. docs/state.md, section 7. */
#ifndef TURNOUT_FRAGMENT_H
#define TURNOUT_FRAGMENT_H

#include "key.h"
#include "locate.h"

/* Remembers what was decided for a first fragment. */
TO_PART int to_fragment_record(to_engine *x, struct to_packet *k)
{
	const struct to_table *t;
	struct to_entry v, *e;
	struct to_key key;

	TO_PART_CHECK(k);
	t = to_engine_table(x, k);
	if (!t)
		return 0;
	key = to_key_fragment(k, t->salt);
	v = (struct to_entry){
		.expires = k->now + TO_FRAGMENT_LIFE,
		.edge = k->out.edge,
		.service = k->out.service,
		.flags = k->flags & TO_PKT_PROVEN ? TO_ENTRY_PROVEN : 0,
		.tcp = k->out.verdict,
		.mark = k->out.vip | (uint32_t)k->out.action << 8,
	};
	if (k->flags & TO_PKT_PROVEN)
		e = to_engine_add(x, k, TO_FRAGMENT, true, &key, &v);
	else
		e = to_engine_add(x, k, TO_FRAGMENT, false, &key, &v);
	if (!e)
		to_engine_event(x, TO_EVENT_ENTRY_LOST);
	return 0;
}

/* Decides a later fragment by its first one. Returns 0 when that has not been seen. */
TO_PART int to_fragment_follow(to_engine *x, struct to_packet *k)
{
	const struct to_table *t;
	struct to_entry *e;
	struct to_key key;

	TO_PART_CHECK(k);
	t = to_engine_table(x, k);
	if (!t)
		return 0;
	key = to_key_fragment(k, t->salt);
	e = to_engine_find(x, k, TO_FRAGMENT, true, &key);
	if (!e)
		e = to_engine_find(x, k, TO_FRAGMENT, false, &key);
	if (!e || (e->edge != TO_NO_INDEX && !to_usable(t, e)))
		return 0;
	k->out.verdict = e->tcp;
	k->out.reason = TO_REASON_FRAGMENT;
	k->out.edge = e->edge;
	k->out.service = e->service;
	k->out.vip = e->mark;
	k->out.action = e->mark >> 8;
	/* of an ICMP error, only the first fragment holds the embedded packet */
	if (k->out.action == TO_ACT_ICMP_DNAT)
		k->out.action = TO_ACT_DNAT;
	else if (k->out.action == TO_ACT_ICMP_SNAT)
		k->out.action = k->from.kind == TO_ADDRESS_EDGE ? TO_ACT_SNAT : TO_ACT_FORWARD;
	return 1;
}

#endif
