/* SPDX-License-Identifier: BSD-3-Clause */
/* What a peer asks for, one request at a time. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <turnout/table_read.h>
#include <unistd.h>

#include "engine_connection.h"
#include "engine_flows.h"
#include "engine_memfd.h"
#include "table_load.h"

#define TELL_NS       1000000000u /* how often a peer is told that its generation is not live yet */
#define SOON_NS       200000u     /* it usually is after some microseconds */
#define LOOK_NS       1000000u    /* and if it is not by then, it is looked after so often */
#define RELEASE_WALKS 4
#define RELEASE_NS    20000000u /* between two of them: longer than a worker's clock is late */

static uint32_t seconds(uint64_t ns)
{
	return (uint32_t)(ns / 1000000000u);
}

/* An answer of `size` bytes, all zero but for its head. */
static union to_message *answer(struct to_engine_server *s, uint16_t type, uint64_t request,
				size_t size)
{
	union to_message *m = s->out;

	memset(m, 0, size);
	m->head =
		(struct to_message_head){.type = type, .size = (uint32_t)size, .request = request};
	return m;
}

/* Who does not read the answers does not get any more. */
static void reply(struct to_engine_server *s, struct to_connection *c, int fd)
{
	if (to_engine_send(c->fd, s->out, fd) < 0)
		c->lost = true;
}

static void reply_head(struct to_engine_server *s, struct to_connection *c, uint16_t type,
		       uint64_t request)
{
	answer(s, type, request, sizeof(struct to_message_head));
	reply(s, c, -1);
}

__attribute__((format(printf, 5, 6))) static void refuse(struct to_engine_server *s,
							 struct to_connection *c, uint64_t request,
							 int error, const char *format, ...)
{
	union to_message *m = answer(s, TO_MSG_REFUSED, request, sizeof(m->refused));
	va_list args;

	m->refused.error = -error;
	va_start(args, format);
	vsnprintf(m->refused.reason, sizeof(m->refused.reason), format, args);
	va_end(args);
	reply(s, c, -1);
}

static void say_hello(struct to_engine_server *s, struct to_connection *c)
{
	const struct to_table *t = s->engine.ops->running(s->engine.arg);
	const struct to_msg_hello *hello = &s->in->hello;
	union to_message *m;

	if (hello->version != TO_PROTOCOL_VERSION) {
		refuse(s, c, hello->head.request, -EPROTO,
		       "the engine speaks version %d of the protocol, not %u", TO_PROTOCOL_VERSION,
		       hello->version);
		return;
	}
	m = answer(s, TO_MSG_WELCOME, hello->head.request, sizeof(m->welcome));
	m->welcome.magic = TO_PROTOCOL_MAGIC;
	m->welcome.version = TO_PROTOCOL_VERSION;
	m->welcome.engine = s->engine.kind;
	m->welcome.pid = (uint32_t)getpid();
	m->welcome.workers = s->engine.workers;
	m->welcome.generation = t ? t->generation : 0;
	m->welcome.checksum = t ? t->checksum : 0;
	snprintf(m->welcome.stage, sizeof(m->welcome.stage), "%s",
		 t ? to_table_string(t, t->stage_name) : "");
	snprintf(m->welcome.build, sizeof(m->welcome.build), "%s", s->engine.build);
	c->welcome = true;
	reply(s, c, s->region.fd);
}

static void send_table(struct to_engine_server *s, struct to_connection *c, uint64_t request)
{
	const struct to_table *t = s->engine.ops->running(s->engine.arg);
	int fd = t ? to_memfd_of_table(t) : -ENOENT;

	if (fd < 0) {
		refuse(s, c, request, fd, "%s", t ? strerror(-fd) : "there is no generation yet");
		return;
	}
	answer(s, TO_MSG_TABLE, request, sizeof(struct to_message_head));
	reply(s, c, fd);
	close(fd);
}

/* A checked copy of the image that can be committed now. */
static int load(struct to_engine_server *s, int fd, struct to_table **t, char *err, size_t err_size)
{
	const struct to_engine *e = &s->engine;
	const struct to_table *running = e->ops->running(e->arg);
	int ret = to_memfd_is_sealed(fd, err, err_size);

	if (ret < 0)
		return ret;
	ret = to_table_load_fd(fd, t, err, err_size);
	if (ret < 0)
		return ret == -ENOMEM ? ret : -EINVAL;
	if (running)
		ret = to_table_can_follow(running, *t, err, err_size);
	if (ret == 0 && e->ops->admits)
		ret = e->ops->admits(e->arg, *t, err, err_size);
	if (ret < 0)
		free(*t);
	return ret;
}

static void prepare(struct to_engine_server *s, struct to_connection *c, uint64_t request, int fd)
{
	uint64_t began = to_engine_now_ns();
	char err[TO_PROTOCOL_TEXT] = "";
	union to_message *m;
	struct to_table *t;
	int ret = load(s, fd, &t, err, sizeof(err));

	if (ret < 0) {
		refuse(s, c, request, ret, "%s", err);
		return;
	}
	free(c->prepared);
	c->prepared = t;
	m = answer(s, TO_MSG_PREPARED, request, sizeof(m->prepared));
	m->prepared.generation = t->generation;
	m->prepared.took_ns = to_engine_now_ns() - began;
	reply(s, c, -1);
}

static void discard(struct to_engine_server *s, struct to_connection *c, uint64_t request)
{
	if (!c->prepared) {
		refuse(s, c, request, -ENOENT, "nothing is prepared");
		return;
	}
	free(c->prepared);
	c->prepared = NULL;
	reply_head(s, c, TO_MSG_DISCARD, request);
}

/* Is the generation that this connection has committed live, or followed by one already? */
static bool is_applied(const struct to_engine_server *s, const struct to_commit_wait *w,
		       uint64_t worker[TO_PROTOCOL_WORKERS])
{
	const struct to_table *t = s->engine.ops->running(s->engine.arg);
	bool live = s->engine.ops->applied(s->engine.arg, worker);

	return live || (t && t->generation > w->generation);
}

static void tell_applied(struct to_engine_server *s, struct to_connection *c, uint64_t now_ns)
{
	struct to_commit_wait *w = &c->commit;
	uint64_t worker[TO_PROTOCOL_WORKERS] = {0};
	bool live = is_applied(s, w, worker);
	union to_message *m;

	if (!live && now_ns < w->told_ns + TELL_NS)
		return;
	w->told_ns = now_ns;
	m = answer(s, TO_MSG_APPLIED, w->request, sizeof(m->applied));
	m->applied.generation = w->generation;
	m->applied.took_ns = to_engine_now_ns() - w->began_ns;
	m->applied.live = live;
	m->applied.workers = s->engine.workers;
	memcpy(m->applied.worker, worker, s->engine.workers * sizeof(worker[0]));
	if (live) {
		*w = (struct to_commit_wait){0};
		if (s->engine.ops->keep)
			s->engine.ops->keep(s->engine.arg);
		to_engine_renew(s);
	}
	reply(s, c, -1);
}

/* Whoever waits for the running generation is told before another one takes its place. */
static void tell_all(struct to_engine_server *s)
{
	for (unsigned i = 0; i < TO_CONNECTIONS; i++) {
		struct to_connection *c = &s->connection[i];

		if (c->fd >= 0 && !c->lost && c->commit.request)
			tell_applied(s, c, to_engine_now_ns());
	}
}

static void commit(struct to_engine_server *s, struct to_connection *c,
		   const struct to_msg_generation *ask)
{
	const struct to_engine *e = &s->engine;
	const struct to_table *running = e->ops->running(e->arg);
	struct to_table *t = c->prepared;
	uint64_t request = ask->head.request, generation = ask->generation, began;
	char err[TO_PROTOCOL_TEXT] = "";
	int ret = 0;

	if (!t || t->generation != generation) {
		refuse(s, c, request, t ? -ESTALE : -ENOENT,
		       t ? "another generation is prepared" : "nothing is prepared");
		return;
	}
	if (c->commit.request) {
		refuse(s, c, request, -EBUSY, "generation %llu is not live yet",
		       (unsigned long long)c->commit.generation);
		return;
	}
	tell_all(s);
	if (running) /* another one may have been committed meanwhile */
		ret = to_table_can_follow(running, t, err, sizeof(err));
	began = to_engine_now_ns();
	if (ret == 0)
		ret = e->ops->commit(e->arg, t, err, sizeof(err));
	if (ret < 0) {
		refuse(s, c, request, ret, "%s", err);
		return;
	}
	c->prepared = NULL;
	c->commit = (struct to_commit_wait){
		.request = request, .generation = generation, .began_ns = began, .told_ns = began};
	to_engine_server_committed(s);
}

static void flows(struct to_engine_server *s, struct to_connection *c,
		  const struct to_msg_flows *ask)
{
	union to_message *m = answer(s, TO_MSG_FLOW_PAGE, ask->head.request, sizeof(m->page));
	int ret = to_engine_flows(&s->engine, ask, seconds(to_engine_now_ns()), &m->page);

	if (ret < 0)
		refuse(s, c, ask->head.request, ret, "entries cannot be read: %s", strerror(-ret));
	else
		reply(s, c, -1);
}

static void wait_for_census(struct to_engine_server *s, struct to_connection *c, uint64_t request)
{
	c->census = (struct to_census_wait){.request = request, .serial = s->census->serial + 1};
	c->paused = true;
}

void to_engine_census_done(struct to_engine_server *s, int error)
{
	for (unsigned i = 0; i < TO_CONNECTIONS; i++) {
		struct to_connection *c = &s->connection[i];
		uint64_t request = c->census.request;

		if (c->fd < 0 || !request || c->census.serial > s->census->serial)
			continue;
		c->census.request = 0;
		c->paused = false;
		if (error)
			refuse(s, c, request, error, "entries cannot be read: %s",
			       strerror(-error));
		else
			reply_head(s, c, TO_MSG_CENSUS, request);
	}
}

static void release(struct to_engine_server *s, struct to_connection *c,
		    const struct to_msg_release *ask)
{
	const struct to_table *t = s->engine.ops->running(s->engine.arg);
	struct to_release what = {.edge = ask->edge, .service = ask->service, .group = TO_NO_INDEX};

	if (!t || ask->edge >= to_table_edge_count(t) ||
	    (ask->service != TO_NO_INDEX && ask->service >= to_table_service_count(t))) {
		refuse(s, c, ask->head.request, -EINVAL, "the running generation has no such %s",
		       t && ask->edge < to_table_edge_count(t) ? "service" : "edge");
		return;
	}
	if (ask->service != TO_NO_INDEX)
		what.group = to_table_services(t)[ask->service].group;
	c->release = (struct to_release_wait){.request = ask->head.request, .what = what};
	c->paused = true;
}

/* What a worker was just using may be renewed after it was ended, so walks follow each other until
 * one finds nothing. But what the edge is given anew meanwhile is its own: at most four. */
static void go_on_releasing(struct to_engine_server *s, struct to_connection *c, uint64_t now_ns)
{
	struct to_release_wait *w = &c->release;
	const struct to_engine *e = &s->engine;
	uint64_t request = w->request;
	union to_message *m;
	int ret;

	if (now_ns < w->next_ns)
		return;
	ret = e->ops->release(e->arg, &w->at, e->slice, seconds(now_ns), &w->what, &w->found);
	if (ret > 0)
		return;
	w->ended += w->found;
	if (ret == 0 && w->found && ++w->walks < RELEASE_WALKS) {
		w->found = 0;
		w->at = (struct to_flow_cursor){0};
		w->next_ns = now_ns + RELEASE_NS;
		return;
	}
	w->request = 0;
	c->paused = false;
	if (ret < 0) {
		refuse(s, c, request, ret, "entries cannot be ended: %s", strerror(-ret));
		return;
	}
	m = answer(s, TO_MSG_RELEASED, request, sizeof(m->released));
	m->released.entries = w->ended;
	reply(s, c, -1);
}

void to_engine_go_on(struct to_engine_server *s, struct to_connection *c, uint64_t now_ns)
{
	if (c->commit.request)
		tell_applied(s, c, now_ns);
	if (c->release.request && !c->lost)
		go_on_releasing(s, c, now_ns);
}

uint64_t to_engine_go_on_ns(const struct to_connection *c, uint64_t now_ns)
{
	uint64_t at = UINT64_MAX;

	if (c->commit.request)
		at = now_ns < c->commit.began_ns + SOON_NS ? now_ns : now_ns + LOOK_NS;
	if (c->release.request && c->release.next_ns < at)
		at = c->release.next_ns;
	return at;
}

static void capture(struct to_engine_server *s, struct to_connection *c,
		    const struct to_msg_capture *ask)
{
	const struct to_engine *e = &s->engine;
	char err[TO_PROTOCOL_TEXT] = "";
	int ret = e->ops->running(e->arg) ? 0 : -ENOENT;

	c->captures = true;
	if (ret < 0)
		snprintf(err, sizeof(err), "there is no generation yet");
	else
		ret = to_engine_capture_begin(&s->capture, e, ask, c->fd, err, sizeof(err));
	if (ret == 0)
		return;
	refuse(s, c, ask->head.request, ret, "%s", err);
	c->lost = true;
}

void to_engine_request(struct to_engine_server *s, struct to_connection *c, int type, int fd)
{
	uint64_t request = s->in->head.request;

	if (c->captures) {
		if (type == TO_MSG_CAPTURE_END)
			to_engine_capture_ask_end(&s->capture);
		else
			c->lost = true;
		return;
	}
	if (c->welcome == (type == TO_MSG_HELLO)) {
		c->lost = true;
		return;
	}
	switch (type) {
	case TO_MSG_HELLO:
		say_hello(s, c);
		break;
	case TO_MSG_TABLE:
		send_table(s, c, request);
		break;
	case TO_MSG_PREPARE:
		prepare(s, c, request, fd);
		break;
	case TO_MSG_COMMIT:
		commit(s, c, &s->in->commit);
		break;
	case TO_MSG_DISCARD:
		discard(s, c, request);
		break;
	case TO_MSG_CENSUS:
		wait_for_census(s, c, request);
		break;
	case TO_MSG_FLOWS:
		flows(s, c, &s->in->flows);
		break;
	case TO_MSG_RELEASE:
		release(s, c, &s->in->release);
		break;
	case TO_MSG_CAPTURE:
		capture(s, c, &s->in->capture);
		break;
	default:
		c->lost = true;
		break;
	}
}
