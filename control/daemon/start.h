/* SPDX-License-Identifier: BSD-3-Clause */
/* Everything that must be there before the loop runs, and its end. */
#ifndef TURNOUT_DAEMON_START_H
#define TURNOUT_DAEMON_START_H

struct to_daemon;

/* 0, or negative errno, which was complained of; to_daemon_close() either way. */
int to_daemon_open(struct to_daemon *d);
void to_daemon_close(struct to_daemon *d);

#endif
