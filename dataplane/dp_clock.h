/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A worker's clock: seconds of CLOCK_BOOTTIME, which goes on over the death of the process and a
 * suspended machine. The time stamp counter says when to look at it again, so that a burst costs no
 * call, and the counter's own drift does not matter.
 */
#ifndef TURNOUT_DP_CLOCK_H
#define TURNOUT_DP_CLOCK_H

#include <rte_branch_prediction.h>
#include <rte_cycles.h>
#include <stdint.h>
#include <time.h>

#define DP_CLOCK_LOOKS 100 /* a second */

#define DP_NS_PER_S 1000000000u

struct dp_clock {
	uint64_t next;   /* TSC at which to look again */
	uint64_t looked; /* TSC of the last look, */
	uint64_t ns;     /* and what time it was, in nanoseconds */
	uint32_t now;
};

static inline uint64_t dp_boottime_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * DP_NS_PER_S + (uint64_t)ts.tv_nsec;
}

static inline uint32_t dp_boottime(void)
{
	return (uint32_t)(dp_boottime_ns() / DP_NS_PER_S);
}

static inline uint32_t dp_clock_now(struct dp_clock *c, uint64_t tsc)
{
	if (unlikely(tsc >= c->next)) {
		c->ns = dp_boottime_ns();
		c->looked = tsc;
		c->now = (uint32_t)(c->ns / DP_NS_PER_S);
		c->next = tsc + rte_get_tsc_hz() / DP_CLOCK_LOOKS;
	}
	return c->now;
}

/* After dp_clock_now() of the same TSC. */
static inline uint64_t dp_clock_nanoseconds(const struct dp_clock *c, uint64_t tsc)
{
	return c->ns + (tsc - c->looked) * DP_NS_PER_S / rte_get_tsc_hz();
}

#endif
