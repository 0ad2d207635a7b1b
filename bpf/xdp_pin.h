/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What outlives the process: maps, by their names, in a directory of the BPF file system. A set of
 * maps is whole when it has `about`, which is pinned last and removed first.
 */
#ifndef TURNOUT_XDP_PIN_H
#define TURNOUT_XDP_PIN_H

#include "xdp_object.h"

/* Makes the directory and what is above it. -ENOTSUP: that is not in a BPF file system, and nothing
 * was made. */
int to_xdp_directory(const char *dir, char *err, size_t err_size);

/*
 * Locks the directory for as long as the returned descriptor is open, so that no two processes
 * change what is pinned there. `wait`: until another one is done. -EBUSY: one has it.
 */
int to_xdp_lock(const char *dir, bool wait, char *err, size_t err_size);

/* The description of the set in `dir`, of whichever build: what its has not is 0. -ENOENT: there is
 * none, or not a whole one; -EBADMSG: it is no set of ours. */
int to_xdp_about(const char *dir, struct to_bpf_about *about);

/* Has the open map the shape of this one: type, sizes, number of entries? */
bool to_xdp_fits(const struct bpf_map *map, int fd);

/* Takes all maps from the set in `dir`; between open and load. -ESTALE: one has another shape. */
int to_xdp_reuse(struct to_xdp *x, const char *dir, char *err, size_t err_size);

/* Pins all maps, after load. What was there before under their names goes. */
int to_xdp_pin(struct to_xdp *x, const char *dir, const struct to_bpf_about *about, char *err,
	       size_t err_size);

/* Pins a map in the place of what was there, in one step. */
int to_xdp_pin_over(const struct bpf_map *map, const char *dir);

bool to_xdp_is_empty(const char *dir); /* or not there */
/* Removes every file in `dir`, `last` (or NULL) after the others. */
int to_xdp_empty(const char *dir, const char *last);
/* Removes every file in `dir`, and `dir`. */
int to_xdp_unpin(const char *dir);

/* Which pair has which row of counters: reads it after to_xdp_reuse(), or begins anew. */
int to_xdp_rows_read(struct to_xdp *x);
int to_xdp_rows_clear(struct to_xdp *x);

#endif
