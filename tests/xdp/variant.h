/* SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only) */
/* The beginning of bpf/turnout.bpf.c as far as its maps: a variant of the program comes between
 * them and what uses them. */
#ifndef TESTS_XDP_VARIANT_H
#define TESTS_XDP_VARIANT_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "turnout.h"

#include <turnout/engine.h>

#include "maps.h"

#define LOITER_MOST 1000 /* times that the clock is read: some 30 us */

/* A random while: mostly a short one or none, one in 256 times a long one, in which another CPU
 * does a lot. */
__attribute__((noinline)) int loiter(void)
{
	__u32 r = bpf_get_prandom_u32(), n = r & r >> 8 & 31;
	__u64 last = 0;

	if (!(r >> 24))
		n = LOITER_MOST;
	for (__u32 i = 0; i < LOITER_MOST; i++) {
		if (i >= n)
			break;
		last ^= bpf_ktime_get_ns();
	}
	return (int)last;
}

#endif
