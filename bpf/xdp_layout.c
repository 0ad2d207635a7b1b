/* SPDX-License-Identifier: BSD-3-Clause */
#include "xdp_layout.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "turnout.skel.h"

#define MAX_DEPTH 4

static int add_fields(const struct btf *btf, uint32_t type, const char *prefix, uint32_t base,
		      int depth, struct to_xdp_layout *l)
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
		char name[TO_XDP_FIELD_NAME];

		snprintf(name, sizeof(name), "%.40s%s", prefix,
			 btf__str_by_offset(btf, m[i].name_off));
		if (mt && btf_is_composite(mt)) {
			strncat(name, ".", sizeof(name) - strlen(name) - 1);
			ret = add_fields(btf, (uint32_t)id, name, base + m[i].offset / 8, depth + 1,
					 l);
			continue;
		}
		if (l->n == TO_XDP_MAX_FIELDS)
			return -E2BIG;
		l->field[l->n] =
			(struct to_xdp_field){.offset = base + m[i].offset / 8,
					      .size = (uint32_t)btf__resolve_size(btf, m[i].type)};
		memcpy(l->field[l->n++].name, name, sizeof(name));
	}
	return ret;
}

int to_xdp_layout_read(int fd, struct to_xdp_layout *l)
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

int to_xdp_layout_own(const struct to_xdp *x, struct to_xdp_layout *l)
{
	const struct btf *btf = bpf_object__btf(x->skel->obj);

	l->n = 0;
	return btf ? add_fields(btf, bpf_map__btf_value_type_id(x->skel->maps.pins4), "", 0, 0, l)
		   : -ENOENT;
}

int to_xdp_shape(const struct to_xdp *x, uint64_t *shape)
{
	struct to_xdp_layout l;
	int ret = to_xdp_layout_own(x, &l);

	*shape = TO_XDP_HASH;
	for (uint32_t i = 0; ret == 0 && i < l.n; i++) {
		const struct to_xdp_field *f = &l.field[i];

		*shape = to_xdp_hash(*shape, f->name, strlen(f->name));
		*shape = to_xdp_hash(*shape, &f->offset, sizeof(f->offset));
		*shape = to_xdp_hash(*shape, &f->size, sizeof(f->size));
	}
	return ret;
}

static const struct to_xdp_field *find_field(const struct to_xdp_layout *l, const char *name)
{
	for (uint32_t i = 0; i < l->n; i++) {
		if (!strcmp(l->field[i].name, name))
			return &l->field[i];
	}
	return NULL;
}

void to_xdp_layout_convert(const struct to_xdp_layout *old, const struct to_xdp_layout *own,
			   const uint8_t *from, struct to_bpf_entry *to)
{
	uint8_t *out = (uint8_t *)to;

	memset(to, 0, sizeof(*to));
	for (uint32_t i = 0; i < own->n; i++) {
		const struct to_xdp_field *n = &own->field[i];
		const struct to_xdp_field *o = find_field(old, n->name);

		if (o)
			memcpy(out + n->offset, from + o->offset,
			       o->size < n->size ? o->size : n->size);
	}
}
