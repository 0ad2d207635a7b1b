/* SPDX-License-Identifier: BSD-3-Clause */
/* Deterministic randomness: the same seed, the same schedule, on every machine. */
#ifndef TESTS_RANDOM_H
#define TESTS_RANDOM_H

#include <turnout/hash.h>

struct random {
	uint64_t state;
};

static inline uint64_t random_next(struct random *r)
{
	return to_mix(r->state += 0x9e3779b97f4a7c15ULL);
}

/* 0 to n - 1; n above 0. */
static inline uint32_t random_below(struct random *r, uint32_t n)
{
	return (uint32_t)((random_next(r) >> 32) * n >> 32);
}

static inline bool random_percent(struct random *r, uint32_t percent)
{
	return random_below(r, 100) < percent;
}

#endif
