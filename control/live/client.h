/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A client of turnoutd: docs/api.md. One request, one answer, each a line of JSON, each within its
 * time. Not for more than one thread.
 */
#ifndef TURNOUT_CLIENT_H
#define TURNOUT_CLIENT_H

#include <jansson.h>
#include <stdbool.h>

#define TO_CLIENT_SOCKET      "/run/turnout/turnoutd.sock"
#define TO_CLIENT_MAX_REQUEST 65536u          /* bytes, with the newline */
#define TO_CLIENT_MAX_ANSWER  (8u * 1048576u) /* a listing of everything is long */

struct to_client {
	int fd;           /* -1: closed */
	int passed;       /* -1, or a descriptor that came along with an answer */
	const char *path; /* of the socket; the caller's */
	char why[512];    /* the last failure, for a person */
};

/* `path` NULL: TURNOUT_SOCKET of the environment, or else TO_CLIENT_SOCKET. Returns 0 or a negative
 * errno, and then `why` says what to do. */
int to_client_open(struct to_client *c, const char *path);
void to_client_close(struct to_client *c);

/*
 * Sends `request` (taken, also on an error) and waits at most `ms` for its answer: an object with
 * the boolean `ok`, which is false where turnoutd says no. Returns 0 or a negative errno: then
 * there is no answer, `why` says what happened, and the connection is closed, because what comes
 * later would be taken for the answer of another request.
 */
int to_client_ask(struct to_client *c, json_t *request, unsigned ms, json_t **answer);

/* The descriptor that came with the last answer, from now on the caller's; -1: none. */
int to_client_passed(struct to_client *c);

/* Whether the answer says yes. */
bool to_client_ok(const json_t *answer);

/* Control characters in every string become '?', for the texts of others are about to be printed;
 * a newline becomes a space, or stays where there are to be `lines`. */
void to_client_clean(json_t *answer, bool lines);

#endif
