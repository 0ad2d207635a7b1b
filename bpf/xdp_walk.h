/* SPDX-License-Identifier: BSD-3-Clause */
/* Walks through the program's entries that go on where they stopped, for engine_ops.h. */
#ifndef TURNOUT_XDP_WALK_H
#define TURNOUT_XDP_WALK_H

#include <turnout/protocol.h>

#include "xdp_object.h"

/* As to_engine_ops.walk and .release say. The cursor: a map, the kernel's own word for a bucket in
 * it, and how many entries from there on are done; a bucket that is not there is the map's end. */
int to_xdp_walk(const struct to_xdp *x, struct to_flow_cursor *at, uint32_t kinds, uint32_t most,
		uint32_t now, to_state_visit visit, void *arg);
int to_xdp_release(struct to_xdp *x, struct to_flow_cursor *at, uint32_t most, uint32_t now,
		   const struct to_release *what, uint64_t *ended);

#endif
