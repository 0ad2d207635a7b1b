/* SPDX-License-Identifier: BSD-3-Clause */
#include "xdp_guard.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>

#include "turnout.skel.h"

static int forget_sources(const struct to_xdp *x)
{
	struct to_known_set *none = calloc(TO_KNOWN_SETS, sizeof(*none));
	uint32_t *keys = calloc(TO_KNOWN_SETS, sizeof(*keys)), n = TO_KNOWN_SETS;
	int ret = none && keys ? 0 : -ENOMEM;

	for (uint32_t i = 0; ret == 0 && i < n; i++)
		keys[i] = i;
	if (ret == 0)
		ret = bpf_map_update_batch(bpf_map__fd(x->skel->maps.known), keys, none, &n, NULL);
	free(keys);
	free(none);
	return ret;
}

static int empty_buckets(const struct to_xdp *x)
{
	size_t size = (size_t)x->cpus * sizeof(struct to_sip_buckets);
	void *none = calloc(1, size);
	uint32_t zero = 0;
	int ret = none ? bpf_map__update_elem(x->skel->maps.sip_buckets, &zero, sizeof(zero), none,
					      size, BPF_ANY)
		       : -ENOMEM;

	free(none);
	return ret;
}

void to_xdp_guard_rate(struct to_xdp *x, uint32_t rate)
{
	__atomic_store_n(&x->control->sip_rate, rate, __ATOMIC_RELAXED);
}

int to_xdp_guard_begin(struct to_xdp *x, uint32_t rate)
{
	int ret = rate ? forget_sources(x) : 0;

	if (ret == 0 && rate)
		ret = empty_buckets(x);
	if (ret == 0)
		to_xdp_guard_rate(x, rate);
	return ret;
}
