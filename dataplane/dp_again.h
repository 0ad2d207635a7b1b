/* SPDX-License-Identifier: BSD-3-Clause */
/* What has failed and must be done is tried again, once a second, and told once. Zero: nothing has
 * failed. The main thread's. */
#ifndef TURNOUT_DP_AGAIN_H
#define TURNOUT_DP_AGAIN_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#define DP_AGAIN_NS 1000000000u

struct dp_again {
	uint64_t at_ns; /* CLOCK_MONOTONIC; 0: at once */
};

static inline uint64_t dp_again_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static inline bool dp_again_is_due(const struct dp_again *a)
{
	return !a->at_ns || dp_again_now_ns() >= a->at_ns;
}

static inline void dp_again_failed(struct dp_again *a, const char *why)
{
	if (!a->at_ns)
		fprintf(stderr, "turnout-dp: %s; it is tried again\n", why);
	a->at_ns = dp_again_now_ns() + DP_AGAIN_NS;
}

#endif
