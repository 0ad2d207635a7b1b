/* SPDX-License-Identifier: BSD-3-Clause */
/* What requests that change something have in common. */
#ifndef TURNOUT_DAEMON_API_CHANGE_H
#define TURNOUT_DAEMON_API_CHANGE_H

#include "api.h"

/* Can anything be changed now? False: the call is refused and freed. `any`: also with an engine
 * that does not run what it should. */
bool to_call_may_change(struct to_call *call, bool any);

/* Takes the change; the call is refused and freed when it cannot begin. */
void to_call_publish(struct to_call *call, struct to_change *change);

/* The entries of the edges (bits) are forgotten, one edge after the other; then `done`, with how
 * many they were, or -1: the engine went away or refused, and `why` says so. */
typedef void to_released(struct to_call *call, int64_t entries, const char *why);
void to_release_edges(struct to_call *call, uint64_t edges, uint8_t service, to_released *done);

#endif
