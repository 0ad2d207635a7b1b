/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <turnout/hash.h>

#include "replay_map.h"

#define MAP_FIRST_SLOTS 1024u
#define SLOT_HEADER     8u /* byte 0: used; the rest keeps keys and values aligned */

static size_t slot_size(const struct to_map *m)
{
	return SLOT_HEADER + m->key_size + m->value_size;
}

static uint8_t *slot_at(const struct to_map *m, uint32_t i)
{
	return m->slots + (size_t)i * slot_size(m);
}

static uint32_t hash_key(const void *key, uint32_t size)
{
	uint64_t h = size;

	for (uint32_t i = 0; i < size; i += 8) {
		uint64_t w;

		memcpy(&w, (const uint8_t *)key + i, sizeof(w));
		h = to_mix(h ^ w);
	}
	return (uint32_t)(h >> 32);
}

/* The slot of the key, or the free one where it would go. */
static uint8_t *find(const struct to_map *m, const void *key)
{
	uint32_t i = hash_key(key, m->key_size) & m->mask;

	for (;; i = (i + 1) & m->mask) {
		uint8_t *s = slot_at(m, i);

		if (!s[0] || memcmp(s + SLOT_HEADER, key, m->key_size) == 0)
			return s;
	}
}

int to_map_init(struct to_map *m, uint32_t key_size, uint32_t value_size)
{
	*m = (struct to_map){
		.key_size = key_size, .value_size = value_size, .mask = MAP_FIRST_SLOTS - 1};
	m->slots = calloc(MAP_FIRST_SLOTS, slot_size(m));
	return m->slots ? 0 : -ENOMEM;
}

void to_map_free(struct to_map *m)
{
	free(m->slots);
	m->slots = NULL;
}

static int grow(struct to_map *m)
{
	struct to_map bigger = *m;

	bigger.mask = m->mask * 2 + 1;
	bigger.slots = calloc((size_t)bigger.mask + 1, slot_size(m));
	if (!bigger.slots)
		return -ENOMEM;
	for (uint32_t i = 0; i <= m->mask; i++) {
		const uint8_t *s = slot_at(m, i);

		if (s[0])
			memcpy(find(&bigger, s + SLOT_HEADER), s, slot_size(m));
	}
	free(m->slots);
	*m = bigger;
	return 0;
}

void *to_map_get(const struct to_map *m, const void *key)
{
	uint8_t *s = find(m, key);

	return s[0] ? s + SLOT_HEADER + m->key_size : NULL;
}

void *to_map_put(struct to_map *m, const void *key, bool *fresh)
{
	uint8_t *s = find(m, key);

	*fresh = !s[0];
	if (*fresh) {
		if (m->used >= m->mask / 4 * 3) {
			if (grow(m) < 0)
				return NULL;
			s = find(m, key);
		}
		s[0] = 1;
		memcpy(s + SLOT_HEADER, key, m->key_size);
		m->used++;
	}
	return s + SLOT_HEADER + m->key_size;
}
