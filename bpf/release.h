/* SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only) */
/*
 * Ends entries of an edge now. The loader looks for them and hands their keys over; whether each is
 * that edge's still is asked here, by the exchange that ends it: a place that has become another
 * flow's is left alone. A packet that is under way may renew one afterwards; the loader looks
 * again.
 */
#ifndef TURNOUT_BPF_RELEASE_H
#define TURNOUT_BPF_RELEASE_H

#include "entries.h"

TO_INLINE bool release_one(struct to_bpf_release *a, enum to_entry_kind kind, bool proven,
			   const void *from)
{
	struct to_bpf_entry *p;
	union key key = {};
	__u8 service;
	__u64 seen;

	key_copy(&key, kind, from);
	p = map_find(kind, proven, &key);
	if (!p || place_word(p) >> 32 != key_tag(kind, &key))
		return false;
	seen = entry_word(&p->e);
	service = seen >> 40;
	if (word_expires(seen) <= a->expires || (__u8)(seen >> 32) != a->edge)
		return false;
	/* an affinity is its group's, of which the loader knows the services */
	if (kind != TO_AFFINITY && a->service != TO_NO_INDEX && service != a->service)
		return false;
	return entry_exchange(p, seen, (seen & ~0xffffffffull) | a->expires);
}

#define RELEASE(kind, proven)                                                                      \
	case (kind)*2 + (proven):                                                                  \
		for (__u32 i = 0; i < TO_BPF_RECLAIM; i++) {                                       \
			if (i >= a->n)                                                             \
				break;                                                             \
			ended += release_one(a, kind, proven, &s->key[i]);                         \
		}                                                                                  \
		break

SEC("syscall")
int turnout_release(struct to_bpf_release *a)
{
	struct to_bpf_suspects *s;
	__u32 zero = 0, ended = 0;

	s = bpf_map_lookup_elem(&suspects, &zero);
	if (!s)
		return 0;
	switch (a->kind * 2 + !!a->proven) {
		RELEASE(TO_PIN4, 0);
		RELEASE(TO_PIN4, 1);
		RELEASE(TO_PIN6, 0);
		RELEASE(TO_PIN6, 1);
		RELEASE(TO_DIALOG, 0);
		RELEASE(TO_DIALOG, 1);
		RELEASE(TO_TRANSACTION, 0);
		RELEASE(TO_TRANSACTION, 1);
		RELEASE(TO_AFFINITY, 1);
		RELEASE(TO_OWNER, 1);
		RELEASE(TO_FRAGMENT, 0);
		RELEASE(TO_FRAGMENT, 1);
	default:
		break;
	}
	a->ended = ended;
	return 0;
}

#endif
