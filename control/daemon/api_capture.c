/* SPDX-License-Identifier: BSD-3-Clause */
/* The answer to `capture`: a connection to the engine on which one was asked for, and what the
 * numbers mean that will come by it. The client reads it from there on, at no cost of ours. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "api.h"
#include "api_prefix.h"
#include "daemon.h"

#define REQUEST 2 /* its number on the new connection, behind HELLO */
#define COUNT   1000
#define SECONDS 60
#define RATE    1000

static const char *const verdicts[] = {TO_NAMES(TO_VERDICTS)};
static const char *const reasons[] = {TO_NAMES(TO_REASONS)};

/* "drop,kernel" as bits. False: one of them is none. */
static bool read_list(const char *text, const char *const *names, int count, uint64_t *bits)
{
	while (*text) {
		size_t n = strcspn(text, ",");
		int i = 0;

		while (i < count && (strlen(names[i]) != n || strncmp(names[i], text, n) != 0))
			i++;
		if (i == count)
			return false;
		*bits |= 1ull << i;
		text += n + (text[n] == ',');
	}
	return *bits;
}

/* The number of that name within its bounds, or `otherwise`. False: it is beyond them. */
static bool read_number(const struct to_request *r, const char *name, json_int_t most,
			uint32_t otherwise, uint32_t *out)
{
	json_int_t n = to_request_number(r, name, otherwise);

	*out = (uint32_t)n;
	return n >= 1 && n <= most;
}

/* What is wrong with them, or NULL. */
static const char *read_numbers(const struct to_request *r, struct to_msg_capture *ask)
{
	uint32_t port;

	if (!read_number(r, "count", UINT32_MAX, COUNT, &ask->most))
		return "count is 1 to 4294967295";
	if (!read_number(r, "seconds", TO_CAPTURE_SECONDS, SECONDS, &ask->seconds))
		return "seconds is 1 to 3600";
	if (!read_number(r, "rate", TO_CAPTURE_RATE, RATE, &ask->rate))
		return "rate is 1 to 100000";
	if (!read_number(r, "snap", TO_CAPTURE_SNAP, TO_CAPTURE_SNAP, &ask->snap))
		return "snap is 1 to 2048";
	if (!read_number(r, "sample", UINT32_MAX, 1, &ask->filter.sample))
		return "sample is 1 to 4294967295";
	if (json_object_get(r->json, "port")) {
		if (!read_number(r, "port", UINT16_MAX, 1, &port))
			return "port is 1 to 65535";
		ask->filter.port = (uint16_t)port;
	}
	return NULL;
}

static const char *read_texts(const struct to_request *r, struct to_capture_filter *f)
{
	const char *verdict = to_request_text(r, "verdict"), *reason = to_request_text(r, "reason");
	const char *proto = to_request_text(r, "proto"), *client = to_request_text(r, "client");
	uint64_t bits = 0;

	if (verdict && !read_list(verdict, verdicts, TO_VERDICT_COUNT, &bits))
		return "verdict is kernel, steer, reply, out, drop, or several with commas";
	f->verdicts = (uint32_t)bits;
	if (reason && !read_list(reason, reasons, TO_REASON_COUNT, &f->reasons))
		return "reason is one of docs/state.md, or several with commas";
	if (proto && strcmp(proto, "tcp") != 0 && strcmp(proto, "udp") != 0)
		return "proto is tcp or udp";
	if (proto)
		f->proto = *proto == 't' ? TO_TCP : TO_UDP;
	if (client && !to_prefix_read(client, &f->client, &f->prefix))
		return "client is neither an address nor a prefix";
	return NULL;
}

/* False: the call is refused. */
static bool read_names(struct to_call *call, struct to_capture_filter *f)
{
	const char *edge = to_request_text(&call->request, "edge");
	const char *pool = to_request_text(&call->request, "pool");
	const char *service = to_request_text(&call->request, "service");
	const struct to_plan *plan = call->d->plan->plan;
	int i = 0;

	if (edge && pool) {
		to_call_refuse(call, "usage", "capture: edge or pool, not both");
		return false;
	}
	if (edge) {
		i = to_call_edge(call, edge);
		f->edges = i < 0 ? 0 : 1ull << i;
	} else if (pool) {
		i = to_call_pool(call, pool);
		for (uint32_t e = 0; i >= 0 && e < plan->edges; e++)
			f->edges |= plan->edge[e].pool == i ? 1ull << e : 0;
	}
	if (i >= 0 && service) {
		i = to_call_service(call, service);
		f->services = i < 0 ? 0 : 1ull << i;
	}
	return i >= 0;
}

/* False: the call is refused. */
static bool read_request(struct to_call *call, struct to_msg_capture *ask)
{
	const char *wrong;

	*ask = (struct to_msg_capture){
		.head = {TO_MSG_CAPTURE, 0, sizeof(*ask), REQUEST},
		.filter.proto = TO_NO_INDEX,
	};
	wrong = read_numbers(&call->request, ask);
	if (!wrong)
		wrong = read_texts(&call->request, &ask->filter);
	if (!wrong)
		return read_names(call, &ask->filter);
	to_call_refuse(call, "usage", "capture: %s", wrong);
	return false;
}

/* Nothing here waits: what is sent lies there until the engine has a turn. */
static int begin(const char *path, const struct to_msg_capture *ask)
{
	const struct to_msg_hello hello = {.head = {TO_MSG_HELLO, 0, sizeof(hello), 1},
					   .magic = TO_PROTOCOL_MAGIC,
					   .version = TO_PROTOCOL_VERSION};
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd, err = 0;

	if (strlen(path) >= sizeof(to.sun_path))
		return -ENAMETOOLONG;
	memcpy(to.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0 ||
	    send(fd, &hello, sizeof(hello), MSG_NOSIGNAL) < 0 ||
	    send(fd, ask, sizeof(*ask), MSG_NOSIGNAL) < 0)
		err = -errno;
	if (!err)
		return fd;
	close(fd);
	return err;
}

/* Who looks at payloads is written down, with what was asked for. */
static int write_down(struct to_call *call)
{
	json_t *record = json_pack("{s:s}", "what", "capture");
	const char *why = to_request_text(&call->request, "why");
	int err;

	json_object_update(record, call->request.json);
	json_object_del(record, "do");
	json_object_del(record, "id");
	json_object_set_new(record, "who", json_string(call->who));
	json_object_set_new(record, "why", json_string(why ? why : ""));
	err = to_journal_add(&call->d->journal, record);
	to_daemon_watch_journal(call->d);
	return err;
}

static json_t *names_json(const struct to_daemon *d)
{
	const struct to_plan *plan = d->plan->plan;
	json_t *edges = json_array(), *services = json_array(), *ports = json_array();

	for (uint32_t i = 0; i < plan->edges; i++)
		json_array_append_new(edges, json_string(plan->edge[i].name));
	for (uint32_t i = 0; i < plan->services; i++)
		json_array_append_new(services, json_string(plan->service[i].name));
	for (uint32_t i = 0; d->view.fresh && i < d->view.copy->ports; i++)
		json_array_append_new(ports, json_string(d->view.copy->port[i].name));
	return json_pack("{s:o, s:o, s:o, s:s}", "edges", edges, "services", services, "ports",
			 ports, "build", d->welcome.build);
}

void to_api_capture(struct to_daemon *d, struct to_call *call)
{
	struct to_msg_capture ask;
	int fd, err;

	if (d->engine == TO_ENGINE_ABSENT) {
		to_call_refuse(call, "engine", "no engine is connected");
		return;
	}
	if (d->engine == TO_ENGINE_FOREIGN) {
		to_call_refuse(call, "refused",
			       "the engine runs a generation that this journal does not know: its "
			       "edges may have other names");
		return;
	}
	if (!read_request(call, &ask))
		return;
	err = write_down(call);
	if (err) {
		to_call_refuse(call, "journal", "it cannot be written down, so it is not done: %s",
			       strerror(-err));
		return;
	}
	fd = begin(d->options.engine, &ask);
	if (fd < 0) {
		to_call_refuse(call, "engine", "no connection to the engine: %s", strerror(-fd));
		return;
	}
	to_call_answer_with(call, names_json(d), fd);
	close(fd);
}
