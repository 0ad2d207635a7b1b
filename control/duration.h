/* SPDX-License-Identifier: BSD-3-Clause */
/* Times as a person writes them: a whole number and a unit. */
#ifndef TURNOUT_DURATION_H
#define TURNOUT_DURATION_H

#include <stdbool.h>
#include <stdint.h>

/* The number that `text` begins with, at most 18 digits and no needless zero in front; what is
 * behind it, or NULL: there is none. */
const char *to_digits(const char *text, uint64_t *out);

/* Of ms, s, m, h, d; none is s. 0: it is no unit. */
uint32_t to_unit_milliseconds(const char *unit);

/* "90", "90s", "30m", "2h", "1d": at most `high` seconds. False: it is no such time. */
bool to_duration(const char *text, uint32_t high, uint32_t *seconds);

#endif
