/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Next hops that are good each by itself, but not together: an edge of which one address is behind
 * another next hop than the first one, by which all go; edges in another VLAN than the outside.
 * Said on stderr once.
 */
#ifndef TURNOUT_XDP_HINTS_H
#define TURNOUT_XDP_HINTS_H

#include "xdp_nexthops.h"

/* Watches what other addresses the edges of the table have, up to TO_XDP_OTHERS. */
void to_xdp_hints_table(struct to_xdp_nexthops *n, const struct to_table *t);
/* After any next hop has changed. */
void to_xdp_hints_check(struct to_xdp_nexthops *n);

#endif
