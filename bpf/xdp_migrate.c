/* SPDX-License-Identifier: BSD-3-Clause */
#include "xdp_migrate.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "turnout.skel.h"
#include "xdp_layout.h"
#include "xdp_merge.h"

#define BATCH     512
#define MAX_VALUE 256
#define TRIES     16 /* a packet may come between again and again */

/* Copied already, and changed in the old map since. */
struct changed {
	struct to_key6 key[TO_BPF_RECLAIM];
	struct to_entry old[TO_BPF_RECLAIM];
	uint32_t n;
};

struct migration {
	struct to_xdp *xdp;
	struct to_xdp_move *move;
	int new_fd;
	int ring_fd;
	uint32_t old_size; /* of a value */
	struct to_xdp_layout old, own;
	uint64_t *taken; /* places of the rings, a bit each */
	uint32_t places;
	uint32_t cpus;
	uint32_t next; /* how many places were looked at, in the order of place_of() */
	struct changed changed;
	struct to_bpf_suspects *renewed; /* for turnout_renew */
};

/* A CPU writes its ring from the first place on: the last ones make room last. */
static uint32_t place_of(const struct migration *m, uint32_t i)
{
	uint32_t each = m->places / m->cpus;

	return i % m->cpus * each + each - 1 - i / m->cpus;
}

/* The next free place; -ENOSPC: there is none. */
static int take_place(struct migration *m, uint32_t *place)
{
	while (m->next < m->places) {
		*place = place_of(m, m->next++);
		if (!(m->taken[*place / 64] >> *place % 64 & 1))
			return 0;
	}
	return -ENOSPC;
}

static bool is_tcp(const struct migration *m, const void *key)
{
	if (m->move->kind == TO_PIN4)
		return (uint8_t)(((const struct to_key *)key)->w[2] >> 8) == TO_TCP;
	return m->move->kind == TO_PIN6 && ((const struct to_key6 *)key)->proto == TO_TCP;
}

/* What is to be written now; those of which nothing is leave the list. */
static uint32_t merge_changed(struct migration *m)
{
	struct changed *c = &m->changed;
	uint32_t n = 0;

	for (uint32_t i = 0; i < c->n; i++) {
		struct to_bpf_entry there;

		if (bpf_map_lookup_elem(m->new_fd, &c->key[i], &there) < 0 ||
		    !to_xdp_merge(m->move->kind, is_tcp(m, &c->key[i]), m->move->now, &c->old[i],
				  &there, &m->renewed->value[n]))
			continue;
		memcpy(&m->renewed->seen[n], &there.e, sizeof(m->renewed->seen[n]));
		m->renewed->key[n] = c->key[i];
		c->key[n] = c->key[i];
		c->old[n++] = c->old[i];
	}
	return n;
}

static int renew(struct migration *m, uint32_t n)
{
	struct to_bpf_reclaim a = {.kind = m->move->kind, .n = n, .now = m->move->now};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &a, .ctx_size_in = sizeof(a));
	uint32_t zero = 0;
	int ret = bpf_map__update_elem(m->xdp->skel->maps.suspects, &zero, sizeof(zero), m->renewed,
				       sizeof(*m->renewed), BPF_ANY);

	return ret < 0 ? ret
		       : bpf_prog_test_run_opts(bpf_program__fd(m->xdp->skel->progs.turnout_renew),
						&opts);
}

/* By the program, which writes where no packet has come between; then the others again. */
static int renew_changed(struct migration *m)
{
	int ret = 0;

	for (int i = 0; ret == 0 && i < TRIES && m->changed.n; i++) {
		m->changed.n = merge_changed(m);
		if (m->changed.n)
			ret = renew(m, m->changed.n);
	}
	if (ret == 0 && m->changed.n)
		m->move->late += merge_changed(m);
	m->changed.n = 0;
	return ret;
}

static int note_changed(struct migration *m, const void *key, const struct to_entry *old,
			const struct to_bpf_entry *there)
{
	struct changed *c = &m->changed;

	if (there->ring == to_xdp_copy_mark(old))
		return 0;
	memcpy(&c->key[c->n], key, to_xdp_key_size(m->move->kind));
	c->old[c->n++] = *old;
	return c->n == TO_BPF_RECLAIM ? renew_changed(m) : 0;
}

static int add(struct migration *m, const void *key, struct to_bpf_entry *v)
{
	int ret = m->move->proven ? 0 : take_place(m, &v->ring);

	if (ret == 0)
		ret = bpf_map_update_elem(m->new_fd, key, v, BPF_NOEXIST);
	if (ret == 0 && !m->move->proven)
		ret = bpf_map_update_elem(m->ring_fd, &v->ring, key, BPF_ANY);
	if (ret == -EEXIST)
		return 0; /* a packet has just made it: what was before it is history */
	if (ret == -E2BIG || ret == -ENOMEM || ret == -ENOSPC) {
		m->move->lost++;
		return 0;
	}
	m->move->moved += ret == 0;
	return ret;
}

/* `mark` of these kinds is the second in which they were made, or a later one. */
static bool is_old(const struct to_xdp_move *m, const struct to_entry *e)
{
	return m->proven && e->mark < m->since &&
	       (m->kind == TO_PIN4 || m->kind == TO_PIN6 || m->kind == TO_DIALOG ||
		m->kind == TO_TRANSACTION);
}

/* Nobody else has the new map yet: it is made to be as the old one. */
static int copy_over(struct migration *m, const void *key, struct to_bpf_entry *v,
		     const struct to_bpf_entry *there)
{
	if (!m->move->proven)
		v->ring = there->ring;
	return memcmp(v, there, sizeof(*v)) ? bpf_map_update_elem(m->new_fd, key, v, BPF_EXIST) : 0;
}

static int move_one(struct migration *m, const void *key, struct to_bpf_entry *v)
{
	bool attached = m->move->attached, found, dead;
	struct to_bpf_entry there;

	if (is_old(m->move, &v->e))
		return 0;
	found = bpf_map_lookup_elem(m->new_fd, key, &there) == 0;
	dead = m->move->now >= v->e.expires || (!m->move->proven && v->ring & TO_BPF_MOVED);
	if (m->move->proven)
		v->ring = to_xdp_copy_mark(&v->e);
	if (!found)
		return dead ? 0 : add(m, key, v);
	if (attached)
		return m->move->proven ? note_changed(m, key, &v->e, &there) : 0;
	return dead ? bpf_map_delete_elem(m->new_fd, key) : copy_over(m, key, v, &there);
}

/* Calls with every entry of a map; `size`: of its values. */
static int walk(struct migration *m, int fd, uint32_t size,
		int (*call)(struct migration *m, const void *key, const uint8_t *value))
{
	uint32_t key_size = to_xdp_key_size(m->move->kind), at = 0, n;
	uint8_t *keys = malloc((size_t)BATCH * key_size);
	uint8_t *values = malloc((size_t)BATCH * size);
	int ret = keys && values ? 0 : -ENOMEM, more = 0;

	for (bool going = false; ret == 0 && more == 0; going = true) {
		n = BATCH;
		more = bpf_map_lookup_batch(fd, going ? &at : NULL, &at, keys, values, &n, NULL);
		if (more < 0 && more != -ENOENT)
			ret = more;
		for (uint32_t i = 0; ret == 0 && i < n; i++)
			ret = call(m, keys + (size_t)i * key_size, values + (size_t)i * size);
	}
	free(keys);
	free(values);
	return ret;
}

static int from_old(struct migration *m, const void *key, const uint8_t *value)
{
	struct to_bpf_entry v;

	if (m->move->same)
		memcpy(&v, value, sizeof(v));
	else
		to_xdp_layout_convert(&m->old, &m->own, value, &v);
	return move_one(m, key, &v);
}

static int note_place(struct migration *m, const void *key, const uint8_t *value)
{
	struct to_bpf_entry v;

	(void)key;
	memcpy(&v, value, sizeof(v));
	v.ring &= ~TO_BPF_MOVED;
	if (v.ring < m->places)
		m->taken[v.ring / 64] |= 1ull << v.ring % 64;
	return 0;
}

static int open_rings(struct migration *m)
{
	const struct bpf_map *ring = to_xdp_ring(m->xdp, m->move->kind);

	m->ring_fd = bpf_map__fd(ring);
	m->places = bpf_map__max_entries(ring);
	m->taken = calloc(m->places / 64 + 1, sizeof(*m->taken));
	return m->taken ? walk(m, m->new_fd, sizeof(struct to_bpf_entry), note_place) : -ENOMEM;
}

static int open_layouts(struct migration *m)
{
	struct bpf_map_info info = {0};
	uint32_t size = sizeof(info);
	int ret = bpf_obj_get_info_by_fd(m->move->from, &info, &size);

	if (ret < 0)
		return ret;
	m->old_size = info.value_size;
	if (info.value_size > MAX_VALUE || info.key_size != to_xdp_key_size(m->move->kind) ||
	    (m->move->same && info.value_size != sizeof(struct to_bpf_entry)))
		return -EPROTO;
	if (m->move->same)
		return 0;
	ret = to_xdp_layout_read(m->move->from, &m->old);
	return ret < 0 ? ret : to_xdp_layout_own(m->xdp, &m->own);
}

int to_xdp_migrate(struct to_xdp *x, struct to_xdp_move *move)
{
	struct migration m = {
		.xdp = x,
		.move = move,
		.new_fd = bpf_map__fd(to_xdp_entries(x, move->kind, move->proven)),
		.cpus = x->skel->rodata->ring_cpus,
		.renewed = calloc(1, sizeof(*m.renewed)),
	};
	int ret = m.renewed ? open_layouts(&m) : -ENOMEM;

	if (ret == 0 && !move->proven)
		ret = open_rings(&m);
	if (ret == 0)
		ret = walk(&m, move->from, m.old_size, from_old);
	if (ret == 0)
		ret = renew_changed(&m);
	free(m.taken);
	free(m.renewed);
	return ret;
}
