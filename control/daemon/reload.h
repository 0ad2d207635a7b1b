/* SPDX-License-Identifier: BSD-3-Clause */
/* The plan's file again, as a transaction: refused as a whole, or live. */
#ifndef TURNOUT_DAEMON_RELOAD_H
#define TURNOUT_DAEMON_RELOAD_H

#include "publisher.h"

typedef void to_reloaded(struct to_daemon *d, void *context, const struct to_outcome *outcome);

/* `done` (may be NULL) is called once, perhaps at once. */
void to_reload(struct to_daemon *d, const char *who, const char *why, to_reloaded *done,
	       void *context);

/* For who has nobody to tell: SIGHUP, the start. */
to_reloaded to_log_reload;

/* Once after the start, when the engine runs what it should: the file may have been edited. */
void to_reload_at_start(struct to_daemon *d);

#endif
