/* SPDX-License-Identifier: BSD-3-Clause */
/* Entries, from outside the program: reclaimed, counted, forgotten. */
#ifndef TURNOUT_XDP_ENTRIES_H
#define TURNOUT_XDP_ENTRIES_H

#include "xdp_object.h"

/* Where a walk through all proven entries stands. Zero: at its beginning. */
struct to_xdp_sweep {
	uint32_t kind;
	uint32_t at; /* the kernel's own word for where it goes on */
	bool going;
};

/*
 * One step: looks at about `most` proven entries and frees those that are dead. The kernel locks a
 * bucket of a few entries at a time, so that packets never wait for a step. `now`: clock seconds.
 * Returns how many were freed, or a negative errno.
 */
int to_xdp_sweep(struct to_xdp *x, struct to_xdp_sweep *s, uint32_t now, uint32_t most);

/* Forgets everything. Only while no packet is decided (replay). */
int to_xdp_entries_clear(struct to_xdp *x);

/* Is there any live entry, proven or not? 1, 0 or a negative errno. */
int to_xdp_entries_any(const struct to_xdp *x, uint32_t now);

/* Live entries of a kind, by a walk through all of them. */
int to_xdp_entries_count(const struct to_xdp *x, enum to_entry_kind kind, bool proven, uint32_t now,
			 uint64_t *n);

#endif
