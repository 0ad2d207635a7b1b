/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The yardstick: a bare prefetched look-up of keys in 64-byte buckets of two entries, at most 0.6
 * full, in bursts of 64; no probing, no time, no state. And what every benchmark here needs.
 */
#ifndef TURNOUT_BENCH_BARE_H
#define TURNOUT_BENCH_BARE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include <turnout/entry.h>

#define BENCH_BURST   64
#define BENCH_SAMPLES 301

/*
 * Visits are drawn once and gone through in windows, one a sample, short enough to be left alone by
 * other work. No window is visited twice, or the last-level cache would hold entries of large
 * tables only because the sample before had been there.
 */
#define BENCH_WINDOW  (1u << 14)
#define BENCH_WINDOWS 1024u
/* Not timed at the beginning of a window: the other's sample has left its own in the caches. */
#define BENCH_WARM   (BENCH_WINDOW / 4)
#define BENCH_TIMED  (BENCH_WINDOW - BENCH_WARM)
#define BENCH_VISITS (BENCH_WINDOW * BENCH_WINDOWS)

/* The window of the `i`th sample of the benchmark's first, second or third subject (0 to 2). */
static inline uint32_t bench_window(uint32_t subject, uint32_t i)
{
	_Static_assert(BENCH_SAMPLES < BENCH_WINDOWS / 3, "windows");
	return (subject * (BENCH_WINDOWS / 3) + i) * BENCH_WINDOW;
}

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

static inline double bench_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Zeroed memory on huge pages, where the kernel has them. */
static inline void *bench_huge(size_t bytes)
{
	uint8_t *p = mmap(NULL, bytes + (2 << 20), PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	p = (uint8_t *)(((uintptr_t)p + (2 << 20) - 1) & ~(uintptr_t)((2 << 20) - 1));
	madvise(p, bytes, MADV_HUGEPAGE);
	return p;
}

static inline void bench_free(void *p, size_t bytes)
{
	if (p)
		munmap(p, bytes);
}

static inline int bench_compare(const void *a, const void *b)
{
	const double *x = a;
	const double *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Sorts the samples: [0] is the minimum, [BENCH_SAMPLES / 2] the median. */
static inline void bench_sort(double *samples)
{
	qsort(samples, BENCH_SAMPLES, sizeof(*samples), bench_compare);
}

/* One figure, and what part of the yardstick's it is. Both sorted. */
static inline void bench_print(const char *name, const double *ns, const double *bare)
{
	printf(",\"%s\":{\"ns_min\":%.1f,\"ns_median\":%.1f,\"ns_max\":%.1f,\"ratio_min\":%.2f,"
	       "\"ratio_median\":%.2f}",
	       name, ns[0], ns[BENCH_SAMPLES / 2], ns[BENCH_SAMPLES - 1], ns[0] / bare[0],
	       ns[BENCH_SAMPLES / 2] / bare[BENCH_SAMPLES / 2]);
}

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
