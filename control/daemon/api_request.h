/* SPDX-License-Identifier: BSD-3-Clause */
/* A line of the API (docs/api.md) as a request: which one, and that its members are those it has.
 */
#ifndef TURNOUT_DAEMON_API_REQUEST_H
#define TURNOUT_DAEMON_API_REQUEST_H

#include <jansson.h>
#include <stdbool.h>

#define TO_API_LINE 65536 /* bytes of a request, its newline included */
#define TO_API_TEXT 1023  /* bytes of a string in one */

/* X(NAME, "name", operators only, members: "name:type ..."; s string, b boolean, i whole number) */
#define TO_REQUESTS(X)                                                                             \
	X(STATUS, "status", false, "")                                                             \
	X(STAGES, "stages", false, "")                                                             \
	X(PREVIEW, "preview", false, "to:s ")                                                      \
	X(EDGES, "edges", false, "")                                                               \
	X(FLOWS, "flows", false,                                                                   \
	  "edge:s service:s pool:s client:s kind:s proven:b limit:i after:s ")                     \
	X(HISTORY, "history", false, "limit:i ")                                                   \
	X(COUNTERS, "counters", false, "")                                                         \
	X(SWITCH, "switch", true, "to:s to_next:b to_back:b force:b why:s ")                       \
	X(EDGE, "edge", true, "edge:s pool:s verb:s force:b release:b deadline:i why:s ")          \
	X(RELEASE, "release", true, "edge:s service:s why:s ")                                     \
	X(ACK, "ack", true, "name:s why:s ")                                                       \
	X(UNACK, "unack", true, "name:s why:s ")                                                   \
	X(RELOAD, "reload", true, "why:s ")                                                        \
	X(CAPTURE, "capture", true,                                                                \
	  "verdict:s reason:s edge:s pool:s service:s client:s port:i proto:s sample:i count:i "   \
	  "seconds:i rate:i snap:i why:s ")

#define TO_REQUEST_ENUM(c, name, operators, members) TO_REQUEST_##c,
enum to_request_type { TO_REQUESTS(TO_REQUEST_ENUM) TO_REQUEST_COUNT };

struct to_request {
	enum to_request_type type;
	bool operators;
	json_t *json; /* owned: the whole object */
	json_t *id;   /* in `json`; NULL: none */
};

/* 0: *r is one, to be freed. -EINVAL: it is none, `err` says why; `r->id` may be there, and it
 * is to be freed as well. */
int to_request_read(const char *line, size_t size, struct to_request *r, char *err,
		    size_t err_size);
void to_request_free(struct to_request *r);

/* Members; NULL, false or `otherwise` where there is none. */
const char *to_request_text(const struct to_request *r, const char *member);
bool to_request_flag(const struct to_request *r, const char *member);
json_int_t to_request_number(const struct to_request *r, const char *member, json_int_t otherwise);

#endif
