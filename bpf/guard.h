/* SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only) */
/* What the guard of SIP messages asks of the engine (turnout/sip_guard.h). */
#ifndef TURNOUT_BPF_GUARD_H
#define TURNOUT_BPF_GUARD_H

#include "maps.h"

#define NS_PER_S 1000000000ull

static inline uint32_t to_engine_sip_rate(to_engine *x)
{
	__u32 zero = 0;
	struct to_bpf_control *c = bpf_map_lookup_elem(&control, &zero);

	(void)x;
	return c ? *(volatile __u32 *)&c->sip_rate : 0;
}

static inline struct to_sip_buckets *to_engine_sip_buckets(to_engine *x)
{
	__u32 zero = 0;

	(void)x;
	return bpf_map_lookup_elem(&sip_buckets, &zero);
}

static inline struct to_known_set *to_engine_known(to_engine *x, uint32_t index)
{
	(void)x;
	return bpf_map_lookup_elem(&known, &index);
}

static inline uint64_t to_engine_nanoseconds(to_engine *x, const struct to_packet *k)
{
	(void)x;
	return replay ? k->now * NS_PER_S : bpf_ktime_get_boot_ns();
}

#endif
