/* SPDX-License-Identifier: BSD-3-Clause */
/* What --nexthop and the table want of a next hop, as hops.h is told. The same for both engines. */
#ifndef TURNOUT_NEXTHOP_WISH_H
#define TURNOUT_NEXTHOP_WISH_H

#include <turnout/table.h>

#include "hops.h"
#include "nexthop_option.h"

/* The options as they were given. */
struct to_nexthop_options {
	const struct to_nexthop_option *option;
	unsigned n;
};

/* The option of that name: "outside" of one family, or NULL. */
const struct to_nexthop_option *to_nexthop_option_of(const struct to_nexthop_options *all,
						     const char *name, enum to_family family);
/* An edge's own, or that of all edges, or NULL. */
const struct to_nexthop_option *to_nexthop_option_of_edge(const struct to_nexthop_options *all,
							  const char *name);

/* As the kernel routes what goes to the edge. False: no frame goes there. */
bool to_nexthop_wish_edge(const struct to_table *t, uint32_t edge, struct to_hop_wanted *want);

/* What the option (or NULL) says counts more. True: it can only be by one interface, which is to be
 * filled in. */
bool to_nexthop_wish(struct to_hop_wanted *want, const struct to_nexthop_option *o);

#endif
