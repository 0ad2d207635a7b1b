/* SPDX-License-Identifier: BSD-3-Clause */
/* Taking over: entries that move into maps of another size or layout. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "turnout.skel.h"
#include "xdp_adopt_parts.h"
#include "xdp_migrate.h"

/* Seconds: longer than a move takes. One that dies on the way, and that nobody finishes, does not
 * hold packets for ever. */
#define MOVE_MOST 600

static uint32_t boottime(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint32_t)ts.tv_sec;
}

void to_xdp_discard_new(const struct to_xdp *x, const struct to_xdp_adoption *a)
{
	struct bpf_map *maps[2];
	char path[TO_XDP_MAP_PATH];

	for (int kind = 0; kind < TO_ENTRY_KIND_COUNT; kind++) {
		for (int proven = 0; proven < 2; proven++) {
			unsigned n = to_xdp_maps_of(x, kind, proven, maps);

			for (unsigned i = 0; i < n; i++) {
				to_xdp_map_path(path, a, maps[i], TO_XDP_NEW);
				unlink(path);
			}
		}
	}
}

int to_xdp_pin_new(struct to_xdp *x, const struct to_xdp_adoption *a)
{
	struct bpf_map *maps[2];
	char path[TO_XDP_MAP_PATH];
	int ret = 0;

	for (int kind = 0; kind < TO_ENTRY_KIND_COUNT; kind++) {
		for (int proven = 0; proven < 2; proven++) {
			unsigned n = to_xdp_maps_of(x, kind, proven, maps);

			if (!a->moves[kind][proven])
				continue;
			for (unsigned i = 0; ret == 0 && i < n; i++) {
				to_xdp_map_path(path, a, maps[i], TO_XDP_NEW);
				ret = bpf_obj_pin(bpf_map__fd(maps[i]), path);
			}
		}
	}
	return ret;
}

int to_xdp_move_entries(struct to_xdp *x, struct to_xdp_adoption *a, bool attached, bool all)
{
	uint32_t begun = boottime();
	int ret = 0;

	a->lost = a->late = 0;
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
			m.from = to_xdp_open_map(a, to_xdp_entries(x, kind, proven), "");
			if (m.from < 0)
				continue; /* the former set had no such kind */
			ret = to_xdp_migrate(x, &m);
			close(m.from);
			a->moved += m.moved;
			a->lost += proven ? m.lost : 0;
			a->late += m.late;
		}
	}
	/* what was made while its map was read may have been missed: hence a second less */
	a->since = begun - 1;
	return ret == 0 && a->lost && !attached ? -ENOSPC : ret;
}

void to_xdp_tell_moving(const struct to_xdp *x, const struct to_xdp_adoption *a, bool moving)
{
	uint32_t until = moving ? boottime() + MOVE_MOST : 0;

	if (a->before)
		__atomic_store_n(&a->before->moving, until, __ATOMIC_RELEASE);
	__atomic_store_n(&x->control->moving, until, __ATOMIC_RELEASE);
}

int to_xdp_reset_heads(struct to_xdp *x, const struct to_xdp_adoption *a)
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

int to_xdp_rename_new(const struct to_xdp *x, const struct to_xdp_adoption *a)
{
	struct bpf_map *maps[2];
	int ret = 0;

	for (int kind = 0; kind < TO_ENTRY_KIND_COUNT; kind++) {
		for (int proven = 0; proven < 2; proven++) {
			unsigned n = to_xdp_maps_of(x, kind, proven, maps);

			for (unsigned i = 0; ret == 0 && i < n; i++) {
				char from[TO_XDP_MAP_PATH], to[TO_XDP_MAP_PATH];

				to_xdp_map_path(from, a, maps[i], TO_XDP_NEW);
				to_xdp_map_path(to, a, maps[i], "");
				if (rename(from, to) < 0 && errno != ENOENT)
					ret = -errno;
			}
		}
	}
	return ret;
}
