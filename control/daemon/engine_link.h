/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The connection to the engine: made, and made again for ever; what comes is checked
 * (protocol_check.h) before anybody sees it. An engine that does not answer in time, or answers
 * what cannot be, loses the connection, which changes nothing of what it does with packets.
 */
#ifndef TURNOUT_DAEMON_ENGINE_LINK_H
#define TURNOUT_DAEMON_ENGINE_LINK_H

#include <turnout/protocol_check.h>

struct event_base;
struct to_link;

struct to_link_calls {
	void *context;
	/* An engine is there. The region's descriptor is closed afterwards. Negative errno: it will
	 * not do, and `lost` follows. */
	int (*welcome)(void *context, const struct to_msg_welcome *w, int region);
	/* There is none: the connection ended, or could not be made. Called once for each try. */
	void (*lost)(void *context, const char *why);
};

/* `m`: what was asked for, or REFUSED; NULL: the connection ended before it came. Of a COMMIT:
 * called for each APPLIED. `fd`: what came with it, closed afterwards; -1. */
typedef void to_link_answer(void *context, const union to_message *m, int fd);

/* `timeout`: seconds that an engine has to answer in. */
int to_link_open(struct event_base *base, const char *path, double timeout,
		 const struct to_link_calls *calls, struct to_link **out);
/* Whatever was asked is answered with NULL; `lost` is not called. */
void to_link_close(struct to_link *link);

/* Asks: `m` with its type and what belongs to it; size and number are filled in. `fd` is sent along
 * unless it is -1; it stays the caller's. Negative errno: `answer` is not called. -ENOTCONN: there
 * is no engine. */
int to_link_ask(struct to_link *link, void *m, int fd, to_link_answer *answer, void *context);

/* Ends the connection, as if the engine had. It is made again. */
void to_link_drop(struct to_link *link, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

bool to_link_is_up(const struct to_link *link);

#endif
