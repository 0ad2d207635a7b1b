/* SPDX-License-Identifier: BSD-3-Clause */
/* The API of docs/api.md: its socket, its clients, and who answers which request. */
#ifndef TURNOUT_DAEMON_API_H
#define TURNOUT_DAEMON_API_H

#include <jansson.h>

#include "api_request.h"
#include "peer.h"
#include "publisher.h"

struct to_api;
struct to_client;
struct to_daemon;

/* A request that waits for its answer. The client may be gone before that. */
struct to_call {
	struct to_daemon *d;
	struct to_client *client; /* NULL: gone */
	struct to_request request;
	char who[64];
	void *context;                       /* the handler's */
	void (*free_context)(void *context); /* for a change that never began; may be NULL */
	json_t **captured;                   /* where the answer goes instead, or NULL */
};

/* Each is given a call and answers it, now or later, once. */
typedef void to_handler(struct to_daemon *d, struct to_call *call);

/* The answer, without "ok" and "id", which are added; both take the object and free the call. */
void to_call_answer(struct to_call *call, json_t *answer);
/* Likewise, and passes a copy of `fd` along (SCM_RIGHTS). */
void to_call_answer_with(struct to_call *call, json_t *answer, int fd);
/* {"ok": false, "error": error, "message": ...} and what `more` has (may be NULL). */
void to_call_refuse_with(struct to_call *call, json_t *more, const char *error, const char *format,
			 ...) __attribute__((format(printf, 4, 5)));
#define to_call_refuse(call, ...) to_call_refuse_with(call, NULL, __VA_ARGS__)
/* Of a change. `more` is added to the answer of one that is live. */
void to_call_outcome(struct to_call *call, const struct to_outcome *outcome, json_t *more);

int to_api_open(struct to_daemon *d, char *err, size_t err_size);
void to_api_close(struct to_daemon *d);

/* What a viewer would be answered: for metrics. */
json_t *to_api_ask(struct to_daemon *d, const char *what);

to_handler to_api_status, to_api_stages, to_api_preview, to_api_edges, to_api_flows, to_api_history,
	to_api_counters, to_api_switch, to_api_edge, to_api_release, to_api_ack, to_api_reload,
	to_api_capture;

/* Of the plan in force; -1, and the call is refused and freed: there is none of that name. */
int to_call_stage(struct to_call *call, const char *name);
int to_call_edge(struct to_call *call, const char *name);
int to_call_service(struct to_call *call, const char *name);
int to_call_pool(struct to_call *call, const char *name);

/* api_edges.c: the entry of `edges`, which `status` has too. */
json_t *to_edges_json(const struct to_daemon *d);
/* api_stages.c: [{service, who, from, to}] */
json_t *to_changes_json(const struct to_plan *plan, int from, uint32_t to);

#endif
