/* SPDX-License-Identifier: BSD-3-Clause */
/* Where a test wants turnoutd to die. The program that is installed has no such thing. */
#ifndef TURNOUT_DAEMON_CRASH_H
#define TURNOUT_DAEMON_CRASH_H

#ifdef TO_CRASH_POINTS
void to_crash_point(const char *where);
#else
#define to_crash_point(where) ((void)0)
#endif

#endif
