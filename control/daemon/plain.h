/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TURNOUT_DAEMON_PLAIN_H
#define TURNOUT_DAEMON_PLAIN_H

/* A text of another process, for people, JSON and terminals: what is not printable ASCII becomes a
 * question mark. */
static inline void to_make_plain(char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			*text = '?';
}

#endif
