/* SPDX-License-Identifier: BSD-3-Clause */
/* The way to a destination by the kernel's routes, up to the next hop's address. */
#ifndef TURNOUT_HOPS_PATH_H
#define TURNOUT_HOPS_PATH_H

#include "hops_links.h"
#include "hops_rtnl.h"

struct to_path {
	union to_addr next;
	uint32_t ifindex;
	uint32_t mtu; /* of the route; 0: it has none of its own */
	enum to_hop_state state;
};

/* 0, or -EINVAL for a wish that makes no sense. */
int to_path_check(const struct to_hop_wanted *w);
/* Returns 0, or a negative errno: the kernel could not be asked. */
int to_path_find(struct to_rtnl *r, const struct to_links *links, const struct to_hop_wanted *w,
		 uint64_t *lookups, struct to_path *out);
/* May a change of routes within that prefix (96 more for IPv4) have changed the path? */
bool to_path_depends(const struct to_hop_wanted *w, const union to_addr *address, uint32_t prefix);

#endif
