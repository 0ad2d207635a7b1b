/* SPDX-License-Identifier: BSD-3-Clause */
/* Names and their numbers, in the order of the file; and what a wrong name may have meant. */
#ifndef TURNOUT_PLAN_NAMES_H
#define TURNOUT_PLAN_NAMES_H

#include <stddef.h>
#include <stdint.h>

#define TO_NO_NAME UINT32_MAX

struct to_name_slot {
	uint32_t hash;
	uint32_t number; /* the name's, + 1; 0: free */
};

struct to_names {
	const char **names; /* not owned: they outlive the loading */
	uint32_t count;
	uint32_t room;
	struct to_name_slot *slots; /* mask + 1, a power of two, at most half of them used */
	uint32_t mask;
};

/* The name's number, new or old (then *count stays as it was); TO_NO_NAME: no memory. */
uint32_t to_names_add(struct to_names *names, const char *name);
uint32_t to_names_find(const struct to_names *names, const char *name);
void to_names_free(struct to_names *names);

/* The candidate that `wrong` is most likely a slip of, or NULL. */
const char *to_nearest(const char *wrong, const char *const *candidates, size_t count);

#endif
