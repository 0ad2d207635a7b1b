/* SPDX-License-Identifier: BSD-3-Clause */
/* Between the files of xdp_adopt.h. Functions return 0 or a negative errno. */
#ifndef TURNOUT_XDP_ADOPT_PARTS_H
#define TURNOUT_XDP_ADOPT_PARTS_H

#include "xdp_adopt.h"

/* ── xdp_adopt_maps.c: which pinned maps serve as they are ── */

#define TO_XDP_MAP_PATH 224
#define TO_XDP_NEW      "_new" /* the BPF file system takes no dots */

void to_xdp_map_path(char path[TO_XDP_MAP_PATH], const struct to_xdp_adoption *a,
		     const struct bpf_map *map, const char *suffix);
/* A pinned map, open; `suffix`: of its name. */
int to_xdp_open_map(const struct to_xdp_adoption *a, const struct bpf_map *map, const char *suffix);
/* The maps of (kind, proven), of unproven entries their ring too. Returns how many. */
unsigned to_xdp_maps_of(const struct to_xdp *x, enum to_entry_kind kind, bool proven,
			struct bpf_map *maps[2]);
/* What --pins asks for, or the default. */
void to_xdp_sizes_wanted(struct to_xdp_sizes *sizes, uint32_t pins);
/* As large as what is pinned. Returns whether that differs from what `sizes` was. */
bool to_xdp_sizes_pinned(const struct to_xdp *x, const struct to_xdp_adoption *a,
			 struct to_xdp_sizes *sizes);
/* Counters keep the rows that there are, whatever this build would have. */
int to_xdp_keep_rows(struct to_xdp *x, const struct to_xdp_adoption *a);
/* Between open and load: entries whose maps do not serve are to move; others are made anew. */
int to_xdp_reuse_entries(struct to_xdp *x, struct to_xdp_adoption *a);
int to_xdp_reuse_others(struct to_xdp *x, struct to_xdp_adoption *a, char *err, size_t err_size);
bool to_xdp_is_remade(const struct to_xdp_adoption *a, const struct bpf_map *map);
/* Out of maps that are made anew: what must be in the new ones. -EBADMSG: it is damaged. */
int to_xdp_read_running(struct to_xdp *x, struct to_xdp_adoption *a);
/* The control that the program before reads, into a->before, where it is another one. */
int to_xdp_map_control(const struct to_xdp *x, struct to_xdp_adoption *a);

/* ── xdp_adopt_move.c: entries that move into other maps ── */

/* Removes what a move has left that did not get as far as an exchange. */
void to_xdp_discard_new(const struct to_xdp *x, const struct to_xdp_adoption *a);
/* Pins the maps that entries move into. */
int to_xdp_pin_new(struct to_xdp *x, const struct to_xdp_adoption *a);
/* Gives them the old ones' names. */
int to_xdp_rename_new(const struct to_xdp *x, const struct to_xdp_adoption *a);
/*
 * A walk through everything that moves. `attached`: packets change the new maps already. `all`, or
 * only what was made since the walk before began. -ENOSPC: something proven has found no room, and
 * it could still be refused.
 */
int to_xdp_move_entries(struct to_xdp *x, struct to_xdp_adoption *a, bool attached, bool all);
/* Tells the programs, both of them, that entries are on their way, or that all have come. */
void to_xdp_tell_moving(const struct to_xdp *x, const struct to_xdp_adoption *a, bool moving);
/* The rings are filled from their ends: each CPU begins with the free places. */
int to_xdp_reset_heads(struct to_xdp *x, const struct to_xdp_adoption *a);

#endif
