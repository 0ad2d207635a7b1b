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
#define NEW       "_new" /* the BPF file system takes no dots */

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

static int open_map(const struct to_xdp_adoption *a, const struct bpf_map *map, const char *suffix)
{
	char path[PATH_ROOM];

	path_of(path, a, map, suffix);
	return bpf_obj_get(path);
}

/* The map that is at work, or has to be: of a move that goes on the new one, if there is one. */
static int open_at_work(const struct to_xdp_adoption *a, const struct bpf_map *map)
{
	int fd = a->resumed ? open_map(a, map, NEW) : -ENOENT;

	return fd == -ENOENT ? open_map(a, map, "") : fd;
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
	int fd = open_at_work(a, map);

	if (fd < 0)
		return 0;
	if (bpf_obj_get_info_by_fd(fd, &info, &size) < 0)
		info.max_entries = 0;
	close(fd);
	return info.max_entries;
}

/* As large as what is pinned. Returns whether that differs from what `sizes` was. */
static bool sizes_pinned(const struct to_xdp *x, const struct to_xdp_adoption *a,
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

/* All of these maps as they are at work, or none of them: -ENOENT, -ESTALE. */
static int reuse(const struct to_xdp_adoption *a, struct bpf_map *const maps[], unsigned n)
{
	int fd[2] = {-1, -1}, ret = 0;

	for (unsigned i = 0; ret == 0 && i < n; i++) {
		fd[i] = open_at_work(a, maps[i]);
		if (fd[i] < 0)
			ret = fd[i];
		else if (!fits(maps[i], fd[i]))
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
	char path[PATH_ROOM];

	path_of(path, a, map, NEW);
	return access(path, F_OK) == 0;
}

/* Entries: those that are of another layout, or of other sizes, move. */
static int reuse_entries(struct to_xdp *x, struct to_xdp_adoption *a)
{
	bool same = a->resumed || a->about.object == a->shape;
	struct bpf_map *maps[2];

	for (int kind = 0; kind < TO_ENTRY_KIND_COUNT; kind++) {
		for (int proven = 0; proven < 2; proven++) {
			unsigned n = maps_of(x, kind, proven, maps);
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
	int fd = open_map(a, map, "");
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
	if (t && !t->magic) { /* there has been none yet */
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

static bool is_remade(const struct to_xdp_adoption *a, const struct bpf_map *map)
{
	for (unsigned i = 0; i < a->remade_count; i++) {
		if (a->remade[i] == map)
			return true;
	}
	return false;
}

/* All other maps: whichever another build has made otherwise is made anew. */
static int reuse_others(struct to_xdp *x, struct to_xdp_adoption *a, char *err, size_t err_size)
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

/* Removes what a move has left that did not get as far as an exchange. */
static void discard_new(const struct to_xdp *x, const struct to_xdp_adoption *a)
{
	struct bpf_map *maps[2];
	char path[PATH_ROOM];

	for (int kind = 0; kind < TO_ENTRY_KIND_COUNT; kind++) {
		for (int proven = 0; proven < 2; proven++) {
			unsigned n = maps_of(x, kind, proven, maps);

			for (unsigned i = 0; i < n; i++) {
				path_of(path, a, maps[i], NEW);
				unlink(path);
			}
		}
	}
}

/* Pins the maps that entries move into. */
static int pin_new(struct to_xdp *x, const struct to_xdp_adoption *a)
{
	struct bpf_map *maps[2];
	char path[PATH_ROOM];
	int ret = 0;

	for (int kind = 0; kind < TO_ENTRY_KIND_COUNT; kind++) {
		for (int proven = 0; proven < 2; proven++) {
			unsigned n = a->moves[kind][proven] ? maps_of(x, kind, proven, maps) : 0;

			for (unsigned i = 0; ret == 0 && i < n; i++) {
				path_of(path, a, maps[i], NEW);
				ret = bpf_obj_pin(bpf_map__fd(maps[i]), path);
			}
		}
	}
	return ret;
}

/* One walk through everything that moves; `all`, or only what was made since the one before. What
 * is made while its map is read may be missed by a walk, but not by the next: hence a second less.
 * -ENOSPC: something proven has found no room. */
static int move(struct to_xdp *x, struct to_xdp_adoption *a, bool attached, bool all)
{
	uint32_t begun = boottime();
	int ret = 0;

	for (int kind = 0; kind < TO_ENTRY_KIND_COUNT; kind++) {
		for (int proven = 0; ret == 0 && proven < 2; proven++) {
			struct to_xdp_move m = {.kind = kind,
						.proven = proven,
						.same = a->about.object == a->shape,
						.attached = attached,
						.now = boottime(),
						.since = all ? 0 : a->since};

			if (!a->moves[kind][proven])
				continue;
			m.from = open_map(a, to_xdp_entries(x, kind, proven), "");
			if (m.from < 0)
				continue; /* the former set had no such kind */
			ret = to_xdp_migrate(x, &m);
			close(m.from);
			a->moved += m.moved;
			a->lost += proven ? m.lost : 0;
		}
	}
	a->since = begun - 1;
	return ret == 0 && a->lost && !attached ? -ENOSPC : ret;
}

static int complain(const struct to_xdp_adoption *a, int ret, char *err, size_t err_size)
{
	if (ret == -ENOSPC)
		snprintf(err, err_size, "%s has more entries than --pins allows: %llu too many",
			 a->dir, (unsigned long long)a->lost);
	else if (ret == -EPERM && a->moving && a->about.object != a->shape)
		snprintf(err, err_size,
			 "the entries in %s are another build's; to read them takes CAP_SYS_ADMIN",
			 a->dir);
	else
		snprintf(err, err_size, "cannot take over what is pinned in %s: %s", a->dir,
			 strerror(-ret));
	return ret;
}

static int fresh(struct to_xdp *x, struct to_xdp_adoption *a, char *err, size_t err_size)
{
	int ret;

	a->about = (struct to_bpf_about){.magic = TO_BPF_MAGIC,
					 .layout = TO_BPF_LAYOUT,
					 .ring_cpus = (uint32_t)x->cpus,
					 .object = a->shape};
	to_xdp_unpin(a->dir); /* a set that is not whole */
	ret = to_xdp_directory(a->dir, err, err_size);
	if (ret == 0)
		ret = to_xdp_load(x, err, err_size);
	return ret < 0 ? ret : to_xdp_pin(x, a->dir, &a->about, err, err_size);
}

/* Writes down how far a move is. */
static int tell_about(struct to_xdp *x, struct to_xdp_adoption *a)
{
	uint32_t zero = 0;

	return bpf_map__update_elem(x->skel->maps.about, &zero, sizeof(zero), &a->about,
				    sizeof(a->about), BPF_ANY);
}

/* What maps that were made anew begin with. */
static int fill_remade(struct to_xdp *x, struct to_xdp_adoption *a, char *err, size_t err_size)
{
	int ret = to_xdp_rows_read(x);

	if (ret == 0 && is_remade(a, x->skel->maps.rows))
		ret = to_xdp_counters_clear(x); /* whose they were nobody knows any more */
	if (ret == 0 && a->running)
		ret = to_xdp_restore(x, a->running, err, err_size);
	free(a->running);
	a->running = NULL;
	if (ret == 0 && is_remade(a, x->skel->maps.about)) {
		ret = tell_about(x, a);
		if (ret == 0)
			ret = to_xdp_pin_over(x->skel->maps.about, a->dir);
	}
	return ret;
}

static int load(struct to_xdp *x, struct to_xdp_adoption *a, char *err, size_t err_size)
{
	int ret = reuse_entries(x, a);

	if (ret == 0)
		ret = reuse_others(x, a, err, err_size);
	if (ret == 0 && (is_remade(a, x->skel->maps.tables) || is_remade(a, x->skel->maps.control)))
		ret = read_running(x, a);
	bpf_program__set_autoload(x->skel->progs.turnout_renew, a->moving);
	return ret == 0 ? to_xdp_load(x, err, err_size) : ret;
}

static int take_over(struct to_xdp *x, struct to_xdp_adoption *a, char *err, size_t err_size)
{
	int ret = load(x, a, err, err_size);

	if (ret == 0)
		ret = fill_remade(x, a, err, err_size);
	if (ret == 0 && !a->resumed)
		ret = pin_new(x, a);
	if (ret == 0)
		ret = move(x, a, a->resumed, true);
	if (ret < 0 && !a->resumed)
		discard_new(x, a);
	return ret < 0 && !*err ? complain(a, ret, err, err_size) : ret;
}

/* -EPROTO: what is there cannot be read by this build. */
static int check_about(const struct to_xdp_adoption *a, char *err, size_t err_size)
{
	const struct to_bpf_about *about = &a->about;

	if (about->layout != TO_BPF_LAYOUT)
		snprintf(err, err_size,
			 "what is pinned in %s has layout %u, and this build knows %u: run the "
			 "build that made it, or detach",
			 a->dir, about->layout, TO_BPF_LAYOUT);
	else if (a->resumed && about->moving_object != a->shape)
		snprintf(err, err_size,
			 "another build has begun to move the entries in %s: run that one, so that "
			 "it can finish",
			 a->dir);
	else
		return 0;
	return -EPROTO;
}

/* The program with the sizes that it is to have. */
static int open_sized(struct to_xdp *x, struct to_xdp_adoption *a, uint32_t pins, char *err,
		      size_t err_size)
{
	struct to_xdp_sizes sizes = {0};
	bool others;
	int ret;

	sizes_wanted(&sizes, pins);
	ret = to_xdp_open(x, &sizes, false, err, err_size);
	if (ret == 0)
		ret = to_xdp_shape(x, &a->shape);
	if (ret == 0 && a->found)
		ret = check_about(a, err, err_size);
	if (ret < 0 || !a->found || (pins && !a->resumed))
		return ret;
	others = sizes_pinned(x, a, &sizes);
	a->pins_later = a->resumed && pins && others;
	to_xdp_close(x);
	return to_xdp_open(x, &sizes, false, err, err_size);
}

int to_xdp_adopt(struct to_xdp *x, struct to_xdp_adoption *a, const char *pin, uint32_t pins,
		 char *err, size_t err_size)
{
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
	ret = to_xdp_about(a->dir, &a->about);
	if (ret < 0 && ret != -ENOENT)
		return complain(a, ret, err, err_size);
	a->found = ret == 0;
	a->resumed = a->found && a->about.moving;
	ret = open_sized(x, a, pins, err, err_size);
	if (ret < 0)
		return ret;
	if (!a->found)
		return fresh(x, a, err, err_size);
	if (!a->resumed)
		discard_new(x, a);
	return take_over(x, a, err, err_size);
}

/* The rings are filled from their ends: each CPU begins with the free places. */
static int reset_heads(struct to_xdp *x, const struct to_xdp_adoption *a)
{
	const struct bpf_map *heads = x->skel->maps.heads;
	size_t size = (size_t)x->cpus * 8; /* a per-CPU value takes a multiple of 8 bytes */
	void *zero = calloc(1, size);
	int ret = zero ? 0 : -ENOMEM;

	for (uint32_t kind = 0; ret == 0 && kind < TO_ENTRY_KIND_COUNT; kind++) {
		if (a->moves[kind][false])
			ret = bpf_map__update_elem(heads, &kind, sizeof(kind), zero, size, BPF_ANY);
	}
	free(zero);
	return ret;
}

int to_xdp_adopt_begin(struct to_xdp *x, struct to_xdp_adoption *a, char *err, size_t err_size)
{
	int ret;

	if (!a->moving || a->resumed)
		return 0;
	ret = move(x, a, false, true);
	if (ret == 0)
		ret = move(x, a, false, false);
	__atomic_store_n(&x->control->moving, 1, __ATOMIC_RELEASE);
	if (ret == 0)
		ret = reset_heads(x, a);
	if (ret == 0) {
		a->about.moving = 1;
		a->about.moving_object = a->shape;
		ret = tell_about(x, a);
	}
	if (ret < 0) {
		__atomic_store_n(&x->control->moving, 0, __ATOMIC_RELEASE);
		discard_new(x, a);
		return complain(a, ret, err, err_size);
	}
	return 0;
}

static int rename_new(const struct to_xdp *x, const struct to_xdp_adoption *a)
{
	struct bpf_map *maps[2];
	int ret = 0;

	for (int kind = 0; kind < TO_ENTRY_KIND_COUNT; kind++) {
		for (int proven = 0; proven < 2; proven++) {
			unsigned n = maps_of(x, kind, proven, maps);

			for (unsigned i = 0; ret == 0 && i < n; i++) {
				char from[PATH_ROOM], to[PATH_ROOM];

				path_of(from, a, maps[i], NEW);
				path_of(to, a, maps[i], "");
				if (rename(from, to) < 0 && errno != ENOENT)
					ret = -errno;
			}
		}
	}
	return ret;
}

int to_xdp_adopt_finish(struct to_xdp *x, struct to_xdp_adoption *a, char *err, size_t err_size)
{
	int ret = 0;

	for (unsigned i = 0; ret == 0 && i < a->remade_count; i++)
		ret = to_xdp_pin_over(a->remade[i], a->dir);
	if (ret == 0 && a->moving)
		ret = to_xdp_await(x); /* the program before may still be within a packet */
	if (ret == 0)
		ret = move(x, a, true, false);
	if (ret == 0) /* nothing is on its way any more that a packet could miss */
		__atomic_store_n(&x->control->moving, 0, __ATOMIC_RELEASE);
	if (ret == 0)
		ret = move(x, a, true, true);
	if (ret == 0 && (a->moving || a->resumed)) {
		ret = rename_new(x, a);
		a->about.moving = 0;
		a->about.object = a->shape;
		if (ret == 0)
			ret = tell_about(x, a);
	}
	if (ret < 0)
		snprintf(err, err_size, "cannot finish taking over %s: %s", a->dir, strerror(-ret));
	return ret;
}

static int look(struct to_xdp *x, struct to_xdp_adoption *a, char *err, size_t err_size)
{
	int ret = open_sized(x, a, 0, err, err_size);

	if (ret == 0)
		ret = reuse_entries(x, a);
	if (ret == 0)
		ret = reuse_others(x, a, err, err_size);
	if (ret == 0 && ((a->moving && !a->resumed) || a->remade_count))
		ret = -EPROTO;
	if (ret == 0)
		ret = to_xdp_rows_read(x);
	if (ret < 0 && !*err)
		snprintf(err, err_size, "cannot read %s: %s", a->dir,
			 ret == -EPROTO ? "another build has made it" : strerror(-ret));
	return ret < 0 ? ret : to_xdp_map(x, err, err_size);
}

int to_xdp_look(struct to_xdp *x, const char *pin, char *err, size_t err_size)
{
	struct to_xdp_adoption a = {.found = true};
	int ret;

	*err = '\0';
	snprintf(a.dir, sizeof(a.dir), "%s/maps", pin);
	ret = to_xdp_about(a.dir, &a.about);
	if (ret < 0) {
		snprintf(err, err_size, "nothing is attached: %s: %s", a.dir, strerror(-ret));
		return ret;
	}
	a.resumed = a.about.moving;
	return look(x, &a, err, err_size);
}
