/* SPDX-License-Identifier: BSD-3-Clause */
#include "plan_names.h"

#include <stdlib.h>
#include <string.h>

#include <turnout/hash.h>

#define LONGEST 40 /* characters compared; names have at most 31, keys fewer */

static uint32_t hash_of(const char *name)
{
	return (uint32_t)to_mix(to_fnv(name, strlen(name)));
}

/* Texts lie anywhere: of those that come first, only one that has the same hash is looked at. */
static struct to_name_slot *slot_of(const struct to_names *names, const char *name, uint32_t hash)
{
	uint32_t at = hash & names->mask;

	for (;; at = (at + 1) & names->mask) {
		struct to_name_slot *slot = &names->slots[at];

		if (!slot->number ||
		    (slot->hash == hash && !strcmp(names->names[slot->number - 1], name)))
			return slot;
	}
}

/* All of the old ones have names of their own. */
static void move_slots(struct to_names *names, const struct to_name_slot *old, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		uint32_t at = old[i].hash & names->mask;

		while (old[i].number && names->slots[at].number)
			at = (at + 1) & names->mask;
		if (old[i].number)
			names->slots[at] = old[i];
	}
}

static int grow(struct to_names *names)
{
	uint32_t room = names->room ? names->room * 2 : 16;
	const char **list = realloc(names->names, room * sizeof(*list));
	struct to_name_slot *old = names->slots, *slots;

	if (!list)
		return -1;
	names->names = list;
	slots = calloc((size_t)room * 2, sizeof(*slots));
	if (!slots)
		return -1;
	names->slots = slots;
	names->mask = room * 2 - 1;
	move_slots(names, old, names->room * 2);
	names->room = room;
	free(old);
	return 0;
}

uint32_t to_names_add(struct to_names *names, const char *name)
{
	uint32_t hash = hash_of(name);
	struct to_name_slot *slot;

	if (names->count == names->room && grow(names))
		return TO_NO_NAME;
	slot = slot_of(names, name, hash);
	if (!slot->number) {
		names->names[names->count] = name;
		*slot = (struct to_name_slot){hash, ++names->count};
	}
	return slot->number - 1;
}

uint32_t to_names_find(const struct to_names *names, const char *name)
{
	const struct to_name_slot *slot;

	if (!names->count)
		return TO_NO_NAME;
	slot = slot_of(names, name, hash_of(name));
	return slot->number ? slot->number - 1 : TO_NO_NAME;
}

void to_names_free(struct to_names *names)
{
	free(names->names);
	free(names->slots);
	*names = (struct to_names){0};
}

static unsigned min(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* Edit distance in which a swap of neighbours is one slip (optimal string alignment). */
static unsigned distance(const char *a, unsigned la, const char *b, unsigned lb)
{
	unsigned row[3][LONGEST + 1];
	unsigned *two = row[0], *one = row[1], *now = row[2], *spare;

	for (unsigned j = 0; j <= lb; j++)
		one[j] = j;
	for (unsigned i = 1; i <= la; i++) {
		now[0] = i;
		for (unsigned j = 1; j <= lb; j++) {
			now[j] = min(min(one[j], now[j - 1]) + 1,
				     one[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				now[j] = min(now[j], two[j - 2] + 1);
		}
		spare = two;
		two = one;
		one = now;
		now = spare;
	}
	return one[lb];
}

const char *to_nearest(const char *wrong, const char *const *candidates, size_t count)
{
	size_t length = strlen(wrong);
	const char *best = NULL;
	unsigned limit, best_distance;

	if (!length || length > LONGEST)
		return NULL;
	limit = 1 + (unsigned)length / 4;
	best_distance = limit + 1;
	for (size_t i = 0; i < count; i++) {
		size_t other = strlen(candidates[i]);
		unsigned d;

		if (other > LONGEST || other > length + limit || length > other + limit)
			continue;
		d = distance(wrong, (unsigned)length, candidates[i], (unsigned)other);
		/* "up" for "ip" helps, "a" for "b" does not */
		if (d < best_distance && d < length && d < other) {
			best = candidates[i];
			best_distance = d;
		}
	}
	return best;
}
