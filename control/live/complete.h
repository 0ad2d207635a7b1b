/* SPDX-License-Identifier: BSD-3-Clause */
/* Names that a command line may go on with. */
#ifndef TURNOUT_COMPLETE_H
#define TURNOUT_COMPLETE_H

#include <stddef.h>

/*
 * Prints those that begin with `prefix` of what `kind` stands for: STAGE, EDGE, POOL, SERVICE, ACK,
 * or several with a `|`; a word in small letters stands for itself. Names are those of the plan at
 * `plan`, or, when that is NULL, of the turnoutd at `socket` (NULL: the usual one), or of the
 * plan in its usual place.
 */
void to_complete_names(const char *kind, const char *prefix, const char *plan, const char *socket);

#endif
