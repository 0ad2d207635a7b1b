/* SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only) */
/*
 * The program with a fault: each of its parts asks anew which table decides, and takes its time.
 * The test of generations must find it.
 */
#include "variant.h"

static inline void *torn_table(void)
{
	__u32 zero = 0;
	struct to_bpf_control *c = bpf_map_lookup_elem(&control, &zero);
	__u32 slot;

	loiter();
	slot = c ? *(volatile __u32 *)&c->slot : 0;

	return bpf_map_lookup_elem(&tables, &slot);
}

#define bpf_map_lookup_elem(map, key)                                                              \
	((void *)(map) == (void *)&tables ? torn_table() : bpf_map_lookup_elem(map, key))

#include "turnout.bpf.c"
