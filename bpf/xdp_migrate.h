/* SPDX-License-Identifier: BSD-3-Clause */
/* Entries from one map into another that may be larger, smaller, or of another layout. */
#ifndef TURNOUT_XDP_MIGRATE_H
#define TURNOUT_XDP_MIGRATE_H

#include "xdp_object.h"

/*
 * Copies every entry that is live at `now` and that the new map of (kind, proven) does not have;
 * one that it has lives at least as long as the old one. Where values differ in layout, fields are
 * found by their names, by the BTF of the two maps (that takes CAP_SYS_ADMIN). Unproven entries
 * take the places of the ring from *place on. `since`: proven pins, dialogs and transactions that
 * were made before that second have been moved, and are left out. Adds to *moved. -ENOSPC: more
 * proven entries than the new map holds.
 */
int to_xdp_migrate(struct to_xdp *x, enum to_entry_kind kind, bool proven, int old_fd, uint32_t now,
		   uint32_t since, uint32_t *place, uint64_t *moved);

#endif
