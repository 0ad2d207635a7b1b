/* SPDX-License-Identifier: BSD-3-Clause */
/* Entries from one map into another that may be larger, smaller, or of another layout. */
#ifndef TURNOUT_XDP_MIGRATE_H
#define TURNOUT_XDP_MIGRATE_H

#include "xdp_object.h"

struct to_xdp_move {
	enum to_entry_kind kind;
	bool proven;
	bool same;     /* the old map's values are laid out as this build's */
	bool attached; /* packets change the new map already, and what they did stays */
	int from;      /* the old map */
	uint32_t now;
	uint32_t since; /* only what was made in this second or later, where that can be told */
	uint64_t moved; /* added to: entries that the new map did not have */
	uint64_t lost;  /* likewise: live ones for which it had no room */
	uint64_t late;  /* likewise: that packets changed again and again, so that what had
			 * happened to them in the old one is not told the new one */
};

/*
 * Makes the new map of (kind, proven) have every live entry of the old one as it is there. Once it
 * is attached: what it has not; and of what is proven, what has happened to it in the old one since
 * it was copied (xdp_merge.h), by the program turnout_renew. Where layouts differ, fields are found
 * by their names (xdp_layout.h). Unproven entries take free places of the rings, the ones that make
 * room last. Returns 0 or a negative errno.
 */
int to_xdp_migrate(struct to_xdp *x, struct to_xdp_move *m);

#endif
