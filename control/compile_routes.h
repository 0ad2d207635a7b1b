/* SPDX-License-Identifier: BSD-3-Clause */
/* A stage's routes, flattened: part of the compiler. */
#ifndef TURNOUT_COMPILE_ROUTES_H
#define TURNOUT_COMPILE_ROUTES_H

#include "compile.h"

#define TO_EVERYONE UINT32_MAX /* in place of a partner */

/* A route and where its clients came from. */
struct to_flat_route {
	uint32_t partner; /* in the plan, or TO_EVERYONE */
	uint16_t share;
	uint32_t new_zero_since;
	uint32_t legacy_zero_since;
};

/* All services' intervals, service by service, IPv4 before IPv6. */
struct to_flat {
	struct to_interval *intervals;
	struct to_flat_route *routes;
	uint32_t interval_count, interval_room;
	uint32_t route_count, route_room;
	uint32_t first[TO_MAX_SERVICES][2];
	uint32_t count[TO_MAX_SERVICES][2];
};

int to_flatten(const struct to_plan *plan, const struct to_compile_input *input,
	       struct to_flat *flat);
void to_flat_free(struct to_flat *flat);

#endif
