/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A proven entry that is in two maps, for it was copied while packets still changed the old one.
 * The copy remembers what it was copied from, by a hash in a word that the program leaves alone: so
 * whichever of the two has changed since is what counts, also for a process that did not copy it.
 */
#ifndef TURNOUT_XDP_MERGE_H
#define TURNOUT_XDP_MERGE_H

#include "turnout.h"

/* What `ring` of a copy of this entry is. */
uint32_t to_xdp_copy_mark(const struct to_entry *e);

/*
 * What is to be written over `there`, the copy, because of what has become of `old`. `tcp`: it is
 * the pin of a TCP flow. Where both have changed: what has happened to either has happened. False:
 * nothing is.
 */
bool to_xdp_merge(enum to_entry_kind kind, bool tcp, uint32_t now, const struct to_entry *old,
		  const struct to_bpf_entry *there, struct to_bpf_entry *merged);

#endif
