/* SPDX-License-Identifier: BSD-3-Clause */
/* Taking over: which of the pinned maps serve as they are, and which are made anew. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <turnout/table_check.h>
#include <unistd.h>

#include "turnout.skel.h"
#include "xdp_adopt_parts.h"
#include "xdp_pin.h"

#define PINS (1u << 18)

void to_xdp_map_path(char path[TO_XDP_MAP_PATH], const struct to_xdp_adoption *a,
		     const struct bpf_map *map, const char *suffix)
{
	snprintf(path, TO_XDP_MAP_PATH, "%s/%s%s", a->dir, bpf_map__name(map), suffix);
}

int to_xdp_open_map(const struct to_xdp_adoption *a, const struct bpf_map *map, const char *suffix)
{
	LIBBPF_OPTS(bpf_obj_get_opts, o, .file_flags = a->looks ? BPF_F_RDONLY : 0);
	char path[TO_XDP_MAP_PATH];

	to_xdp_map_path(path, a, map, suffix);
	return bpf_obj_get_opts(path, &o);
}

/* The map that is at work, or has to be: of a move that goes on the new one, if there is one. */
static int open_at_work(const struct to_xdp_adoption *a, const struct bpf_map *map)
{
	int fd = a->resumed ? to_xdp_open_map(a, map, TO_XDP_NEW) : -ENOENT;

	return fd == -ENOENT ? to_xdp_open_map(a, map, "") : fd;
}

/* The maps of (kind, proven): of unproven entries their rings too. */
unsigned to_xdp_maps_of(const struct to_xdp *x, enum to_entry_kind kind, bool proven,
			struct bpf_map *maps[2])
{
	maps[0] = to_xdp_entries(x, kind, proven);
	maps[1] = proven ? NULL : to_xdp_ring(x, kind);
	return maps[0] ? 1 + (maps[1] != NULL) : 0;
}

static uint32_t pinned_entries(const struct to_xdp_adoption *a, const struct bpf_map *map)
{
	struct bpf_map_info info = {0};
	uint32_t size = sizeof(info);
	int fd = open_at_work(a, map);

	if (fd < 0)
		return 0;
	if (bpf_obj_get_info_by_fd(fd, &info, &size) < 0)
		info.max_entries = 0;
	close(fd);
	return info.max_entries;
}

/* As large as what is pinned. Returns whether that differs from what `sizes` was. */
bool to_xdp_sizes_pinned(const struct to_xdp *x, const struct to_xdp_adoption *a,
			 struct to_xdp_sizes *sizes)
{
	struct to_xdp_sizes before = *sizes;

	for (int kind = 0; kind < TO_ENTRY_KIND_COUNT; kind++) {
		struct bpf_map *ring = to_xdp_ring(x, kind);
		uint32_t n = pinned_entries(a, to_xdp_entries(x, kind, true));

		if (n)
			sizes->of[kind].proven = n;
		n = ring ? pinned_entries(a, ring) : 0;
		if (n)
			sizes->of[kind].unproven = n;
	}
	return memcmp(before.of, sizes->of, sizeof(before.of)) != 0;
}

void to_xdp_sizes_wanted(struct to_xdp_sizes *sizes, uint32_t pins)
{
	to_xdp_sizes_of(sizes, pins ? pins : PINS, (uint32_t)libbpf_num_possible_cpus());
}

int to_xdp_keep_rows(struct to_xdp *x, const struct to_xdp_adoption *a)
{
	uint32_t n = pinned_entries(a, x->skel->maps.counts);

	return n ? bpf_map__set_max_entries(x->skel->maps.counts, n) : 0;
}

/* All of these maps as they are at work, or none of them: -ENOENT, -ESTALE. */
static int reuse(const struct to_xdp_adoption *a, struct bpf_map *const maps[], unsigned n)
{
	int fd[2] = {-1, -1}, ret = 0;

	for (unsigned i = 0; ret == 0 && i < n; i++) {
		fd[i] = open_at_work(a, maps[i]);
		if (fd[i] < 0)
			ret = fd[i];
		else if (!to_xdp_fits(maps[i], fd[i]))
			ret = -ESTALE;
	}
	for (unsigned i = 0; ret == 0 && i < n; i++)
		ret = bpf_map__reuse_fd(maps[i], fd[i]);
	for (unsigned i = 0; i < n; i++) {
		if (fd[i] >= 0)
			close(fd[i]);
	}
	return ret;
}

static bool is_moved_aside(const struct to_xdp_adoption *a, const struct bpf_map *map)
{
	char path[TO_XDP_MAP_PATH];

	to_xdp_map_path(path, a, map, TO_XDP_NEW);
	return access(path, F_OK) == 0;
}

/* Entries: those that are of another layout, or of other sizes, move. */
int to_xdp_reuse_entries(struct to_xdp *x, struct to_xdp_adoption *a)
{
	bool same = a->resumed || a->about.object == a->shape;
	struct bpf_map *maps[2];

	for (int kind = 0; kind < TO_ENTRY_KIND_COUNT; kind++) {
		for (int proven = 0; proven < 2; proven++) {
			unsigned n = to_xdp_maps_of(x, kind, proven, maps);
			int ret = same && n ? reuse(a, maps, n) : -ESTALE;

			if (ret < 0 && (a->resumed || (ret != -ENOENT && ret != -ESTALE)) && n)
				return ret;
			a->moves[kind][proven] =
				n && (a->resumed ? is_moved_aside(a, maps[0]) : ret < 0);
			a->moving |= a->moves[kind][proven];
		}
	}
	return 0;
}

static bool is_entries(const struct to_xdp *x, const struct bpf_map *map)
{
	for (int kind = 0; kind < TO_ENTRY_KIND_COUNT; kind++) {
		if (map == to_xdp_entries(x, kind, true) || map == to_xdp_entries(x, kind, false) ||
		    map == to_xdp_ring(x, kind))
			return true;
	}
	return false;
}

static int remake(struct to_xdp_adoption *a, struct bpf_map *map)
{
	if (a->remade_count == TO_XDP_REMADE)
		return -E2BIG;
	a->remade[a->remade_count++] = map;
	return 0;
}

/* A value of a pinned map, to be freed; NULL when it cannot be read. */
static void *read_pinned(const struct to_xdp_adoption *a, const struct bpf_map *map, uint32_t key,
			 uint32_t *value_size)
{
	struct bpf_map_info info = {0};
	uint32_t size = sizeof(info);
	int fd = to_xdp_open_map(a, map, "");
	void *value = NULL;

	if (fd < 0)
		return NULL;
	if (bpf_obj_get_info_by_fd(fd, &info, &size) == 0 && key < info.max_entries)
		value = aligned_alloc(TO_TABLE_ALIGN,
				      (info.value_size + TO_TABLE_ALIGN - 1) & -TO_TABLE_ALIGN);
	if (value && bpf_map_lookup_elem(fd, &key, value) < 0) {
		free(value);
		value = NULL;
	}
	close(fd);
	*value_size = info.value_size;
	return value;
}

bool to_xdp_is_remade(const struct to_xdp_adoption *a, const struct bpf_map *map)
{
	for (unsigned i = 0; i < a->remade_count; i++) {
		if (a->remade[i] == map)
			return true;
	}
	return false;
}

/* What is at the slot. 0 also where there has been no generation yet. */
static int read_table(struct to_xdp_adoption *a, const struct bpf_map *tables, uint32_t slot)
{
	uint32_t size = 0;
	struct to_table *t = read_pinned(a, tables, slot, &size);
	const char *why;

	if (t && !t->magic) {
		free(t);
		return 0;
	}
	if (!t || t->size > size || to_table_check((uint8_t *)t, t->size, &why) < 0) {
		free(t);
		return -EBADMSG;
	}
	a->running = t;
	return 0;
}

/* `control` begins with the slot, and a slot with the table, in every build. */
int to_xdp_read_running(struct to_xdp *x, struct to_xdp_adoption *a)
{
	const struct bpf_map *control = x->skel->maps.control, *tables = x->skel->maps.tables;
	uint32_t size, *slot;

	if (!to_xdp_is_remade(a, tables) && !to_xdp_is_remade(a, control))
		return 0;
	slot = read_pinned(a, control, 0, &size);
	if (!slot)
		return -EBADMSG;
	a->slot = *slot % TO_BPF_TABLE_SLOTS;
	free(slot);
	return to_xdp_is_remade(a, tables) ? read_table(a, tables, a->slot) : 0;
}

int to_xdp_map_control(const struct to_xdp *x, struct to_xdp_adoption *a)
{
	void *p;
	int fd;

	if (!to_xdp_is_remade(a, x->skel->maps.control))
		return 0;
	fd = to_xdp_open_map(a, x->skel->maps.control, "");
	if (fd < 0)
		return fd;
	/* a page, whatever the build; for as long as the process */
	p = mmap(NULL, sizeof(*a->before), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (p == MAP_FAILED)
		return -errno;
	a->before = p;
	return 0;
}

/* All other maps: whichever another build has made otherwise is made anew. */
int to_xdp_reuse_others(struct to_xdp *x, struct to_xdp_adoption *a, char *err, size_t err_size)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, x->skel->obj)
	{
		int ret = bpf_map__is_internal(map) || is_entries(x, map) ? 0 : reuse(a, &map, 1);

		if (ret == -ENOENT || ret == -ESTALE)
			ret = remake(a, map);
		if (ret < 0) {
			snprintf(err, err_size, "cannot take over %s/%s: %s", a->dir,
				 bpf_map__name(map), strerror(-ret));
			return ret;
		}
	}
	return 0;
}
