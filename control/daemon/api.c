/* SPDX-License-Identifier: BSD-3-Clause */
#include "api.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include <turnout/descriptors.h>

#include "daemon.h"
#include "log.h"
#include "peers.h"

#define MAX_KNOWN   64 /* whose role is known */
#define RESERVED    8  /* of them, for operators */
#define MAX_NOBODY  8  /* who are told that they may nothing */
#define MAX_UNKNOWN 8  /* who wait for their names to be looked up */
#define MAX_CLIENTS (MAX_KNOWN + MAX_UNKNOWN)
#define MAX_UNREAD  1048576 /* bytes of answers: before more of them, these are read */
#define STALLED     10      /* seconds that a client may leave an answer unread */

struct to_client {
	struct to_api *api;
	struct bufferevent *io;
	struct to_peer peer;
	struct to_call *call; /* that is not answered yet: the lines behind it wait */
	bool eof;             /* it sends no more; what it has sent is answered */
	bool ending;          /* once its answer is out */
};

struct to_api {
	struct to_daemon *d;
	struct evconnlistener *listener;
	struct to_peers *peers;
	struct to_client *client[MAX_CLIENTS];
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
};

static to_handler *const handlers[TO_REQUEST_COUNT] = {
	[TO_REQUEST_STATUS] = to_api_status,     [TO_REQUEST_STAGES] = to_api_stages,
	[TO_REQUEST_PREVIEW] = to_api_preview,   [TO_REQUEST_EDGES] = to_api_edges,
	[TO_REQUEST_FLOWS] = to_api_flows,       [TO_REQUEST_HISTORY] = to_api_history,
	[TO_REQUEST_COUNTERS] = to_api_counters, [TO_REQUEST_SWITCH] = to_api_switch,
	[TO_REQUEST_EDGE] = to_api_edge,         [TO_REQUEST_RELEASE] = to_api_release,
	[TO_REQUEST_ACK] = to_api_ack,           [TO_REQUEST_UNACK] = to_api_ack,
	[TO_REQUEST_RELOAD] = to_api_reload,     [TO_REQUEST_CAPTURE] = to_api_capture,
};

static void free_client(struct to_client *c)
{
	for (int i = 0; i < MAX_CLIENTS; i++)
		if (c->api->client[i] == c)
			c->api->client[i] = NULL;
	if (c->call)
		c->call->client = NULL;
	bufferevent_free(c->io);
	free(c);
}

static void send_line(struct to_client *c, json_t *answer)
{
	char *text = json_dumps(answer, JSON_COMPACT);

	json_decref(answer);
	if (text) {
		bufferevent_write(c->io, text, strlen(text));
		bufferevent_write(c->io, "\n", 1);
	} else {
		c->ending = true; /* no memory: better no answer than half of one */
	}
	free(text);
}

void to_call_answer(struct to_call *call, json_t *answer)
{
	struct to_client *c = call->client;

	if (answer && !json_object_get(answer, "error"))
		json_object_set_new(answer, "ok", json_true());
	if (call->captured) {
		*call->captured = answer;
	} else if (c && answer) {
		if (call->request.id)
			json_object_set(answer, "id", call->request.id);
		c->call = NULL;
		send_line(c, answer);
		/* the lines behind it: not from here, which may be below read_lines() */
		bufferevent_trigger(c->io, EV_READ,
				    BEV_TRIG_IGNORE_WATERMARKS | BEV_TRIG_DEFER_CALLBACKS);
	} else {
		if (c) /* no memory for an answer */
			c->call = NULL;
		json_decref(answer);
	}
	to_request_free(&call->request);
	free(call);
}

/* Past the buffer, which knows of no descriptors; so nothing may be in it. */
static bool send_line_with(struct to_client *c, json_t *answer, int fd)
{
	struct evbuffer *out = bufferevent_get_output(c->io);
	char *text = json_dumps(answer, JSON_COMPACT);
	ssize_t sent = -ENOMEM;

	if (text && !evbuffer_get_length(out))
		sent = to_send_some_with(bufferevent_getfd(c->io), text, strlen(text), fd);
	if (sent > 0) {
		bufferevent_write(c->io, text + sent, strlen(text) - (size_t)sent);
		bufferevent_write(c->io, "\n", 1);
	}
	free(text);
	return sent > 0;
}

void to_call_answer_with(struct to_call *call, json_t *answer, int fd)
{
	struct to_client *c = call->client;

	json_object_set_new(answer, "ok", json_true());
	if (c && call->request.id)
		json_object_set(answer, "id", call->request.id);
	if (!c || !answer) { /* as it is */
		to_call_answer(call, answer);
	} else if (!send_line_with(c, answer, fd)) {
		json_decref(answer);
		to_call_refuse(call, "busy", "the answers before are not read yet");
	} else {
		json_decref(answer);
		c->call = NULL;
		bufferevent_trigger(c->io, EV_READ,
				    BEV_TRIG_IGNORE_WATERMARKS | BEV_TRIG_DEFER_CALLBACKS);
		to_request_free(&call->request);
		free(call);
	}
}

void to_call_refuse_with(struct to_call *call, json_t *more, const char *error, const char *format,
			 ...)
{
	char message[4096];
	json_t *answer;
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	answer = json_pack("{s:b, s:s, s:s}", "ok", 0, "error", error, "message", message);
	if (!answer) /* a name of an engine or a plan that is no UTF-8 */
		answer = json_pack("{s:b, s:s, s:s}", "ok", 0, "error", error, "message", "?");
	if (more)
		json_object_update(answer, more);
	json_decref(more);
	to_call_answer(call, answer);
}

void to_call_outcome(struct to_call *call, const struct to_outcome *o, json_t *more)
{
	json_t *answer;

	if (o->error) {
		json_decref(more);
		to_call_refuse(call, o->error, "%s", o->message);
		return;
	}
	answer = json_pack("{s:I, s:s?, s:I, s:I, s:s*}", "generation", (json_int_t)o->generation,
			   "stage", to_live_stage_name(call->d), "prepare_us",
			   (json_int_t)o->prepare_us, "live_us", (json_int_t)o->live_us, "message",
			   o->message);
	if (more)
		json_object_update(answer, more);
	json_decref(more);
	to_call_answer(call, answer);
}

static bool may(const struct to_client *c, const struct to_request *r)
{
	return c->peer.role == TO_PEER_OPERATOR ||
	       (c->peer.role == TO_PEER_VIEWER && !r->operators);
}

static void handle(struct to_client *c, const char *line, size_t size)
{
	struct to_call *call = calloc(1, sizeof(*call));
	char err[300];
	int ret;

	if (!call) {
		c->ending = true;
		return;
	}
	call->d = c->api->d;
	call->client = c;
	c->call = call;
	snprintf(call->who, sizeof(call->who), "%s", c->peer.name);
	ret = to_request_read(line, size, &call->request, err, sizeof(err));
	if (ret < 0)
		to_call_refuse(call, "usage", "%s", err);
	else if (!may(c, &call->request))
		to_call_refuse(call, "denied",
			       c->peer.role == TO_PEER_VIEWER ? "%s may look, not change"
							      : "%s may not even look",
			       c->peer.name);
	else
		handlers[call->request.type](c->api->d, call);
}

static void too_long(struct to_client *c)
{
	send_line(c, json_pack("{s:b, s:s, s:s}", "ok", 0, "error", "usage", "message",
			       "a request has at most 65536 bytes"));
	c->ending = true;
}

static bool may_read(const struct to_client *c)
{
	return !c->call && !c->ending && c->peer.role != TO_PEER_UNKNOWN &&
	       evbuffer_get_length(bufferevent_get_output(c->io)) < MAX_UNREAD;
}

static void read_lines(struct to_client *c)
{
	struct evbuffer *in = bufferevent_get_input(c->io);
	bool some = true;

	while (some && may_read(c)) {
		size_t size;
		char *line = evbuffer_readln(in, &size, EVBUFFER_EOL_LF);

		some = line;
		if (line && size < TO_API_LINE)
			handle(c, line, size);
		else if (line || evbuffer_get_length(in) >= TO_API_LINE)
			too_long(c);
		free(line);
	}
	if (!some && c->eof && !c->call)
		c->ending = true;
	/* A full input that nobody takes anything from would call again at once, for ever. */
	if (may_read(c))
		bufferevent_enable(c->io, EV_READ);
	else
		bufferevent_disable(c->io, EV_READ);
	if (c->ending && !evbuffer_get_length(bufferevent_get_output(c->io)))
		free_client(c);
}

static void on_read(struct bufferevent *io, void *context)
{
	(void)io;
	read_lines(context);
}

/* All was read: go on with what waited for that, or end. */
static void on_written(struct bufferevent *io, void *context)
{
	(void)io;
	read_lines(context);
}

/* The end, an error, or a reader that has stood still for too long. */
static void on_event(struct bufferevent *io, short what, void *context)
{
	struct to_client *c = context;

	(void)io;
	if (what & BEV_EVENT_EOF && !(what & BEV_EVENT_WRITING)) {
		c->eof = true;
		read_lines(c);
	} else {
		free_client(c);
	}
}

/* One more of that role. Those who may nothing, and those of whom that is not known, have places of
 * their own. */
static bool has_place(const struct to_api *api, enum to_peer_role role)
{
	unsigned n[TO_PEER_ROLES] = {0}, others;

	for (int i = 0; i < MAX_CLIENTS; i++)
		if (api->client[i])
			n[api->client[i]->peer.role]++;
	others = n[TO_PEER_NOBODY] + n[TO_PEER_VIEWER];
	if (role == TO_PEER_UNKNOWN)
		return n[TO_PEER_UNKNOWN] < MAX_UNKNOWN;
	if (role == TO_PEER_OPERATOR)
		return others + n[TO_PEER_OPERATOR] < MAX_KNOWN;
	return others < MAX_KNOWN - RESERVED && others + n[TO_PEER_OPERATOR] < MAX_KNOWN &&
	       (role == TO_PEER_VIEWER || n[TO_PEER_NOBODY] < MAX_NOBODY);
}

/* Somebody was looked up: those who wait are asked for again. */
static void on_found(void *context)
{
	struct to_api *api = context;

	for (int i = 0; i < MAX_CLIENTS; i++) {
		struct to_client *c = api->client[i];
		struct to_peer peer;

		if (!c || c->peer.role != TO_PEER_UNKNOWN)
			continue;
		peer = c->peer;
		to_peers_find(api->peers, &peer);
		if (peer.role != TO_PEER_UNKNOWN && !has_place(api, peer.role)) {
			free_client(c);
			continue;
		}
		c->peer = peer;
		read_lines(c);
	}
}

static void on_client(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *from,
		      int size, void *context)
{
	struct to_api *api = context;
	struct to_client *c;
	int i = 0;

	(void)from;
	(void)size;
	c = calloc(1, sizeof(*c));
	if (!c || to_peer_read(fd, &c->peer) < 0)
		goto no;
	to_peers_find(api->peers, &c->peer);
	if (!has_place(api, c->peer.role))
		goto no;
	while (api->client[i])
		i++;
	c->api = api;
	c->io = bufferevent_socket_new(evconnlistener_get_base(listener), fd,
				       BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
	if (!c->io)
		goto no;
	api->client[i] = c;
	bufferevent_setcb(c->io, on_read, on_written, on_event, c);
	bufferevent_setwatermark(c->io, EV_READ, 0, TO_API_LINE);
	bufferevent_set_timeouts(c->io, NULL, &(struct timeval){STALLED, 0});
	bufferevent_enable(c->io, EV_READ | EV_WRITE);
	return;
no:
	free(c);
	close(fd);
}

/* A socket that nobody listens on any more is in the way; one that somebody does is theirs. */
static int make_room(const struct sockaddr_un *at)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), err = 0;
	struct stat st;

	if (lstat(at->sun_path, &st) < 0 || !S_ISSOCK(st.st_mode))
		goto done;
	if (connect(fd, (const struct sockaddr *)at, sizeof(*at)) == 0 || errno == EAGAIN)
		err = -EADDRINUSE;
	else if (unlink(at->sun_path) < 0)
		err = -errno;
done:
	if (fd >= 0)
		close(fd);
	return err;
}

/* Without a group of viewers, only those who may do everything can open it. */
static int set_rights(const struct to_options *o)
{
	mode_t mode = o->viewers != TO_NO_GROUP ? 0666 : o->operators != TO_NO_GROUP ? 0660 : 0600;

	if (o->viewers == TO_NO_GROUP && o->operators != TO_NO_GROUP &&
	    chown(o->api, (uid_t)-1, o->operators) < 0)
		return -errno;
	return chmod(o->api, mode) < 0 ? -errno : 0;
}

static int listen_at(struct to_api *api, const struct sockaddr_un *at)
{
	mode_t before = umask(0177);

	api->listener = evconnlistener_new_bind(api->d->base, on_client, api,
						LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 128,
						(const struct sockaddr *)at, sizeof(*at));
	umask(before);
	return api->listener ? set_rights(&api->d->options) : -errno;
}

json_t *to_api_ask(struct to_daemon *d, const char *what)
{
	struct to_call *call = calloc(1, sizeof(*call));
	char line[80], err[200];
	json_t *answer = NULL;

	if (!call)
		return NULL;
	*call = (struct to_call){.d = d, .captured = &answer};
	snprintf(line, sizeof(line), "{\"do\": \"%s\"}", what);
	if (to_request_read(line, strlen(line), &call->request, err, sizeof(err)) < 0)
		to_call_refuse(call, "usage", "%s", err);
	else if (call->request.operators || call->request.type == TO_REQUEST_FLOWS)
		to_call_refuse(call, "denied", "only what a viewer may ask, and at once");
	else
		handlers[call->request.type](d, call);
	return answer;
}

int to_api_open(struct to_daemon *d, char *err, size_t err_size)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int ret = -ENAMETOOLONG;

	d->api = calloc(1, sizeof(*d->api));
	if (!d->api)
		return -ENOMEM;
	d->api->d = d;
	if (strlen(d->options.api) < sizeof(at.sun_path)) {
		memcpy(at.sun_path, d->options.api, strlen(d->options.api) + 1);
		ret = make_room(&at);
	}
	if (!ret)
		ret = to_peers_open(d->base, &d->options, on_found, d->api, &d->api->peers);
	if (!ret)
		ret = listen_at(d->api, &at);
	if (ret < 0)
		snprintf(err, err_size, "cannot listen at %s: %s", d->options.api, strerror(-ret));
	else
		memcpy(d->api->path, at.sun_path, sizeof(d->api->path));
	return ret;
}

void to_api_close(struct to_daemon *d)
{
	struct to_api *api = d->api;

	if (!api)
		return;
	for (int i = 0; i < MAX_CLIENTS; i++)
		if (api->client[i])
			free_client(api->client[i]);
	if (api->listener) {
		evconnlistener_free(api->listener);
		unlink(api->path);
	}
	to_peers_close(api->peers);
	free(api);
	d->api = NULL;
}
