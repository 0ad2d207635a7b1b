/* SPDX-License-Identifier: BSD-3-Clause */
/* A word to the service manager (sd_notify(3)), where there is one: NOTIFY_SOCKET. */
#ifndef TURNOUT_DAEMON_NOTIFY_H
#define TURNOUT_DAEMON_NOTIFY_H

/* "READY=1", "WATCHDOG=1" ... */
void to_notify(const char *state);

#endif
