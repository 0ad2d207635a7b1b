/* SPDX-License-Identifier: BSD-3-Clause */
/* A growing hash table for what a replay observes. Not for the hot path: it allocates. */
#ifndef TURNOUT_REPLAY_MAP_H
#define TURNOUT_REPLAY_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct to_map {
	uint8_t *slots; /* mask + 1 of: one used byte and padding, key, value */
	uint32_t key_size;
	uint32_t value_size;
	uint32_t mask;
	uint32_t used;
};

/* `key_size` and `value_size` are multiples of 8; padding in keys must be zero. */
int to_map_init(struct to_map *m, uint32_t key_size, uint32_t value_size);
void to_map_free(struct to_map *m);

/* The value, or NULL. Pointers are good until the next to_map_put. */
void *to_map_get(const struct to_map *m, const void *key);
/* The value of the key, all zero and *fresh when it is new. NULL: no memory. */
void *to_map_put(struct to_map *m, const void *key, bool *fresh);

#endif
