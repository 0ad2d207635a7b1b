/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Cells and buckets: the layout of every state table in shared memory, its hash, and the look-up.
 * docs/state-tables.md says why it is as it is. No DPDK type, host only.
 *
 * The layout is frozen (TO_STATE_REGION_LAYOUT 1). Measured before: a hit with 1 M pins in a table
 * for 2 M takes 17 ns against 14 ns of a bare prefetched look-up, in a full one 21 to 24 ns; and
 * forty kills of two workers over a million pins lost none (tests/state/crash.c).
 *
 * A bucket is one cache line: two cells of 32 bytes, or one of 64 for IPv6 pins. Everything below
 * takes `wide` (IPv6) as a constant, so that the compiler makes two specialised copies.
 */
#ifndef TURNOUT_CELLS_H
#define TURNOUT_CELLS_H

#include <turnout/entry.h>

/*
 * The head of a cell: bits 0 to 7 state, 8 to 15 `over` (only in the first cell of a bucket), 16
 * to 31 version. A fill changes the version, so that whoever reads without being the writer can
 * tell that a cell was another's in between. One word, so that one compare-and-swap claims a cell.
 */
enum to_cell_state {
	TO_CELL_FREE = 0,
	TO_CELL_LIVE = 1,  /* key and value are whole; whether the entry lives, its time says */
	TO_CELL_BUSY = 2,  /* shared tables: being written */
	TO_CELL_CLAIM = 3, /* shared tables: whole, its writer looks whether another came first */
};
#define TO_CELL_STATE       0x000000ffu
#define TO_CELL_OVER        0x0000ff00u
#define TO_CELL_OVER_ONE    0x00000100u
#define TO_CELL_VERSION     0xffff0000u
#define TO_CELL_VERSION_ONE 0x00010000u

struct to_cell {
	uint32_t head;
	struct to_key key;
	struct to_entry value; /* 16-byte aligned: replaced by one store */
};
_Static_assert(sizeof(struct to_cell) == 32, "layout");
_Static_assert(offsetof(struct to_cell, value) == 16, "layout");

struct to_cell6 {
	uint32_t head;
	uint32_t reserved;
	struct to_key6 key;
	struct to_entry value; /* 16-byte aligned */
	uint32_t reserved2[4];
};
_Static_assert(sizeof(struct to_cell6) == 64, "layout");
_Static_assert(offsetof(struct to_cell6, value) == 32, "layout");

union to_bucket {
	struct to_cell cell[2];
	struct to_cell6 cell6;
} __attribute__((aligned(64)));
_Static_assert(sizeof(union to_bucket) == 64, "one cache line");

/* Where a table lies. A table that does not exist has one bucket that stays empty. */
struct to_view {
	union to_bucket *bucket;
	uint64_t mask; /* buckets - 1 */
};

/* Secret words, one set a kind, drawn when a region is made. */
struct to_seed {
	uint64_t w[4];
};

TO_INLINE uint64_t to_fold(uint64_t a, uint64_t b)
{
	unsigned __int128 m = (unsigned __int128)a * b;

	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

/* Who does not know the seeds cannot choose keys that meet: the product is linear in neither
 * operand over the bits (as a CRC would be, whatever its seed). */
TO_INLINE uint64_t to_cells_hash(bool wide, const void *key, const struct to_seed *seed)
{
	uint64_t a;
	uint64_t b;
	uint32_t c;

	__builtin_memcpy(&a, key, 8);
	if (!wide) {
		__builtin_memcpy(&c, (const uint8_t *)key + 8, 4);
		return to_fold(a ^ seed->w[0], c ^ seed->w[1]);
	}
	__builtin_memcpy(&b, (const uint8_t *)key + 8, 8);
	a = to_fold(a ^ seed->w[0], b ^ seed->w[1]);
	__builtin_memcpy(&b, (const uint8_t *)key + 16, 8);
	return to_fold(a ^ seed->w[2], b ^ seed->w[3]);
}

TO_INLINE uint32_t to_cells_per_bucket(bool wide)
{
	return wide ? 1 : 2;
}

TO_INLINE uint32_t *to_cell_head(union to_bucket *b, bool wide, uint32_t slot)
{
	return wide ? &b->cell6.head : &b->cell[slot].head;
}

TO_INLINE void *to_cell_key(union to_bucket *b, bool wide, uint32_t slot)
{
	return wide ? (void *)&b->cell6.key : (void *)&b->cell[slot].key;
}

TO_INLINE struct to_entry *to_cell_value(union to_bucket *b, bool wide, uint32_t slot)
{
	return wide ? &b->cell6.value : &b->cell[slot].value;
}

TO_INLINE uint32_t to_key_size(bool wide)
{
	return wide ? sizeof(struct to_key6) : sizeof(struct to_key);
}

/* Is the cell live with this key? Two aligned words a cell: head with w[0], then w[1] with w[2]. */
TO_INLINE bool to_cell_holds(const struct to_cell *c, const struct to_key *k)
{
	uint64_t first;
	uint64_t second;
	uint64_t want;

	__builtin_memcpy(&first, c, 8);
	__builtin_memcpy(&second, &c->key.w[1], 8);
	__builtin_memcpy(&want, &k->w[1], 8);
	first ^= (uint64_t)k->w[0] << 32 | TO_CELL_LIVE;
	return !((first & ~(uint64_t)(TO_CELL_OVER | TO_CELL_VERSION)) | (second ^ want));
}

TO_INLINE bool to_cell6_holds(const struct to_cell6 *c, const struct to_key6 *k)
{
	uint64_t want;
	uint64_t have;

	__builtin_memcpy(&want, &k->client_port, 8);
	__builtin_memcpy(&have, &c->key.client_port, 8);
	return !((c->key.client.d[0] ^ k->client.d[0]) | (c->key.client.d[1] ^ k->client.d[1]) |
		 (have ^ want) | ((c->head & TO_CELL_STATE) ^ TO_CELL_LIVE));
}

/* The value of the key in this bucket, dead or not, or NULL. For the table's only writer. */
TO_INLINE struct to_entry *to_bucket_find(union to_bucket *b, bool wide, const void *key)
{
	if (wide)
		return to_cell6_holds(&b->cell6, key) ? &b->cell6.value : NULL;
	if (to_cell_holds(&b->cell[0], key))
		return &b->cell[0].value;
	return to_cell_holds(&b->cell[1], key) ? &b->cell[1].value : NULL;
}

/* `over` counts the entries whose way led over this bucket: 0 ends every search. */
TO_INLINE bool to_bucket_ends(const union to_bucket *b)
{
	return !(b->cell[0].head & TO_CELL_OVER); /* the head is at offset 0 in both layouts */
}

/* Look-up in a table that only the caller writes. A key is at most once in such a table. */
TO_INLINE struct to_entry *to_cells_find(const struct to_view *v, bool wide, const void *key,
					 uint64_t hash, uint32_t now)
{
	uint64_t i = hash & v->mask;

	for (uint64_t left = v->mask;; left--) {
		union to_bucket *b = &v->bucket[i];
		struct to_entry *e = to_bucket_find(b, wide, key);

		if (e)
			return TO_LIKELY(now < e->expires) ? e : NULL;
		if (TO_LIKELY(to_bucket_ends(b)) || !left)
			return NULL;
		i = (i + 1) & v->mask;
	}
}

#endif
