/* SPDX-License-Identifier: BSD-3-Clause */
/* From a plan, a stage and the edges' states to the table that an engine runs. */
#ifndef TURNOUT_COMPILE_H
#define TURNOUT_COMPILE_H

#include "image.h"
#include "plan.h"

struct to_compile_input {
	uint32_t stage;             /* index in the plan */
	const uint8_t *edge_states; /* enum to_edge_state of each edge; NULL: all up */
	uint64_t generation;        /* from 1 */
	uint32_t now;               /* clock seconds; 0: not known */
	/* The generation before, checked; NULL: none. A pool whose share of a client range was
	 * above 0 there and is 0 now is noted with `now`, so that `grace` can be counted. */
	const struct to_table *previous;
};

/* 0: *out is an image that to_table_check() accepts; to_image_free() it. Otherwise negative errno:
 * -EINVAL for a stage, state or generation that cannot be, -ENOMEM. */
int to_compile(const struct to_plan *plan, const struct to_compile_input *input,
	       struct to_image *out);

#endif
