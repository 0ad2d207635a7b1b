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
	enum to_entry_kind kind;
	bool proven;
	int new_fd;
	int ring_fd;
	uint32_t since;    /* seconds; older ones were moved before */
	uint32_t old_size; /* of a value */
	bool same;         /* values are copied as they are */
	struct layout old, new;
	uint32_t *place; /* of the next unproven entry in the rings */
	uint32_t places;
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

/* The fields of a map's values. */
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

	if (m->same) {
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

/* An unproven entry takes the next place in the order of age. */
static int put_in_ring(struct migration *m, const void *key, struct to_bpf_entry *v)
{
	if (*m->place == m->places)
		return -ENOSPC;
	v->ring = (*m->place)++;
	return bpf_map_update_elem(m->ring_fd, &v->ring, key, BPF_ANY);
}

static int move_one(struct migration *m, const void *key, struct to_bpf_entry *v)
{
	struct to_bpf_entry there;
	int ret;

	if (bpf_map_lookup_elem(m->new_fd, key, &there) == 0) {
		if (there.e.expires >= v->e.expires || !m->proven)
			return 0;
		there.e.expires = v->e.expires;
		return bpf_map_update_elem(m->new_fd, key, &there, BPF_EXIST);
	}
	if (!m->proven) {
		ret = put_in_ring(m, key, v);
		if (ret == -ENOSPC)
			return 0; /* as if it had been displaced */
		if (ret < 0)
			return ret;
	}
	ret = bpf_map_update_elem(m->new_fd, key, v, BPF_NOEXIST);
	if (ret == -EEXIST)
		return 0; /* the program has just made it */
	if (ret == -E2BIG || ret == -ENOMEM)
		return m->proven ? -ENOSPC : 0;
	return ret < 0 ? ret : 1;
}

/* `mark` of these kinds is the second in which they were made, or a later one. */
static bool is_moved(const struct migration *m, const struct to_entry *e)
{
	bool marked = m->kind == TO_PIN4 || m->kind == TO_PIN6 || m->kind == TO_DIALOG ||
		      m->kind == TO_TRANSACTION;

	return m->proven && marked && e->mark < m->since;
}

/* What was proven is among the unproven ones as a mark only. */
static bool is_proven(const struct migration *m, const struct to_bpf_entry *v)
{
	return !m->proven && v->ring & TO_BPF_MOVED;
}

static int move_all(struct migration *m, int old_fd, uint32_t now, uint64_t *moved)
{
	uint32_t key_size = to_xdp_key_size(m->kind), at = 0, n;
	uint8_t *keys = malloc((size_t)BATCH * key_size);
	uint8_t *values = malloc((size_t)BATCH * m->old_size);
	bool going = false;
	int ret = keys && values ? 0 : -ENOMEM;

	while (ret == 0) {
		int more;

		n = BATCH;
		more = bpf_map_lookup_batch(old_fd, going ? &at : NULL, &at, keys, values, &n,
					    NULL);
		if (more < 0 && more != -ENOENT)
			ret = more;
		for (uint32_t i = 0; ret == 0 && i < n; i++) {
			struct to_bpf_entry v;

			convert(m, values + (size_t)i * m->old_size, &v);
			if (now >= v.e.expires || is_moved(m, &v.e) || is_proven(m, &v))
				continue;
			ret = move_one(m, keys + (size_t)i * key_size, &v);
			if (ret > 0) {
				++*moved;
				ret = 0;
			}
		}
		if (more < 0)
			break;
		going = true;
	}
	free(keys);
	free(values);
	return ret;
}

int to_xdp_migrate(struct to_xdp *x, enum to_entry_kind kind, bool proven, int old_fd, uint32_t now,
		   uint32_t since, uint32_t *place, uint64_t *moved)
{
	struct bpf_map *ring = proven ? NULL : to_xdp_ring(x, kind);
	struct migration m = {.xdp = x,
			      .kind = kind,
			      .proven = proven,
			      .since = since,
			      .new_fd = bpf_map__fd(to_xdp_entries(x, kind, proven)),
			      .ring_fd = ring ? bpf_map__fd(ring) : -1,
			      .place = place,
			      .places = ring ? bpf_map__max_entries(ring) : 0};
	struct bpf_map_info info = {0};
	uint32_t size = sizeof(info);
	int ret = bpf_obj_get_info_by_fd(old_fd, &info, &size);

	if (ret < 0)
		return ret;
	if (info.value_size > MAX_VALUE || info.key_size != to_xdp_key_size(kind))
		return -EPROTO;
	m.same = info.value_size == sizeof(struct to_bpf_entry);
	if (!m.same) {
		ret = read_layout(old_fd, &m.old);
		if (ret == 0)
			ret = read_layout(m.new_fd, &m.new);
	}
	m.old_size = info.value_size;
	return ret < 0 ? ret : move_all(&m, old_fd, now, moved);
}
