/* SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only) */
/*
 * Frees proven entries that are dead. The loader looks for them, a few hundred at a time, and hands
 * their keys over; whether each is still dead is asked here, by the exchange that claims it, so
 * that a packet that revives it meanwhile wins or waits, and never loses it.
 */
#ifndef TURNOUT_BPF_RECLAIM_H
#define TURNOUT_BPF_RECLAIM_H

#include "entries.h"

TO_INLINE void reclaim_one(struct to_bpf_reclaim *a, enum to_entry_kind kind, const void *from)
{
	struct to_bpf_entry *p;
	struct to_bpf_tally *n;
	union key key = {};
	__u32 zero = 0;
	__u64 seen;
	long ret;

	key_copy(&key, kind, from);
	p = map_find(kind, true, &key);
	if (!p)
		return;
	seen = entry_word(&p->e);
	if (a->now < word_expires(seen) + TO_BPF_GRACE || !entry_free(p, seen))
		return;
	ret = map_delete(kind, true, &key);
	if (ret) {
		if (ret != -ENOENT) /* a lock that could not be had */
			entry_restore(p, seen);
		return;
	}
	a->freed++;
	n = bpf_map_lookup_elem(&tally, &zero);
	if (n) /* a packet on this CPU may come between */
		__sync_fetch_and_add(&n->events[TO_EVENT_RECLAIMED], 1);
}

/* While entries move into other maps: this one had been copied when the program before changed it.
 * Nothing happens when a packet comes between: the loader merges again. */
TO_INLINE void renew_one(struct to_bpf_reclaim *a, enum to_entry_kind kind, const void *from,
			 const struct to_bpf_entry *v, __u64 seen)
{
	struct to_bpf_entry *p;
	union key key = {};

	key_copy(&key, kind, from);
	p = map_find(kind, true, &key);
	if (!p || entry_word(&p->e) != seen ||
	    !entry_replace(p, v, a->now < word_expires(seen), seen))
		return;
	p->ring = v->ring;
	a->freed++;
}

#define EACH(a, s, kind, call)                                                                     \
	case kind:                                                                                 \
		for (__u32 i = 0; i < TO_BPF_RECLAIM; i++) {                                       \
			if (i >= (a)->n)                                                           \
				break;                                                             \
			call(a, s, kind, i);                                                       \
		}                                                                                  \
		break

#define EVERY(a, s, call)                                                                          \
	switch ((a)->kind) {                                                                       \
		EACH(a, s, TO_PIN4, call);                                                         \
		EACH(a, s, TO_PIN6, call);                                                         \
		EACH(a, s, TO_DIALOG, call);                                                       \
		EACH(a, s, TO_TRANSACTION, call);                                                  \
		EACH(a, s, TO_AFFINITY, call);                                                     \
		EACH(a, s, TO_OWNER, call);                                                        \
		EACH(a, s, TO_FRAGMENT, call);                                                     \
	default:                                                                                   \
		break;                                                                             \
	}

SEC("syscall")
int turnout_reclaim(struct to_bpf_reclaim *a)
{
	struct to_bpf_suspects *s;
	__u32 zero = 0;

	s = bpf_map_lookup_elem(&suspects, &zero);
	if (!s)
		return 0;
	a->freed = 0;
#define RECLAIM(a, s, kind, i) reclaim_one(a, kind, &(s)->key[i])
	EVERY(a, s, RECLAIM)
#undef RECLAIM
	return 0;
}

/* Loaded where entries move, only. */
SEC("?syscall")
int turnout_renew(struct to_bpf_reclaim *a)
{
	struct to_bpf_suspects *s;
	__u32 zero = 0;

	s = bpf_map_lookup_elem(&suspects, &zero);
	if (!s)
		return 0;
	a->freed = 0;
#define RENEW(a, s, kind, i) renew_one(a, kind, &(s)->key[i], &(s)->value[i], (s)->seen[i])
	EVERY(a, s, RENEW)
#undef RENEW
	return 0;
}

#endif
