/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory that is freed all at once: a plan and the tree it was read from. */
#ifndef TURNOUT_ARENA_H
#define TURNOUT_ARENA_H

#include <stddef.h>

struct to_arena {
	struct to_arena_chunk *chunks;
};

/* Zeroed memory for `count` elements, aligned to 16 bytes; NULL when there is none. For no
 * elements there is still an address. */
void *to_arena_alloc(struct to_arena *arena, size_t count, size_t size);
char *to_arena_copy(struct to_arena *arena, const char *text, size_t length);
void to_arena_free(struct to_arena *arena);

#endif
