/* SPDX-License-Identifier: BSD-3-Clause */
/* The plan's file again, as a transaction: refused as a whole, or live. */
#ifndef TURNOUT_DAEMON_RELOAD_H
#define TURNOUT_DAEMON_RELOAD_H

#include "publisher.h"

typedef void to_reloaded(struct to_daemon *d, void *context, const struct to_outcome *outcome);

/* `done` (may be NULL) is called once, perhaps at once. */
void to_reload(struct to_daemon *d, const char *who, const char *why, to_reloaded *done,
	       void *context);

/* Of itself: after SIGHUP, and at the start, for the file may have been edited meanwhile. As soon
 * as an engine runs what it should. `why` is kept, not copied. */
void to_reload_wanted(struct to_daemon *d, const char *why);
/* Once a second, and when it may have become possible. */
void to_reload_tick(struct to_daemon *d);

#endif
