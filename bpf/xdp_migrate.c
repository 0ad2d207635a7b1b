/* SPDX-License-Identifier: BSD-3-Clause */
#include "xdp_migrate.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "turnout.skel.h"

#define BATCH      512
#define MAX_FIELDS 32
#define MAX_VALUE  256
#define NAME_ROOM  96
#define MAX_DEPTH  4

/* A scalar within a value. */
struct field {
	char name[NAME_ROOM]; /* "e.expires" */
	uint32_t offset;
	uint32_t size;
};

struct layout {
	struct field field[MAX_FIELDS];
	uint32_t n;
};

struct migration {
	struct to_xdp *xdp;
	struct to_xdp_move *move;
	int new_fd;
	int ring_fd;
	uint32_t old_size; /* of a value */
	struct layout old, new;
	uint64_t *taken; /* places of the rings, a bit each */
	uint32_t places;
	uint32_t cpus;
	uint32_t next; /* how many places were looked at, in the order of place_of() */
	struct to_bpf_suspects *renewed; /* keys and values for the program of that name */
	uint32_t renewals;
};

static int add_fields(const struct btf *btf, uint32_t type, const char *prefix, uint32_t base,
		      int depth, struct layout *l)
{
	const struct btf_type *t = btf__type_by_id(btf, (uint32_t)btf__resolve_type(btf, type));
	const struct btf_member *m;
	int ret = 0;

	if (!t || !btf_is_composite(t) || depth == MAX_DEPTH)
		return -EINVAL;
	m = btf_members(t);
	for (uint16_t i = 0; ret == 0 && i < btf_vlen(t); i++) {
		int id = btf__resolve_type(btf, m[i].type);
		const struct btf_type *mt = btf__type_by_id(btf, (uint32_t)id);
		char name[NAME_ROOM];

		snprintf(name, sizeof(name), "%.40s%s", prefix,
			 btf__str_by_offset(btf, m[i].name_off));
		if (mt && btf_is_composite(mt)) {
			strncat(name, ".", sizeof(name) - strlen(name) - 1);
			ret = add_fields(btf, (uint32_t)id, name, base + m[i].offset / 8, depth + 1,
					 l);
			continue;
		}
		if (l->n == MAX_FIELDS)
			return -E2BIG;
		l->field[l->n] =
			(struct field){.offset = base + m[i].offset / 8,
				       .size = (uint32_t)btf__resolve_size(btf, m[i].type)};
		memcpy(l->field[l->n++].name, name, sizeof(name));
	}
	return ret;
}

/* The fields of a map's values; any build's. */
static int read_layout(int fd, struct layout *l)
{
	struct bpf_map_info info = {0};
	uint32_t size = sizeof(info);
	struct btf *btf;
	int ret = bpf_obj_get_info_by_fd(fd, &info, &size);

	if (ret < 0)
		return ret;
	btf = btf__load_from_kernel_by_id(info.btf_id);
	if (!btf)
		return -errno;
	l->n = 0;
	ret = add_fields(btf, info.btf_value_type_id, "", 0, 0, l);
	btf__free(btf);
	return ret;
}

static int own_layout(const struct to_xdp *x, struct layout *l)
{
	const struct btf *btf = bpf_object__btf(x->skel->obj);

	l->n = 0;
	return btf ? add_fields(btf, bpf_map__btf_value_type_id(x->skel->maps.pins4), "", 0, 0, l)
		   : -ENOENT;
}

int to_xdp_shape(const struct to_xdp *x, uint64_t *shape)
{
	struct layout l;
	int ret = own_layout(x, &l);

	*shape = TO_XDP_HASH;
	for (uint32_t i = 0; ret == 0 && i < l.n; i++) {
		const struct field *f = &l.field[i];

		*shape = to_xdp_hash(*shape, f->name, strlen(f->name));
		*shape = to_xdp_hash(*shape, &f->offset, sizeof(f->offset));
		*shape = to_xdp_hash(*shape, &f->size, sizeof(f->size));
	}
	return ret;
}

static const struct field *find_field(const struct layout *l, const char *name)
{
	for (uint32_t i = 0; i < l->n; i++) {
		if (!strcmp(l->field[i].name, name))
			return &l->field[i];
	}
	return NULL;
}

/* Fields by name; what the old value does not have is zero, what is wider is extended so. */
static void convert(const struct migration *m, const uint8_t *from, struct to_bpf_entry *to)
{
	uint8_t *out = (uint8_t *)to;

	if (m->move->same) {
		memcpy(to, from, sizeof(*to));
		return;
	}
	memset(to, 0, sizeof(*to));
	for (uint32_t i = 0; i < m->new.n; i++) {
		const struct field *n = &m->new.field[i];
		const struct field *o = find_field(&m->old, n->name);

		if (o)
			memcpy(out + n->offset, from + o->offset,
			       o->size < n->size ? o->size : n->size);
	}
}

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

static int renew_all(struct migration *m)
{
	struct to_bpf_reclaim a = {.kind = m->move->kind, .n = m->renewals, .now = m->move->now};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &a, .ctx_size_in = sizeof(a));
	uint32_t zero = 0;
	int ret;

	if (!m->renewals)
		return 0;
	m->renewals = 0;
	ret = bpf_map__update_elem(m->xdp->skel->maps.suspects, &zero, sizeof(zero), m->renewed,
				   sizeof(*m->renewed), BPF_ANY);
	return ret < 0 ? ret
		       : bpf_prog_test_run_opts(bpf_program__fd(m->xdp->skel->progs.turnout_renew),
						&opts);
}

/* The new map has one already. */
static int renew(struct migration *m, const void *key, struct to_bpf_entry *v,
		 const struct to_bpf_entry *there)
{
	if (!m->move->attached) {
		v->ring = there->ring;
		return memcmp(v, there, sizeof(*v))
			       ? bpf_map_update_elem(m->new_fd, key, v, BPF_EXIST)
			       : 0;
	}
	if (!m->move->proven || v->e.expires <= there->e.expires)
		return 0;
	memcpy(&m->renewed->key[m->renewals], key, to_xdp_key_size(m->move->kind));
	m->renewed->value[m->renewals++] = *v;
	return m->renewals == TO_BPF_RECLAIM ? renew_all(m) : 0;
}

static int add(struct migration *m, const void *key, struct to_bpf_entry *v)
{
	int ret = m->move->proven ? 0 : take_place(m, &v->ring);

	if (ret == 0)
		ret = bpf_map_update_elem(m->new_fd, key, v, BPF_NOEXIST);
	if (ret == 0 && !m->move->proven)
		ret = bpf_map_update_elem(m->ring_fd, &v->ring, key, BPF_ANY);
	if (ret == -EEXIST)
		return 0; /* a packet has just made it */
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

static int move_one(struct migration *m, const void *key, struct to_bpf_entry *v)
{
	struct to_bpf_entry there;

	if (is_old(m->move, &v->e))
		return 0;
	if (m->move->now >= v->e.expires || (!m->move->proven && v->ring & TO_BPF_MOVED)) {
		if (!m->move->attached)
			bpf_map_delete_elem(m->new_fd, key); /* it has died since it was copied */
		return 0;
	}
	return bpf_map_lookup_elem(m->new_fd, key, &there) == 0 ? renew(m, key, v, &there)
								: add(m, key, v);
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

	convert(m, value, &v);
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
	ret = read_layout(m->move->from, &m->old);
	return ret < 0 ? ret : own_layout(m->xdp, &m->new);
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
		ret = renew_all(&m);
	free(m.taken);
	free(m.renewed);
	return ret;
}
