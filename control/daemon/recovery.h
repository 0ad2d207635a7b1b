/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An engine has come: which generation does it run, and which should it? docs/operations.md,
 * 'Recovery', has the rules. The same code runs at a start and whenever a connection was lost, for
 * what a crash leaves and what a lost connection leaves are the same questions.
 */
#ifndef TURNOUT_DAEMON_RECOVERY_H
#define TURNOUT_DAEMON_RECOVERY_H

struct to_daemon;

/* The engine was welcomed. */
void to_recovery_begin(struct to_daemon *d);

/* Once a second: does the engine run a later generation than turnoutd has published? Somebody else
 * has committed one; it is met as it would be by a new connection. */
void to_recovery_watch(struct to_daemon *d);

/* Once a second: what could not be put right is tried again. */
void to_recovery_tick(struct to_daemon *d);

#endif
