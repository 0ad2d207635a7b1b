/* SPDX-License-Identifier: BSD-3-Clause */
/* Where the state tables of a worker lie. By itself, because names of their inside are also those
 * of other parts of the engine. */
#ifndef TESTS_STATE_LINES_H
#define TESTS_STATE_LINES_H

#include "dataplane/state.h"

#define LINE 64

/* `bytes` from `at` on; `shared`: written by all workers. */
typedef void (*state_lines_visit)(void *arg, bool shared, const char *what, const void *at,
				  size_t bytes);

/* Each range that `worker` writes; shared ones with worker 0's. */
void state_lines(struct to_state *state, uint32_t worker, state_lines_visit visit, void *arg);

/* How many tables two workers have in common, of kinds that are not shared: none. */
unsigned state_lines_in_common(struct to_state *state, unsigned *shared);

static inline size_t whole_lines(size_t bytes)
{
	return (bytes + LINE - 1) / LINE * LINE;
}

#define WHOLE_LINES(type)                                                                          \
	_Static_assert(_Alignof(type) % LINE == 0 && sizeof(type) % LINE == 0, #type)

#endif
