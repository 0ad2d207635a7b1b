/* SPDX-License-Identifier: BSD-3-Clause */
/* When a drain should be over. Nothing is closed by itself then: somebody is told. */
#ifndef TURNOUT_DAEMON_DEADLINE_H
#define TURNOUT_DAEMON_DEADLINE_H

#include <stdbool.h>
#include <stdint.h>

struct to_daemon;

#define TO_DEADLINE_MOST 2592000 /* seconds that a drain may be given: 30 days */

/* Has the edge's drain a deadline that is past? */
bool to_is_overdue(const struct to_daemon *d, uint32_t edge);

/* Once a second: writes down, once for each deadline, that it has passed, and raises an alarm for
 * as long as the edge is not safe to stop. */
void to_deadlines_tick(struct to_daemon *d);

#endif
