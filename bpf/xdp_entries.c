/* SPDX-License-Identifier: BSD-3-Clause */
#include "xdp_entries.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "turnout.skel.h"

#define BATCH 512 /* at least the entries of one bucket, or the kernel has no room for it */

struct batch {
	uint8_t keys[BATCH * sizeof(struct to_key6)];
	struct to_bpf_entry values[BATCH];
	uint32_t n;
};

/* The next entries of a map. Returns 1, or 0 when there are no more. */
static int next_batch(const struct bpf_map *map, struct batch *b, uint32_t *at, bool *going)
{
	uint32_t next = *at;
	int ret;

	b->n = BATCH;
	ret = bpf_map_lookup_batch(bpf_map__fd(map), *going ? at : NULL, &next, b->keys, b->values,
				   &b->n, NULL);
	if (ret < 0 && ret != -ENOENT)
		return ret;
	*at = next;
	*going = ret == 0;
	return ret == 0;
}

static int run_reclaim(struct to_xdp *x, struct to_bpf_reclaim *a)
{
	/* what the program changes is written back to where it came from */
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = a, .ctx_size_in = sizeof(*a));

	return bpf_prog_test_run_opts(x->reclaim_fd, &opts);
}

/* Hands keys over to the program, which alone can tell whether each is dead still. */
static int reclaim(struct to_xdp *x, struct to_bpf_suspects *s, struct to_bpf_reclaim *a)
{
	uint32_t zero = 0;
	int ret;

	if (!a->n)
		return 0;
	ret = bpf_map__update_elem(x->skel->maps.suspects, &zero, sizeof(zero), s, sizeof(*s),
				   BPF_ANY);
	if (ret == 0)
		ret = run_reclaim(x, a);
	a->n = 0;
	return ret < 0 ? ret : (int)a->freed;
}

static int reclaim_batch(struct to_xdp *x, enum to_entry_kind kind, const struct batch *b,
			 uint32_t now)
{
	struct to_bpf_reclaim a = {.kind = kind, .now = now};
	uint32_t size = to_xdp_key_size(kind);
	struct to_bpf_suspects s = {0};
	int freed = 0, ret = 0;

	for (uint32_t i = 0; ret >= 0 && i < b->n; i++) {
		if (now < b->values[i].e.expires + TO_BPF_GRACE)
			continue;
		memcpy(&s.key[a.n++], b->keys + i * size, size);
		if (a.n == TO_BPF_RECLAIM) {
			ret = reclaim(x, &s, &a);
			freed += ret > 0 ? ret : 0;
		}
	}
	if (ret >= 0) {
		ret = reclaim(x, &s, &a);
		freed += ret > 0 ? ret : 0;
	}
	return ret < 0 ? ret : freed;
}

int to_xdp_sweep(struct to_xdp *x, struct to_xdp_sweep *s, uint32_t now, uint32_t most)
{
	struct batch *b = malloc(sizeof(*b));
	int freed = 0, ret = 0;

	if (!b)
		return -ENOMEM;
	for (uint32_t seen = 0, ended = 0; seen < most && ended < TO_ENTRY_KIND_COUNT;) {
		enum to_entry_kind kind = s->kind;

		ret = next_batch(to_xdp_entries(x, kind, true), b, &s->at, &s->going);
		if (ret < 0)
			break;
		seen += b->n;
		if (!s->going) {
			ended++;
			s->kind = (kind + 1) % TO_ENTRY_KIND_COUNT;
		}
		ret = reclaim_batch(x, kind, b, now);
		if (ret < 0)
			break;
		freed += ret;
	}
	free(b);
	return ret < 0 ? ret : freed;
}

static int clear_map(const struct bpf_map *map)
{
	uint8_t key[sizeof(struct to_key6)];
	int fd = bpf_map__fd(map), ret;

	while ((ret = bpf_map_get_next_key(fd, NULL, key)) == 0) {
		ret = bpf_map_delete_elem(fd, key);
		if (ret < 0)
			return ret;
	}
	return ret == -ENOENT ? 0 : ret;
}

int to_xdp_entries_clear(struct to_xdp *x)
{
	int ret = 0;

	for (int kind = 0; ret == 0 && kind < TO_ENTRY_KIND_COUNT; kind++) {
		ret = clear_map(to_xdp_entries(x, kind, true));
		if (ret == 0 && to_xdp_entries(x, kind, false))
			ret = clear_map(to_xdp_entries(x, kind, false));
	}
	return ret;
}

/* Live ones of a map; `one`: no more than whether there is one is asked. */
static int count_live(const struct bpf_map *map, uint32_t now, bool one, uint64_t *n)
{
	struct batch *b = malloc(sizeof(*b));
	bool going = false;
	uint32_t at = 0;
	int ret = map ? 1 : 0;

	*n = 0;
	if (!b)
		return -ENOMEM;
	while (ret > 0 && !(one && *n)) {
		ret = next_batch(map, b, &at, &going);
		for (uint32_t i = 0; ret >= 0 && i < b->n; i++)
			*n += now < b->values[i].e.expires && !(b->values[i].ring & TO_BPF_MOVED);
	}
	free(b);
	return ret < 0 ? ret : 0;
}

int to_xdp_entries_any(const struct to_xdp *x, uint32_t now)
{
	uint64_t n = 0;
	int ret = 0;

	for (int i = 0; ret == 0 && n == 0 && i < TO_ENTRY_KIND_COUNT * 2; i++)
		ret = count_live(to_xdp_entries(x, i / 2, i % 2), now, true, &n);
	return ret < 0 ? ret : n > 0;
}

int to_xdp_entries_count(const struct to_xdp *x, enum to_entry_kind kind, bool proven, uint32_t now,
			 uint64_t *n)
{
	return count_live(to_xdp_entries(x, kind, proven), now, false, n);
}
