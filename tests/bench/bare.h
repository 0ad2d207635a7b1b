/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The yardstick: a bare prefetched look-up of keys in 64-byte buckets of two entries, at most 0.6
 * full, in bursts of 64; no probing, no time, no state.
 */
#ifndef TURNOUT_BENCH_BARE_H
#define TURNOUT_BENCH_BARE_H

#include <string.h>

#include <turnout/entry.h>
#include <turnout/hash.h>

#include "bench.h"

struct bare_entry {
	uint64_t key[2];
	uint64_t value[2];
};

struct bare_bucket {
	struct bare_entry e[2];
} __attribute__((aligned(64)));

struct bare {
	struct bare_bucket *bucket;
	uint64_t mask;
	uint64_t wrong; /* bursts with a key that was not found */
};

static inline uint64_t bare_hash(const struct to_key *k)
{
	uint64_t w;

	memcpy(&w, k, 8);
	w = (w ^ k->w[2]) * 0x9e3779b97f4a7c15ULL;
	return w ^ w >> 32;
}

static inline int bare_open(struct bare *b, uint32_t entries)
{
	for (b->mask = 1; b->mask * 6 / 5 < entries; b->mask *= 2)
		;
	b->bucket = bench_huge(b->mask * sizeof(*b->bucket));
	b->mask--;
	b->wrong = 0;
	return b->bucket ? 0 : -1;
}

static inline void bare_close(struct bare *b)
{
	bench_free(b->bucket, (b->mask + 1) * sizeof(*b->bucket));
}

/* False when both places are taken: it does not probe, and this key is not to be asked for. */
static inline int bare_put(struct bare *b, const struct to_key *k)
{
	struct bare_bucket *bucket = &b->bucket[bare_hash(k) & b->mask];
	struct bare_entry *e = &bucket->e[!!bucket->e[0].value[0]];

	if (e->value[0])
		return 0;
	memcpy(e->key, k, 8);
	e->key[1] = k->w[2];
	e->value[0] = 1;
	return 1;
}

/* Of made-up keys: as many as there is a place for of `entries`, and visits to them in random order
 * (BENCH_VISITS). */
static inline void bare_fill(struct bare *b, struct to_key *visits, uint32_t entries)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < entries; i++) {
		uint64_t r = to_mix(i);

		visits[n] = (struct to_key){{(uint32_t)r, (uint32_t)(r >> 32), 1}};
		n += (uint32_t)bare_put(b, &visits[n]);
	}
	for (uint32_t i = n; n && i < BENCH_VISITS; i++)
		visits[i] = visits[to_mix(i) % n];
	for (uint32_t i = 0; i < n; i++)
		visits[i] = visits[n + to_mix(i) % (BENCH_VISITS - n)];
}

static inline uint64_t bare_find(const struct bare_bucket *b, const struct to_key *k)
{
	uint64_t w;

	memcpy(&w, k, 8);
	for (int i = 0; i < 2; i++)
		if (b->e[i].key[0] == w && b->e[i].key[1] == k->w[2])
			return b->e[i].value[0];
	return 0;
}

/* Nanoseconds a look-up of `n` keys (a multiple of BENCH_BURST). */
static inline double bare_look(struct bare *b, const struct to_key *keys, uint32_t n)
{
	double start = bench_seconds();
	uint64_t hash[BENCH_BURST];
	uint64_t found = 0;

	for (uint32_t at = 0; at < n; at += BENCH_BURST) {
		const struct to_key *k = &keys[at];

		for (int i = 0; i < BENCH_BURST; i++) {
			hash[i] = bare_hash(&k[i]) & b->mask;
			__builtin_prefetch(&b->bucket[hash[i]]);
		}
		for (int i = 0; i < BENCH_BURST; i++)
			found += bare_find(&b->bucket[hash[i]], &k[i]);
	}
	start = bench_seconds() - start;
	b->wrong += found != n;
	return start * 1e9 / n;
}

/* Likewise of a window, but for its beginning. */
static inline double bare_sample(struct bare *b, const struct to_key *window)
{
	bare_look(b, window, BENCH_WARM);
	return bare_look(b, window + BENCH_WARM, BENCH_TIMED);
}

#endif
