/* SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only) */
/*
 * The entries that the decision asks for (turnout/engine.h), in hash maps of a fixed size: what is
 * proven in one of each kind, what is not in another, so that nothing unproven ever displaces
 * anything proven (I4).
 *
 * Maps are shared by all CPUs, for the two directions of a flow may come on different ones. A place
 * that is deleted is used again at once, perhaps under the eyes of a CPU that has just looked it
 * up; so what is proven is deleted only when it has been dead for a while (reclaim.h), an unproven
 * entry that was proven is not deleted but marked, and each carries a tag of its key, which goes
 * before the entry does. Who changes what:
 *
 *   proven    the first word, which has the time, by exchange: so nobody deletes what is revived
 *   unproven  the last word, ring and tag, by exchange: so nobody marks or displaces another's
 *
 * Unproven entries are displaced in the order of their age: each CPU writes the keys that it adds
 * into a ring, and displaces what it finds where it writes. So there are never more of them than
 * places in the rings.
 */
#ifndef TURNOUT_BPF_ENTRIES_H
#define TURNOUT_BPF_ENTRIES_H

#include <linux/errno.h>

#include "maps.h"

#define NO_PLACE (~0u) /* of a ring */

/* Calls call(map) with the map of (kind, proven): constants where it is inlined, so that each call
 * names one map, whose look-up the verifier inlines. */
#define WITH_MAP(kind, proven, call)                                                               \
	switch ((kind)*2 + (proven)) {                                                             \
	case TO_PIN4 * 2:                                                                          \
		return call(&new_pins4);                                                           \
	case TO_PIN4 * 2 + 1:                                                                      \
		return call(&pins4);                                                               \
	case TO_PIN6 * 2:                                                                          \
		return call(&new_pins6);                                                           \
	case TO_PIN6 * 2 + 1:                                                                      \
		return call(&pins6);                                                               \
	case TO_DIALOG * 2:                                                                        \
		return call(&new_dialogs);                                                         \
	case TO_DIALOG * 2 + 1:                                                                    \
		return call(&dialogs);                                                             \
	case TO_TRANSACTION * 2:                                                                   \
		return call(&new_transactions);                                                    \
	case TO_TRANSACTION * 2 + 1:                                                               \
		return call(&transactions);                                                        \
	case TO_AFFINITY * 2 + 1:                                                                  \
		return call(&affinities);                                                          \
	case TO_OWNER * 2 + 1:                                                                     \
		return call(&owners);                                                              \
	case TO_FRAGMENT * 2:                                                                      \
		return call(&new_fragments);                                                       \
	default:                                                                                   \
		return call(&fragments);                                                           \
	}

/* A key of either sort on the stack, where Linux 6.1 wants it. */
union key {
	struct to_key narrow;
	struct to_key6 wide;
	__u32 w[6];
};

TO_INLINE void key_copy(union key *to, enum to_entry_kind kind, const void *from)
{
	if (kind == TO_PIN6)
		to->wide = *(const struct to_key6 *)from;
	else
		to->narrow = *(const struct to_key *)from;
}

TO_INLINE __u32 key_tag(enum to_entry_kind kind, const union key *key)
{
	__u32 tag = key->w[0] * 0x9e3779b1u ^ key->w[1] * 0x85ebca6bu ^ key->w[2] * 0xc2b2ae35u;

	if (kind == TO_PIN6)
		tag ^= key->w[3] * 0x27d4eb2fu ^ key->w[4] * 0x165667b1u ^ key->w[5] * 0x9e3779b1u;
	return tag;
}

TO_INLINE struct to_bpf_entry *map_find(enum to_entry_kind kind, bool proven, const union key *key){
#define FIND(map) bpf_map_lookup_elem(map, key)
	WITH_MAP(kind, proven, FIND)
#undef FIND
}

TO_INLINE long map_insert(enum to_entry_kind kind, bool proven, const union key *key,
			  const struct to_bpf_entry *value){
#define INSERT(map) bpf_map_update_elem(map, key, value, BPF_NOEXIST)
	WITH_MAP(kind, proven, INSERT)
#undef INSERT
}

TO_INLINE long map_delete(enum to_entry_kind kind, bool proven, const union key *key){
#define DELETE(map) bpf_map_delete_elem(map, key)
	WITH_MAP(kind, proven, DELETE)
#undef DELETE
}

TO_INLINE void *ring_at(enum to_entry_kind kind, __u32 place)
{
	switch (kind) {
	case TO_PIN4:
		return bpf_map_lookup_elem(&ring_pins4, &place);
	case TO_PIN6:
		return bpf_map_lookup_elem(&ring_pins6, &place);
	case TO_DIALOG:
		return bpf_map_lookup_elem(&ring_dialogs, &place);
	case TO_TRANSACTION:
		return bpf_map_lookup_elem(&ring_transactions, &place);
	default:
		return bpf_map_lookup_elem(&ring_fragments, &place);
	}
}

TO_INLINE struct to_bpf_entry *entry_of(struct to_entry *e)
{
	return (void *)((char *)e - __builtin_offsetof(struct to_bpf_entry, e));
}

/* The entry in `p`, or NULL. The compiler would add its offset before `p` is compared. */
TO_INLINE struct to_entry *entry_in(struct to_bpf_entry *p)
{
	if (!p)
		return NULL;
	TO_OPAQUE(p);
	return &p->e;
}

/* An entry's first word: its time (the lower half), edge, service, flags. */
TO_INLINE __u64 entry_word(const struct to_entry *e)
{
	return *(const volatile __u64 *)e;
}

TO_INLINE __u32 word_expires(__u64 word)
{
	return (__u32)word;
}

/* Exchanges the first word, if it still is what was seen. */
TO_INLINE bool entry_exchange(struct to_bpf_entry *p, __u64 seen, __u64 word)
{
	return __sync_val_compare_and_swap((__u64 *)&p->e, seen, word) == seen;
}

/* Claims a dead entry: then it is nobody else's. */
TO_INLINE bool entry_claim(struct to_bpf_entry *p, __u64 seen)
{
	return word_expires(seen) != TO_BPF_FREED &&
	       entry_exchange(p, seen, (seen & ~0xffffffffull) | TO_BPF_FREED);
}

/* Claims a dead entry for whoever deletes it. */
TO_INLINE bool entry_free(struct to_bpf_entry *p, __u64 seen)
{
	if (!entry_claim(p, seen))
		return false;
	p->tag = ~p->tag;
	return true;
}

/* What was claimed is not deleted: dead as before, for the next one who comes to delete it. */
TO_INLINE void entry_restore(struct to_bpf_entry *p, __u64 seen)
{
	p->tag = ~p->tag;
	entry_exchange(p, (seen & ~0xffffffffull) | TO_BPF_FREED, seen);
}

/*
 * Puts `v` in the place that its key has among the proven ones. False: it is being reclaimed, or
 * another CPU was faster. What is live, and so deleted by nobody, changes without being dead in
 * between; a dead one is claimed before it is written to.
 */
TO_INLINE bool entry_replace(struct to_bpf_entry *p, const struct to_bpf_entry *v, bool live,
			     __u64 seen)
{
	if (word_expires(seen) == TO_BPF_FREED || *(volatile __u32 *)&p->tag != v->tag)
		return false;
	if (!live && !entry_claim(p, seen))
		return false;
	p->e.life = v->e.life;
	p->e.aux = v->e.aux;
	p->e.mark = v->e.mark;
	if (live)
		return entry_exchange(p, seen, entry_word(&v->e));
	__sync_lock_test_and_set((__u64 *)&p->e, entry_word(&v->e));
	return true;
}

/* An entry's last word: its place in the ring (the lower half), and its tag. */
TO_INLINE __u64 place_word(const struct to_bpf_entry *p)
{
	return *(const volatile __u64 *)&p->ring;
}

TO_INLINE __u64 place_of(__u32 ring, __u32 tag)
{
	return ring | (__u64)tag << 32;
}

TO_INLINE bool place_exchange(struct to_bpf_entry *p, __u64 seen, __u64 word)
{
	return __sync_val_compare_and_swap((__u64 *)&p->ring, seen, word) == seen;
}

/* Likewise among the unproven ones, whose entry of that key is not usable any more. */
TO_INLINE bool place_replace(struct to_bpf_entry *p, const struct to_bpf_entry *v)
{
	__u64 seen = place_word(p);

	if (seen >> 32 != v->tag || !place_exchange(p, seen, place_of(v->ring, ~v->tag)))
		return false;
	p->e = v->e;
	__sync_lock_test_and_set((__u64 *)&p->ring, place_of(v->ring, v->tag));
	return true;
}

/* Claims the entry that is at that place of the ring for whoever deletes it: its last word, 0 for
 * none. It may be proven in this moment, but only once. */
TO_INLINE __u64 place_take(struct to_bpf_entry *p, __u32 place)
{
	for (int tries = 0; tries < 2; tries++) {
		__u64 seen = place_word(p);

		if (((__u32)seen & ~TO_BPF_MOVED) != place)
			return 0;
		if (place_exchange(p, seen, ~seen))
			return seen;
	}
	return 0;
}

/* Deletes what is at that place of the ring. False: the kernel does not let it go (it gives a lock
 * up rather than wait for itself), so it stays as it was, and keeps its place. */
TO_INLINE bool ring_clear(to_engine *x, enum to_entry_kind kind, __u32 place, __u32 now)
{
	struct to_bpf_entry *e;
	union key key = {};
	__u32 expires;
	void *oldest;
	__u64 seen;
	long ret;

	oldest = ring_at(kind, place);
	if (!oldest)
		return true;
	key_copy(&key, kind, oldest);
	e = map_find(kind, false, &key);
	if (!e)
		return true;
	expires = *(volatile __u32 *)&e->e.expires;
	seen = place_take(e, place);
	if (!seen)
		return true;
	ret = map_delete(kind, false, &key);
	if (ret && ret != -ENOENT) {
		place_exchange(e, ~seen, seen);
		return false;
	}
	if (!(seen & TO_BPF_MOVED))
		to_engine_event(x, now < expires ? TO_EVENT_DISPLACED : TO_EVENT_RECLAIMED);
	return true;
}

/* The entry that is oldest in this CPU's ring makes room: its place in the ring, now free. */
TO_INLINE __u32 ring_take(to_engine *x, enum to_entry_kind kind, __u32 now)
{
	__u32 index = kind, cpu = bpf_get_smp_processor_id() % ring_cpus, place, *head;

	head = bpf_map_lookup_elem(&heads, &index);
	if (!head)
		return NO_PLACE;
	if (*head >= ring_size[kind]) /* of a larger ring, before the entries moved */
		*head = 0;
	place = cpu * ring_size[kind] + *head;
	*head = *head + 1 < ring_size[kind] ? *head + 1 : 0;
	return ring_clear(x, kind, place, now) ? place : NO_PLACE;
}

TO_INLINE void ring_put(enum to_entry_kind kind, __u32 place, const union key *key)
{
	void *at = ring_at(kind, place);

	if (!at)
		return;
	if (kind == TO_PIN6)
		*(struct to_key6 *)at = key->wide;
	else
		*(struct to_key *)at = key->narrow;
}

TO_INLINE struct to_entry *add_unproven(to_engine *x, struct to_packet *k, enum to_entry_kind kind,
					const union key *key, struct to_bpf_entry *v)
{
	struct to_bpf_entry *p;
	bool made;

	v->e.flags &= ~TO_ENTRY_PROVEN;
	v->ring = ring_take(x, kind, k->now);
	if (v->ring == NO_PLACE)
		return NULL;
	p = map_find(kind, false, key);
	made = !p && !map_insert(kind, false, key, v);
	if (!p) /* if it was not made, another CPU's packet of the flow has just done it */
		p = map_find(kind, false, key);
	if (!p || (!made && !place_replace(p, v)))
		return NULL;
	ring_put(kind, v->ring, key);
	return entry_in(p);
}

/* Kinds whose live entry stays, whoever comes with another: the first claim wins. */
TO_INLINE bool first_wins(enum to_entry_kind kind)
{
	return kind == TO_DIALOG || kind == TO_TRANSACTION || kind == TO_OWNER;
}

/* Of a pin: is it the same edge's, and not closing? (A new connection replaces one that is.) */
TO_INLINE bool is_open(const struct to_packet *k, enum to_entry_kind kind, const struct to_entry *e,
		       const struct to_entry *other)
{
	return (kind == TO_PIN4 || kind == TO_PIN6) && e->edge == other->edge &&
	       !(k->proto == TO_TCP && to_tcp_closing(e->tcp));
}

/* `theirs`, if it is not NULL: set when another CPU has just proven the very same, which stays. An
 * open pin of the same edge would have been found by whoever proves one, had it been there. */
TO_INLINE struct to_entry *add_proven(struct to_packet *k, enum to_entry_kind kind,
				      const union key *key, struct to_bpf_entry *v, bool *theirs)
{
	struct to_bpf_entry *p;
	__u64 seen;
	bool live;

	v->e.flags |= TO_ENTRY_PROVEN;
	v->ring = 0;
	p = map_find(kind, true, key);
	if (!p) {
		long full = map_insert(kind, true, key, v);

		p = map_find(kind, true, key);
		if (!full || !p)
			return entry_in(p);
	}
	seen = entry_word(&p->e);
	live = k->now < word_expires(seen);
	if (live && (first_wins(kind) || (theirs && is_open(k, kind, &p->e, &v->e)))) {
		if (theirs)
			*theirs = true;
		return &p->e;
	}
	if (entry_replace(p, v, live, seen))
		return &p->e;
	/* another CPU's packet may have proven the very same */
	return live && p->e.edge == v->e.edge ? &p->e : NULL;
}

TO_INLINE struct to_entry *find_in(struct to_packet *k, enum to_entry_kind kind, bool proven,
				   const void *key, bool *moved)
{
	struct to_bpf_entry *p;
	union key own = {};
	__u32 expires;
	__u64 place;

	key_copy(&own, kind, key);
	p = map_find(kind, proven, &own);
	if (!p)
		return NULL;
	expires = *(volatile __u32 *)&p->e.expires;
	place = place_word(p);
	if (place >> 32 != key_tag(kind, &own))
		return NULL;
	*moved = place & TO_BPF_MOVED;
	return k->now < expires && !*moved ? entry_in(p) : NULL;
}

/* The key under which an entry is, once it is proven, that has `key` before. */
TO_INLINE const void *proven_key_of(const struct to_packet *k, enum to_entry_kind kind,
				    const void *key)
{
	if (kind == TO_DIALOG)
		return &k->dialog;
	return kind == TO_TRANSACTION ? &k->transaction : key;
}

TO_INLINE void to_engine_fetch(to_engine *x, enum to_entry_kind kind, const struct to_key *key)
{
	(void)x;
	(void)kind;
	(void)key;
}

/*
 * Whoever asks, asks for a proven entry first and then for an unproven one. Another CPU may prove
 * it in between: then it was not there yet, and is not here any more. k->hash has a bit for each
 * kind whose proven entry was not there, so that the one who comes too late looks there again.
 */
TO_INLINE struct to_entry *to_engine_find(to_engine *x, struct to_packet *k,
					  enum to_entry_kind kind, bool proven, const void *key)
{
	struct to_entry *e;
	bool moved = false;

	(void)x;
	e = find_in(k, kind, proven, key, &moved);
	if (!proven && moved && k->hash & 1u << kind)
		return find_in(k, kind, true, proven_key_of(k, kind, key), &moved);
	if (proven && e)
		k->hash &= ~(1u << kind);
	else if (proven)
		k->hash |= 1u << kind;
	return e;
}

TO_INLINE struct to_entry *to_engine_add(to_engine *x, struct to_packet *k, enum to_entry_kind kind,
					 bool proven, const void *key, const struct to_entry *value)
{
	struct to_bpf_entry v = {.e = *value};
	union key own = {};

	key_copy(&own, kind, key);
	v.tag = key_tag(kind, &own);
	return proven ? add_proven(k, kind, &own, &v, NULL) : add_unproven(x, k, kind, &own, &v);
}

TO_INLINE struct to_entry *to_engine_prove(to_engine *x, struct to_packet *k,
					   enum to_entry_kind kind, const void *key,
					   const void *proven_key, struct to_entry *e, bool *anew)
{
	struct to_bpf_entry *unproven = entry_of(e), v = *unproven;
	struct to_entry *p;
	union key own = {};
	bool theirs = false;
	__u64 place;

	(void)x;
	barrier(); /* the tag is read after what it stands for */
	place = place_word(unproven);
	if (v.e.flags & TO_ENTRY_PROVEN) { /* by another CPU (to_engine_find) */
		*anew = false;
		return e;
	}
	key_copy(&own, kind, key);
	if (place >> 32 != key_tag(kind, &own))
		return NULL; /* displaced meanwhile: it is another flow's */
	key_copy(&own, kind, proven_key);
	v.tag = key_tag(kind, &own);
	p = add_proven(k, kind, &own, &v, &theirs);
	/* only then: whoever finds that it has moved finds where to */
	if (p)
		place_exchange(unproven, place, place | TO_BPF_MOVED);
	if (theirs)
		*anew = false;
	return p;
}

#endif
