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

struct dp_clock {
	uint64_t next; /* TSC at which to look again */
	uint32_t now;
};

static inline uint32_t dp_boottime(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint32_t)ts.tv_sec;
}

static inline uint32_t dp_clock_now(struct dp_clock *c, uint64_t tsc)
{
	if (unlikely(tsc >= c->next)) {
		c->now = dp_boottime();
		c->next = tsc + rte_get_tsc_hz() / DP_CLOCK_LOOKS;
	}
	return c->now;
}

#endif
