/* SPDX-License-Identifier: BSD-3-Clause */
/* Where two threads wait for each other. They spin, so that both leave it within nanoseconds of
 * each other and really meet in what they do next. */
#ifndef TESTS_XDP_RENDEZVOUS_H
#define TESTS_XDP_RENDEZVOUS_H

#include <sched.h>
#include <stdint.h>

struct rendezvous {
	uint32_t arrived;
};

static inline void rendezvous(struct rendezvous *r)
{
	uint32_t mine = __atomic_fetch_add(&r->arrived, 1, __ATOMIC_ACQ_REL);
	uint32_t both = (mine | 1) + 1;

	for (uint32_t n = 0; (int32_t)(__atomic_load_n(&r->arrived, __ATOMIC_ACQUIRE) - both) < 0;
	     n++) {
		if (n > 20000)
			sched_yield(); /* the other one has no CPU now */
	}
}

#endif
