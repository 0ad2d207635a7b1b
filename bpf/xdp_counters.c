/* SPDX-License-Identifier: BSD-3-Clause */
#include "xdp_counters.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "turnout.skel.h"

_Static_assert(sizeof(struct to_bpf_row) % 8 == 0, "a CPU's value follows another's");
_Static_assert(sizeof(struct to_bpf_tally) % 8 == 0, "likewise");

struct to_counters *to_xdp_counters_new(void)
{
	struct to_counters *c = mmap(NULL, sizeof(*c), PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return c == MAP_FAILED ? NULL : c;
}

void to_xdp_counters_free(struct to_counters *c)
{
	if (c)
		munmap(c, sizeof(*c));
}

/* A value of a per-CPU map, of every CPU. */
static int read_all(const struct to_xdp *x, const struct bpf_map *map, uint32_t key, void **values,
		    size_t size)
{
	size_t all = (size_t)x->cpus * size;
	int ret;

	*values = malloc(all);
	if (!*values)
		return -ENOMEM;
	ret = bpf_map__lookup_elem(map, &key, sizeof(key), *values, all, 0);
	if (ret < 0)
		free(*values);
	return ret;
}

static int read_tally(const struct to_xdp *x, struct to_counters *into)
{
	struct to_bpf_tally *n;
	int ret = read_all(x, x->skel->maps.tally, 0, (void **)&n, sizeof(*n));

	if (ret < 0)
		return ret;
	for (int cpu = 0; cpu < x->cpus; cpu++) {
		for (int i = 0; i < TO_EVENT_COUNT; i++)
			into->events[i] += n[cpu].events[i];
		for (int i = 0; i < TO_VERDICT_COUNT; i++)
			into->verdicts[i] += n[cpu].verdicts[i];
	}
	free(n);
	return 0;
}

static int read_row(const struct to_xdp *x, uint32_t row, uint8_t service, uint8_t edge,
		    struct to_counters *into)
{
	struct to_bpf_row *r;
	int ret = read_all(x, x->skel->maps.counts, row, (void **)&r, sizeof(*r));

	if (ret < 0)
		return ret;
	for (uint32_t i = 0; i < TO_CLASS_COUNT * TO_REASON_COUNT; i++) {
		struct to_count *c =
			&into->cell[to_counters_cell(service, (uint8_t)(i / TO_REASON_COUNT), edge,
						     (uint8_t)(i % TO_REASON_COUNT))];

		for (int cpu = 0; cpu < x->cpus; cpu++) {
			if (!r[cpu].cell[i].packets)
				continue;
			c->packets += r[cpu].cell[i].packets;
			c->bytes += r[cpu].cell[i].bytes;
		}
	}
	free(r);
	return 0;
}

int to_xdp_counters_read(const struct to_xdp *x, struct to_counters *into)
{
	int ret;

	madvise(into, sizeof(*into), MADV_DONTNEED); /* zero again */
	ret = read_tally(x, into);
	if (ret == 0)
		ret = read_row(x, 0, TO_NO_INDEX, TO_NO_INDEX, into);
	for (uint32_t pair = 0; ret == 0 && pair < TO_BPF_PAIRS; pair++) {
		if (x->rows[pair])
			ret = read_row(x, x->rows[pair], (uint8_t)(pair / (TO_MAX_EDGES + 1)),
				       (uint8_t)(pair % (TO_MAX_EDGES + 1)), into);
	}
	return ret;
}

int to_xdp_counters_clear(const struct to_xdp *x, uint32_t rows)
{
	size_t size = (size_t)x->cpus * sizeof(struct to_bpf_row);
	void *zero = calloc(1, size);
	uint32_t key = 0;
	int ret;

	if (!zero)
		return -ENOMEM;
	ret = bpf_map__update_elem(x->skel->maps.tally, &key, sizeof(key), zero,
				   (size_t)x->cpus * sizeof(struct to_bpf_tally), BPF_ANY);
	for (; ret == 0 && key < rows; key++)
		ret = bpf_map__update_elem(x->skel->maps.counts, &key, sizeof(key), zero, size,
					   BPF_ANY);
	free(zero);
	return ret;
}
