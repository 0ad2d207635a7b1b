/* SPDX-License-Identifier: BSD-3-Clause */
#include "xdp_adopt.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <turnout/table_check.h>
#include <unistd.h>

#include "turnout.skel.h"
#include "xdp_counters.h"
#include "xdp_migrate.h"
#include "xdp_pin.h"
#include "xdp_table.h"

#define PINS      (1u << 18)
#define PATH_ROOM 224
#define ROUNDS    3
#define NEXT      "_new" /* the BPF file system takes no dots */

static uint32_t boottime(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint32_t)ts.tv_sec;
}

static void path_of(char *path, const struct to_xdp_adoption *a, const struct bpf_map *map,
		    const char *suffix)
{
	snprintf(path, PATH_ROOM, "%s/%s%s", a->dir, bpf_map__name(map), suffix);
}

/* The maps of (kind, proven): of unproven entries their rings too. */
static unsigned maps_of(const struct to_xdp *x, enum to_entry_kind kind, bool proven,
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
	char path[PATH_ROOM];
	int fd;

	path_of(path, a, map, NEXT); /* of a move that is not done */
	fd = bpf_obj_get(path);
	if (fd < 0) {
		path_of(path, a, map, "");
		fd = bpf_obj_get(path);
	}
	if (fd < 0)
		return 0;
	if (bpf_obj_get_info_by_fd(fd, &info, &size) < 0)
		info.max_entries = 0;
	close(fd);
	return info.max_entries;
}

/* As large as what is pinned. */
static void sizes_pinned(const struct to_xdp *x, const struct to_xdp_adoption *a,
			 struct to_xdp_sizes *sizes)
{
	for (int kind = 0; kind < TO_ENTRY_KIND_COUNT; kind++) {
		struct bpf_map *ring = to_xdp_ring(x, kind);
		uint32_t n = pinned_entries(a, to_xdp_entries(x, kind, true));

		if (n)
			sizes->of[kind].proven = n;
		n = ring ? pinned_entries(a, ring) : 0;
		if (n)
			sizes->of[kind].unproven = n;
	}
}

static void sizes_wanted(struct to_xdp_sizes *sizes, uint32_t pins)
{
	struct to_state_config config = {0};

	to_state_sizes(&config, 1, pins ? pins : PINS);
	memcpy(sizes->of, config.size, sizeof(sizes->of));
	sizes->cpus = (uint32_t)libbpf_num_possible_cpus();
}

static bool fits(const struct bpf_map *map, int fd)
{
	struct bpf_map_info info = {0};
	uint32_t size = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &size) == 0 && info.type == bpf_map__type(map) &&
	       info.key_size == bpf_map__key_size(map) &&
	       info.value_size == bpf_map__value_size(map) &&
	       info.max_entries == bpf_map__max_entries(map);
}

static int reuse(struct bpf_map *map, const struct to_xdp_adoption *a, const char *suffix)
{
	char path[PATH_ROOM];
	int fd, ret = -ESTALE;

	path_of(path, a, map, suffix);
	fd = bpf_obj_get(path);
	if (fd < 0)
		return fd;
	if (fits(map, fd))
		ret = bpf_map__reuse_fd(map, fd);
	close(fd);
	return ret;
}

/* All of them or none. */
static bool reuse_entries(struct bpf_map *maps[2], unsigned n, const struct to_xdp_adoption *a,
			  const char *suffix)
{
	char path[PATH_ROOM];

	for (unsigned i = 0; i < n; i++) {
		int fd;

		path_of(path, a, maps[i], suffix);
		fd = bpf_obj_get(path);
		if (fd < 0)
			return false;
		if (!fits(maps[i], fd)) {
			close(fd);
			return false;
		}
		close(fd);
	}
	for (unsigned i = 0; i < n; i++) {
		if (reuse(maps[i], a, suffix) < 0)
			return false;
	}
	return true;
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
	char path[PATH_ROOM];
	void *value = NULL;
	int fd;

	path_of(path, a, map, "");
	fd = bpf_obj_get(path);
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

/* The running generation, of maps whose shape this build does not have: `control` begins with the
 * slot, and a slot with the table, in every build. */
static int read_running(struct to_xdp *x, struct to_xdp_adoption *a)
{
	uint32_t size = 0, *slot = read_pinned(a, x->skel->maps.control, 0, &size);
	struct to_table *t = NULL;
	const char *why;

	if (slot)
		t = read_pinned(a, x->skel->maps.tables, *slot, &size);
	free(slot);
	if (!t || t->size > size || to_table_check((uint8_t *)t, t->size, &why) < 0) {
		free(t);
		return -EBADMSG;
	}
	a->running = t;
	return 0;
}

static bool is_remade(const struct to_xdp_adoption *a, const struct bpf_map *map)
{
	for (unsigned i = 0; i < a->remade_count; i++) {
		if (a->remade[i] == map)
			return true;
	}
	return false;
}

static bool is_pinned(const struct to_xdp_adoption *a, const struct bpf_map *map,
		      const char *suffix)
{
	char path[PATH_ROOM];

	path_of(path, a, map, suffix);
	return access(path, F_OK) == 0;
}

static int interrupted(const struct to_xdp_adoption *a, char *err, size_t err_size)
{
	snprintf(err, err_size,
		 "a move of the entries in %s was interrupted: run the same build without --pins "
		 "first, which finishes it",
		 a->dir);
	return -EBUSY;
}

/* Between open and load. */
static int reuse_all(struct to_xdp *x, struct to_xdp_adoption *a, char *err, size_t err_size)
{
	struct bpf_map *map, *maps[2];

	for (int kind = 0; kind < TO_ENTRY_KIND_COUNT; kind++) {
		for (int proven = 0; proven < 2; proven++) {
			unsigned n = maps_of(x, kind, proven, maps);

			/* what an interrupted move has made goes on, for the program that steers
			 * may be using it already */
			if (n && reuse_entries(maps, n, a, NEXT))
				a->moves[kind][proven] = true;
			else if (n && is_pinned(a, maps[0], NEXT))
				return interrupted(a, err, err_size);
			else if (n && !reuse_entries(maps, n, a, ""))
				a->moves[kind][proven] = true;
		}
	}
	bpf_object__for_each_map(map, x->skel->obj)
	{
		int ret;

		if (bpf_map__is_internal(map) || is_entries(x, map))
			continue;
		ret = reuse(map, a, "");
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

/* Pins the maps that entries move into. */
static int pin_new(struct to_xdp *x, struct to_xdp_adoption *a)
{
	struct bpf_map *maps[2];
	char path[PATH_ROOM];
	int ret = 0;

	for (int kind = 0; kind < TO_ENTRY_KIND_COUNT; kind++) {
		for (int proven = 0; proven < 2; proven++) {
			unsigned n = a->moves[kind][proven] ? maps_of(x, kind, proven, maps) : 0;

			for (unsigned i = 0; ret == 0 && i < n; i++) {
				path_of(path, a, maps[i], NEXT);
				unlink(path);
				ret = bpf_obj_pin(bpf_map__fd(maps[i]), path);
			}
		}
	}
	return ret;
}

/* Moves what was made since the round before. A flow that is made while its map is read may be
 * missed by a round, but not by the next: hence a second less. */
static int move(struct to_xdp *x, struct to_xdp_adoption *a)
{
	uint32_t since = a->moved_until ? a->moved_until - 1 : 0, begun = boottime();
	struct bpf_map *maps[2];
	char path[PATH_ROOM];
	int ret = 0;

	for (int kind = 0; kind < TO_ENTRY_KIND_COUNT; kind++) {
		for (int proven = 0; ret == 0 && proven < 2; proven++) {
			int fd;

			if (!a->moves[kind][proven])
				continue;
			maps_of(x, kind, proven, maps);
			path_of(path, a, maps[0], "");
			fd = bpf_obj_get(path);
			if (fd < 0)
				continue; /* the former set had no such kind */
			ret = to_xdp_migrate(x, kind, proven, fd, boottime(), since,
					     &a->place[kind], &a->moved);
			close(fd);
		}
	}
	if (ret == 0)
		a->moved_until = begun;
	return ret;
}

static struct to_bpf_about about_of(const struct to_xdp *x)
{
	return (struct to_bpf_about){
		.magic = TO_BPF_MAGIC, .layout = TO_BPF_LAYOUT, .ring_cpus = (uint32_t)x->cpus};
}

static int fresh(struct to_xdp *x, struct to_xdp_adoption *a, char *err, size_t err_size)
{
	struct to_bpf_about about = about_of(x);
	int ret;

	to_xdp_unpin(a->dir); /* a set that is not whole */
	ret = to_xdp_directory(a->dir, err, err_size);
	if (ret == 0)
		ret = to_xdp_load(x, err, err_size);
	return ret < 0 ? ret : to_xdp_pin(x, a->dir, &about, err, err_size);
}

static int take_over(struct to_xdp *x, struct to_xdp_adoption *a, char *err, size_t err_size)
{
	int ret = reuse_all(x, a, err, err_size);

	if (ret == 0 && (is_remade(a, x->skel->maps.tables) || is_remade(a, x->skel->maps.control)))
		ret = read_running(x, a);
	if (ret == 0)
		ret = to_xdp_load(x, err, err_size);
	if (ret == 0)
		ret = to_xdp_rows_read(x);
	if (ret == 0 && is_remade(a, x->skel->maps.rows))
		ret = to_xdp_counters_clear(x); /* whose they were nobody knows any more */
	if (ret == 0 && a->running) {
		ret = to_xdp_restore(x, a->running, err, err_size);
		free(a->running);
		a->running = NULL;
	}
	if (ret == 0)
		ret = pin_new(x, a);
	/* each round has only what was made during the one before to do */
	for (int round = 0; ret == 0 && round < ROUNDS; round++)
		ret = move(x, a);
	if (ret < 0 && !*err)
		snprintf(err, err_size, "cannot take over what is pinned in %s: %s", a->dir,
			 ret == -ENOSPC ? "it has more entries than --pins allows"
					: strerror(-ret));
	return ret;
}

int to_xdp_adopt(struct to_xdp *x, struct to_xdp_adoption *a, const char *pin, uint32_t pins,
		 char *err, size_t err_size)
{
	struct to_xdp_sizes sizes = {0};
	struct to_bpf_about about;
	int ret;

	*a = (struct to_xdp_adoption){0};
	*err = '\0';
	snprintf(a->dir, sizeof(a->dir), "%s/maps", pin);
	ret = to_xdp_directory(pin, err, err_size);
	if (ret == 0)
		ret = to_xdp_lock(pin, false, err, err_size);
	if (ret < 0)
		return ret;
	a->lock = ret;
	ret = to_xdp_about(a->dir, &about);
	a->found = ret == 0;
	if (ret < 0 && ret != -ENOENT) {
		snprintf(err, err_size, "cannot read what is pinned in %s: %s", a->dir,
			 strerror(-ret));
		return ret;
	}
	if (a->found && about.layout != TO_BPF_LAYOUT) {
		snprintf(err, err_size,
			 "what is pinned in %s has layout %u, and this build knows %u: run the "
			 "build that made it, or detach",
			 a->dir, about.layout, (unsigned)TO_BPF_LAYOUT);
		return -EPROTO;
	}
	sizes_wanted(&sizes, pins);
	ret = to_xdp_open(x, &sizes, false, err, err_size);
	if (ret == 0 && a->found && !pins) {
		sizes_pinned(x, a, &sizes);
		to_xdp_close(x);
		ret = to_xdp_open(x, &sizes, false, err, err_size);
	}
	if (ret < 0)
		return ret;
	return a->found ? take_over(x, a, err, err_size) : fresh(x, a, err, err_size);
}

int to_xdp_adopt_finish(struct to_xdp *x, struct to_xdp_adoption *a, char *err, size_t err_size)
{
	struct to_bpf_about about = about_of(x);
	struct bpf_map *maps[2];
	uint32_t zero = 0;
	int ret = a->found ? move(x, a) : 0;

	for (int kind = 0; kind < TO_ENTRY_KIND_COUNT; kind++) {
		for (int proven = 0; proven < 2; proven++) {
			unsigned n = a->moves[kind][proven] ? maps_of(x, kind, proven, maps) : 0;

			/* the entries first: should their ring not follow, they move again */
			for (unsigned i = 0; ret == 0 && i < n; i++) {
				char from[PATH_ROOM], to[PATH_ROOM];

				path_of(from, a, maps[i], NEXT);
				path_of(to, a, maps[i], "");
				if (rename(from, to) < 0)
					ret = -errno;
			}
		}
	}
	if (ret == 0 && a->found)
		ret = bpf_map__update_elem(x->skel->maps.about, &zero, sizeof(zero), &about,
					   sizeof(about), BPF_ANY);
	for (unsigned i = 0; ret == 0 && i < a->remade_count; i++) {
		char path[PATH_ROOM];

		path_of(path, a, a->remade[i], "");
		if (unlink(path) < 0 && errno != ENOENT)
			ret = -errno;
		else
			ret = bpf_obj_pin(bpf_map__fd(a->remade[i]), path);
	}
	if (ret < 0)
		snprintf(err, err_size, "cannot finish taking over %s: %s", a->dir, strerror(-ret));
	return ret;
}

int to_xdp_look(struct to_xdp *x, const char *pin, char *err, size_t err_size)
{
	struct to_xdp_adoption a = {.found = true};
	struct to_xdp_sizes sizes = {0};
	struct to_bpf_about about;
	int ret;

	snprintf(a.dir, sizeof(a.dir), "%s/maps", pin);
	ret = to_xdp_about(a.dir, &about);
	if (ret < 0) {
		snprintf(err, err_size, "nothing is attached: %s: %s", a.dir, strerror(-ret));
		return ret;
	}
	sizes_wanted(&sizes, 0);
	ret = to_xdp_open(x, &sizes, false, err, err_size);
	if (ret < 0)
		return ret;
	sizes_pinned(x, &a, &sizes);
	to_xdp_close(x);
	ret = to_xdp_open(x, &sizes, false, err, err_size);
	if (ret == 0)
		ret = to_xdp_reuse(x, a.dir, err, err_size);
	if (ret == 0)
		ret = to_xdp_rows_read(x);
	return ret < 0 ? ret : to_xdp_map(x, err, err_size);
}
