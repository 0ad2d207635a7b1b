/* SPDX-License-Identifier: BSD-3-Clause */
/* What turnoutd says on stderr, which the service manager keeps. */
#ifndef TURNOUT_DAEMON_LOG_H
#define TURNOUT_DAEMON_LOG_H

/* Priorities as syslog.h has them; each line begins with "<N>", which systemd understands, when
 * stderr is its journal. */
void to_log(int priority, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
