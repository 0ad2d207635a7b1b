/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The tables that all workers write: proven dialogs and transactions, and owners.
 *
 * A cell goes FREE (or long dead) -> BUSY by compare-and-swap of its head, gets key and value, goes
 * to CLAIM, where its writer looks for another of the same key, and to LIVE. Two writers of one
 * key: each makes its CLAIM visible before it looks, so at least one sees the other; who sees a
 * LIVE one yields, who sees a CLAIM further on waits for it, who sees one nearer yields. So a key
 * is live at most once, and who was told "yours" keeps it. Proof by tests/state/shared.c.
 *
 * A reader may hold an entry for as long as it handles one packet. A place is reused only when its
 * entry has been dead for TO_STATE_GRACE seconds.
 */
#include "state_tables.h"

#define SPINS 1000 /* waits for a rival that is between CLAIM and LIVE: some 10 instructions */
#define TRIES 32

#define HAND_BUCKETS 64 /* that an insertion into a full table searches for dead entries */

static void over_add(uint32_t *head)
{
	uint32_t seen = __atomic_load_n(head, __ATOMIC_RELAXED);

	while ((seen & TO_CELL_OVER) != TO_CELL_OVER &&
	       !__atomic_compare_exchange_n(head, &seen, seen + TO_CELL_OVER_ONE, false,
					    __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
		;
}

static void over_sub(uint32_t *head)
{
	uint32_t seen = __atomic_load_n(head, __ATOMIC_RELAXED);

	while ((seen & TO_CELL_OVER) != TO_CELL_OVER && (seen & TO_CELL_OVER) &&
	       !__atomic_compare_exchange_n(head, &seen, seen - TO_CELL_OVER_ONE, false,
					    __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
		;
}

/* No entry passes any longer over the buckets from `home` up to, not with, `end`. */
static void path_sub(struct to_cells *t, uint64_t home, uint64_t end)
{
	for (uint64_t i = home; i != end; i = (i + 1) & t->view.mask)
		over_sub(&t->view.bucket[i].cell[0].head);
}

/* Of a cell that is the caller's; `over` may change under it. */
static void set_state(struct to_cell *c, enum to_cell_state from, enum to_cell_state to)
{
	__atomic_fetch_xor(&c->head, (uint32_t)from ^ (uint32_t)to, __ATOMIC_SEQ_CST);
}

static bool key_is(const struct to_cell *c, const struct to_key *key)
{
	uint32_t differ = 0;

	for (int i = 0; i < 3; i++)
		differ |= __atomic_load_n(&c->key.w[i], __ATOMIC_ACQUIRE) ^ key->w[i];
	return !differ;
}

static bool lives(const struct to_cell *c, uint32_t now)
{
	return now < __atomic_load_n(&c->value.expires, __ATOMIC_ACQUIRE);
}

/* Does the cell hold the key, live, in the version of `head`? */
static bool holds(const struct to_cell *c, uint32_t head, const struct to_key *key, uint32_t now)
{
	return (head & TO_CELL_STATE) == TO_CELL_LIVE && key_is(c, key) && lives(c, now) &&
	       !((__atomic_load_n(&c->head, __ATOMIC_RELAXED) ^ head) & ~TO_CELL_OVER);
}

struct to_entry *to_shared_find(const struct to_view *v, const void *key, uint64_t hash,
				uint32_t now)
{
	uint64_t i = hash & v->mask;

	for (uint64_t left = v->mask;; left--) {
		struct to_cell *c = v->bucket[i].cell;
		uint32_t first = __atomic_load_n(&c[0].head, __ATOMIC_ACQUIRE);
		uint32_t second = __atomic_load_n(&c[1].head, __ATOMIC_ACQUIRE);

		if (holds(&c[0], first, key, now))
			return &c[0].value;
		if (holds(&c[1], second, key, now))
			return &c[1].value;
		if (!(first & TO_CELL_OVER) || !left)
			return NULL;
		i = (i + 1) & v->mask;
	}
}

static bool long_dead(const struct to_cell *c, uint32_t now)
{
	return now >= TO_STATE_GRACE &&
	       __atomic_load_n(&c->value.expires, __ATOMIC_ACQUIRE) <= now - TO_STATE_GRACE;
}

/* Takes the cell if it may be had; `was` is then FREE or LIVE (long dead). */
static bool take(struct to_cell *c, uint32_t now, bool dead_only, uint32_t *was)
{
	uint32_t head = __atomic_load_n(&c->head, __ATOMIC_ACQUIRE);

	for (;;) {
		uint32_t state = head & TO_CELL_STATE;
		uint32_t next = ((head & ~TO_CELL_STATE) + TO_CELL_VERSION_ONE) | TO_CELL_BUSY;

		if (state == TO_CELL_LIVE ? !long_dead(c, now) : dead_only || state != TO_CELL_FREE)
			return false;
		*was = state;
		if (__atomic_compare_exchange_n(&c->head, &head, next, false, __ATOMIC_SEQ_CST,
						__ATOMIC_ACQUIRE))
			return true;
	}
}

/* The cell is BUSY and ours: the dead entry in it passes over nothing any more. */
static void forget(struct to_cells *t, struct to_cell *c, uint64_t bucket)
{
	path_sub(t, to_cells_hash(false, &c->key, t->seed) & t->view.mask, bucket);
}

/* A BUSY cell on the way of `hash`, the way to it counted; or NULL. Sets its bucket. */
static struct to_cell *claim(struct to_cells *t, uint64_t hash, uint32_t now, uint64_t *bucket,
			     struct to_state_counters *count)
{
	uint64_t home = hash & t->view.mask;
	uint64_t i = home;

	do {
		for (int slot = 0; slot < 2; slot++) {
			struct to_cell *c = &t->view.bucket[i].cell[slot];
			uint32_t was;

			if (!take(c, now, false, &was))
				continue;
			if (was == TO_CELL_LIVE) {
				forget(t, c, i);
				__atomic_fetch_sub(&t->used, 1, __ATOMIC_RELAXED);
				count->reclaimed++;
			}
			*bucket = i;
			return c;
		}
		over_add(&t->view.bucket[i].cell[0].head);
		i = (i + 1) & t->view.mask;
	} while (i != home);
	for (uint64_t n = 0; n <= t->view.mask; n++)
		over_sub(&t->view.bucket[n].cell[0].head);
	return NULL;
}

static void fill(struct to_cell *c, const struct to_key *key, const struct to_entry *value)
{
	uint32_t word[4];
	uint32_t *to = (uint32_t *)&c->value;

	__builtin_memcpy(word, value, sizeof(word));
	for (int i = 0; i < 3; i++)
		__atomic_store_n(&c->key.w[i], key->w[i], __ATOMIC_RELAXED);
	for (int i = 0; i < 4; i++)
		__atomic_store_n(&to[i], word[i], __ATOMIC_RELAXED);
}

enum rival { ALONE, RIVAL_LIVE, RIVAL_NEARER, RIVAL_FURTHER };

/* Is another cell with our key on the way? `*live` is set with RIVAL_LIVE. */
static enum rival look(const struct to_cells *t, const struct to_key *key, uint64_t hash,
		       const struct to_cell *mine, uint32_t now, struct to_entry **live)
{
	enum rival found = ALONE;
	bool passed = false;
	uint64_t i = hash & t->view.mask;

	for (uint64_t left = t->view.mask;; left--, i = (i + 1) & t->view.mask) {
		struct to_cell *c = t->view.bucket[i].cell;
		uint32_t head[2] = {__atomic_load_n(&c[0].head, __ATOMIC_SEQ_CST),
				    __atomic_load_n(&c[1].head, __ATOMIC_SEQ_CST)};

		for (int slot = 0; slot < 2; slot++) {
			uint32_t state = head[slot] & TO_CELL_STATE;

			if (&c[slot] == mine) {
				passed = true;
			} else if (holds(&c[slot], head[slot], key, now)) {
				*live = &c[slot].value;
				return RIVAL_LIVE;
			} else if (state == TO_CELL_CLAIM && found == ALONE &&
				   key_is(&c[slot], key)) {
				found = passed ? RIVAL_FURTHER : RIVAL_NEARER;
			}
		}
		if (!(head[0] & TO_CELL_OVER) || !left)
			return found;
	}
}

/* Waits for rivals further on. ALONE: the key is ours. */
static enum rival settle(const struct to_cells *t, const struct to_key *key, uint64_t hash,
			 const struct to_cell *mine, uint32_t now, struct to_entry **live)
{
	enum rival r = look(t, key, hash, mine, now, live);

	for (int n = 0; n < SPINS && r == RIVAL_FURTHER; n++) {
#ifdef __x86_64__
		__builtin_ia32_pause();
#endif
		r = look(t, key, hash, mine, now, live);
	}
	return r;
}

/* Counts one more place as taken, making room if there is none. */
static bool reserve(struct to_cells *t, uint32_t now, struct to_state_counters *count)
{
	for (int attempt = 0; attempt < 2; attempt++) {
		uint32_t hand;

		if (__atomic_fetch_add(&t->used, 1, __ATOMIC_RELAXED) < t->capacity)
			return true;
		__atomic_fetch_sub(&t->used, 1, __ATOMIC_RELAXED);
		if (attempt)
			break;
		hand = __atomic_fetch_add(&t->hand, HAND_BUCKETS, __ATOMIC_RELAXED);
		for (uint32_t n = 0; n < HAND_BUCKETS && n <= t->view.mask; n++) {
			uint64_t i = (hand + n) & t->view.mask;

			count->reclaimed += to_shared_sweep(t, i, i + 1, now);
		}
	}
	return false;
}

static void release(struct to_cells *t)
{
	__atomic_fetch_sub(&t->used, 1, __ATOMIC_RELAXED);
}

struct to_entry *to_shared_add(struct to_cells *t, const struct to_key *key, uint64_t hash,
			       const struct to_entry *value, uint32_t now,
			       struct to_state_counters *count)
{
	for (int attempt = 0; attempt < TRIES; attempt++) {
		struct to_entry *e = to_shared_find(&t->view, key, hash, now);
		struct to_cell *mine;
		uint64_t bucket;

		if (e)
			return e;
		if (!reserve(t, now, count))
			return NULL;
		mine = claim(t, hash, now, &bucket, count);
		if (!mine) {
			release(t);
			return NULL;
		}
		fill(mine, key, value);
		set_state(mine, TO_CELL_BUSY, TO_CELL_CLAIM);
		if (settle(t, key, hash, mine, now, &e) == ALONE) {
			set_state(mine, TO_CELL_CLAIM, TO_CELL_LIVE);
			return &mine->value;
		}
		set_state(mine, TO_CELL_CLAIM, TO_CELL_FREE);
		path_sub(t, hash & t->view.mask, bucket);
		release(t);
	}
	return NULL;
}

uint32_t to_shared_sweep(struct to_cells *t, uint64_t from, uint64_t end, uint32_t now)
{
	uint32_t freed = 0;

	for (uint64_t i = from; i < end; i++) {
		for (int slot = 0; slot < 2; slot++) {
			struct to_cell *c = &t->view.bucket[i].cell[slot];
			uint32_t was;

			if (!take(c, now, true, &was))
				continue;
			forget(t, c, i);
			set_state(c, TO_CELL_BUSY, TO_CELL_FREE);
			release(t);
			freed++;
		}
	}
	return freed;
}
