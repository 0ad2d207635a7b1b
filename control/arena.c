/* SPDX-License-Identifier: BSD-3-Clause */
#include "arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES (128u << 10)
#define ALIGN       16u

struct to_arena_chunk {
	struct to_arena_chunk *next;
	size_t used;
	size_t size;
	size_t reserved;
	unsigned char data[];
};
_Static_assert(sizeof(struct to_arena_chunk) % ALIGN == 0, "data is aligned");

static struct to_arena_chunk *add_chunk(struct to_arena *arena, size_t bytes)
{
	size_t size = bytes > CHUNK_BYTES ? bytes : CHUNK_BYTES;
	struct to_arena_chunk *chunk = calloc(1, sizeof(*chunk) + size);

	if (!chunk)
		return NULL;
	chunk->size = size;
	chunk->next = arena->chunks;
	arena->chunks = chunk;
	return chunk;
}

void *to_arena_alloc(struct to_arena *arena, size_t count, size_t size)
{
	struct to_arena_chunk *chunk = arena->chunks;
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes) || bytes > SIZE_MAX / 2)
		return NULL;
	bytes = (bytes + ALIGN - 1) & ~(size_t)(ALIGN - 1);
	if (!chunk || chunk->size - chunk->used < bytes)
		chunk = add_chunk(arena, bytes);
	if (!chunk)
		return NULL;
	chunk->used += bytes;
	return chunk->data + chunk->used - bytes;
}

char *to_arena_copy(struct to_arena *arena, const char *text, size_t length)
{
	char *copy = to_arena_alloc(arena, length + 1, 1);

	if (copy)
		memcpy(copy, text, length);
	return copy;
}

void to_arena_free(struct to_arena *arena)
{
	struct to_arena_chunk *chunk = arena->chunks;

	while (chunk) {
		struct to_arena_chunk *next = chunk->next;

		free(chunk);
		chunk = next;
	}
	arena->chunks = NULL;
}
