/* SPDX-License-Identifier: BSD-3-Clause */
#include "xdp_walk.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "turnout.skel.h"

#define BATCH 512 /* at least the entries of one bucket, or the kernel has no room for it */
#define MAPS  (TO_ENTRY_KIND_COUNT * 2)

enum { MAP, BUCKET, DONE }; /* words of a cursor */

struct batch {
	uint8_t keys[BATCH * sizeof(struct to_key6)];
	struct to_bpf_entry values[BATCH];
	uint32_t n;
	uint32_t next; /* bucket */
	bool last;
};

static const struct bpf_map *map_at(const struct to_xdp *x, uint64_t map, uint32_t kinds)
{
	enum to_entry_kind kind = (enum to_entry_kind)(map / 2);

	return kinds & 1u << kind ? to_xdp_entries(x, kind, map % 2) : NULL;
}

/* Entries from the cursor's bucket on, whole buckets. The kernel asks whether there is such a one.
 */
static int read_batch(const struct bpf_map *map, const struct to_flow_cursor *at, struct batch *b)
{
	uint32_t from = at->word[BUCKET] < UINT32_MAX ? (uint32_t)at->word[BUCKET] : UINT32_MAX;
	int ret;

	b->n = BATCH;
	b->next = from;
	ret = bpf_map_lookup_batch(bpf_map__fd(map), from ? &from : NULL, &b->next, b->keys,
				   b->values, &b->n, NULL);
	if (ret < 0 && ret != -ENOENT)
		return ret;
	b->last = ret == -ENOENT || b->next <= from;
	return 0;
}

/* The entry as the state tables would have it. False: it is dead, or has moved. */
static bool item_of(const struct batch *b, uint32_t i, uint64_t map, uint32_t now,
		    struct to_state_item *item)
{
	const struct to_bpf_entry *v = &b->values[i];
	enum to_entry_kind kind = (enum to_entry_kind)(map / 2);
	uint32_t size = to_xdp_key_size(kind);

	if (now >= v->e.expires || v->ring & TO_BPF_MOVED)
		return false;
	*item = (struct to_state_item){.kind = kind, .proven = map % 2, .entry = v->e};
	memcpy(&item->key6, b->keys + (size_t)i * size, size);
	return true;
}

/* What a walk does with a batch, from the entry at->word[DONE] on, which it counts up. */
typedef int at_batch(void *arg, const struct batch *b, struct to_flow_cursor *at);

static int walk_batches(const struct to_xdp *x, struct to_flow_cursor *at, uint32_t kinds,
			uint32_t most, at_batch *take, void *arg)
{
	struct batch *b = malloc(sizeof(*b));
	int ret = b ? 0 : -ENOMEM;

	for (uint32_t seen = 0; ret == 0 && at->word[MAP] < MAPS;) {
		const struct bpf_map *map = map_at(x, at->word[MAP], kinds);

		if (seen >= most) {
			ret = 1;
			break;
		}
		if (map)
			ret = read_batch(map, at, b);
		if (map && ret == 0)
			ret = take(arg, b, at);
		if (ret)
			break;
		seen += map ? b->n : 0;
		at->word[DONE] = 0;
		at->word[BUCKET] = map && !b->last ? b->next : 0;
		at->word[MAP] += !map || b->last;
	}
	free(b);
	return ret;
}

struct walk {
	uint32_t now;
	to_state_visit visit;
	void *arg;
};

static int visit_batch(void *arg, const struct batch *b, struct to_flow_cursor *at)
{
	const struct walk *w = arg;
	struct to_state_item item;

	while (at->word[DONE] < b->n) {
		uint32_t i = (uint32_t)at->word[DONE]++;
		int ret;

		if (!item_of(b, i, at->word[MAP], w->now, &item))
			continue;
		ret = w->visit(w->arg, &item);
		if (ret)
			return ret < 0 ? ret : 1;
	}
	return 0;
}

int to_xdp_walk(const struct to_xdp *x, struct to_flow_cursor *at, uint32_t kinds, uint32_t most,
		uint32_t now, to_state_visit visit, void *arg)
{
	struct walk w = {.now = now, .visit = visit, .arg = arg};

	at->word[3] = 0;
	return walk_batches(x, at, kinds, most, visit_batch, &w);
}

struct ending {
	struct to_xdp *xdp;
	const struct to_release *what;
	uint32_t now;
	struct to_bpf_suspects suspects;
	struct to_bpf_release call;
	uint64_t ended;
};

/* Hands keys over to the program, which alone can tell whether each is the edge's still. */
static int hand_over(struct ending *e)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &e->call, .ctx_size_in = sizeof(e->call));
	uint32_t zero = 0;
	int ret;

	if (!e->call.n)
		return 0;
	ret = bpf_map__update_elem(e->xdp->skel->maps.suspects, &zero, sizeof(zero), &e->suspects,
				   sizeof(e->suspects), BPF_ANY);
	if (ret == 0)
		ret = bpf_prog_test_run_opts(bpf_program__fd(e->xdp->skel->progs.turnout_release),
					     &opts);
	e->call.n = 0;
	if (ret < 0)
		return ret;
	e->ended += e->call.ended;
	return 0;
}

static int end_batch(void *arg, const struct batch *b, struct to_flow_cursor *at)
{
	struct ending *e = arg;
	struct to_state_item item;
	int ret = 0;

	e->call.kind = (uint32_t)at->word[MAP] / 2;
	e->call.proven = at->word[MAP] % 2;
	for (uint32_t i = 0; ret == 0 && i < b->n; i++) {
		if (!item_of(b, i, at->word[MAP], e->now, &item) ||
		    !to_release_takes(e->what, &item))
			continue;
		memcpy(&e->suspects.key[e->call.n++], &item.key6, to_xdp_key_size(item.kind));
		if (e->call.n == TO_BPF_RECLAIM)
			ret = hand_over(e);
	}
	return ret ? ret : hand_over(e);
}

int to_xdp_release(struct to_xdp *x, struct to_flow_cursor *at, uint32_t most, uint32_t now,
		   const struct to_release *what, uint64_t *ended)
{
	struct ending *e = calloc(1, sizeof(*e));
	int ret;

	if (!e)
		return -ENOMEM;
	*e = (struct ending){.xdp = x, .what = what, .now = now};
	e->call.expires = now > 1 ? now - 1 : now;
	e->call.edge = what->edge;
	e->call.service = what->service;
	ret = walk_batches(x, at, UINT32_MAX, most, end_batch, e);
	*ended += e->ended;
	free(e);
	return ret;
}
