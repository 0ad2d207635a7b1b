/* SPDX-License-Identifier: BSD-3-Clause */
/* What `turnout status` and `turnout watch` both say of an answer to "status". */
#ifndef TURNOUT_STATUS_H
#define TURNOUT_STATUS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "grid.h"

#define TO_PROBLEM_TEXT 256

struct to_problem {
	char name[48];
	char since[32]; /* "5 min", or empty */
	char text[TO_PROBLEM_TEXT];
};

/* What is not right: turnoutd's alarms, then what the rest of the answer shows. Returns how many
 * were written, at most `room`. */
size_t to_status_problems(const json_t *status, time_t now, struct to_problem *out, size_t room);

/* "stage access-25 is live, generation 14, for 3 h 12 min"; `out` has `size` bytes. */
const char *to_status_line(const json_t *status, time_t now, char *out, size_t size);

/* "fabrikam 100 %, litware 0 %" of a service's share; "" when there is none. */
const char *to_exceptions_words(const json_t *share, char *out, size_t size);

/* What was done, in a word; and what more a record of the journal says of it, but for when, who and
 * why: "stage access-25, generation 14". */
const char *to_record_what(const json_t *record);
const char *to_record_words(const json_t *record, char *out, size_t size);

enum to_tint to_state_tint(const char *state);

/* Tables of an answer's arrays. */
struct to_grid *to_pools_grid(const json_t *pools);
struct to_grid *to_services_grid(const json_t *services);
struct to_grid *to_edges_grid(const json_t *edges, time_t now);

#endif
