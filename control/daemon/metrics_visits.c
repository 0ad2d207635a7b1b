/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libevent 2.1 neither counts an evhttp's connections nor says when one that has asked nothing is
 * gone. So each place holds a reference of its own to the connection's bufferevent, for at most
 * TO_VISIT_SECONDS.
 */
#include "metrics_visits.h"

#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <stdlib.h>

#define MAX_INPUT 65536 /* bytes; evhttp refuses a request before that */

struct visit {
	struct to_visits *visits;
	struct bufferevent *io; /* NULL: the place is free */
	struct event *end;
};

struct to_visits {
	struct evconnlistener *listener;
	unsigned open;
	struct visit visit[TO_VISITS_MOST];
};

struct to_visits *to_visits_new(struct evconnlistener *listener)
{
	struct to_visits *v = calloc(1, sizeof(*v));

	if (v)
		v->listener = listener;
	return v;
}

static void leave(struct visit *visit)
{
	event_free(visit->end);
	bufferevent_decref(visit->io);
	visit->io = NULL;
	visit->visits->open--;
}

void to_visits_end(struct to_visits *v)
{
	for (unsigned i = 0; v && i < TO_VISITS_MOST; i++)
		if (v->visit[i].io)
			leave(&v->visit[i]);
	free(v);
}

static void on_end(int fd, short what, void *context)
{
	struct visit *visit = context;
	struct to_visits *v = visit->visits;
	bufferevent_event_cb evhttp;

	(void)fd;
	(void)what;
	bufferevent_getcb(visit->io, NULL, NULL, &evhttp, NULL);
	if (evhttp) /* it has not let go of it: a time-out of reading, as far as it is concerned */
		bufferevent_trigger_event(visit->io, BEV_EVENT_TIMEOUT | BEV_EVENT_READING, 0);
	leave(visit);
	evconnlistener_enable(v->listener);
}

struct bufferevent *to_visit_begin(struct event_base *base, void *visits)
{
	const struct timeval seconds = {TO_VISIT_SECONDS, 0};
	struct to_visits *v = visits;
	struct visit *visit = v->visit;

	while (visit->io) /* one is free, or the listener would be disabled */
		visit++;
	visit->visits = v;
	visit->end = evtimer_new(base, on_end, visit);
	visit->io = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
	if (!visit->end || !visit->io || evtimer_add(visit->end, &seconds) < 0)
		goto no_memory;
	bufferevent_setwatermark(visit->io, EV_READ, 0, MAX_INPUT);
	bufferevent_incref(visit->io);
	if (++v->open == TO_VISITS_MOST)
		evconnlistener_disable(v->listener);
	return visit->io;
no_memory:
	if (visit->end)
		event_free(visit->end);
	if (visit->io)
		bufferevent_free(visit->io);
	visit->io = NULL;
	return NULL; /* evhttp makes one, which is not counted */
}

/* Its connection is about to be freed by evhttp. */
static void on_close(struct evhttp_connection *connection, void *context)
{
	struct visit *visit = context;

	(void)connection;
	evtimer_add(visit->end, &(struct timeval){0});
}

void to_visit_asks(struct to_visits *v, struct evhttp_request *request)
{
	struct evhttp_connection *connection = evhttp_request_get_connection(request);
	struct bufferevent *io = evhttp_connection_get_bufferevent(connection);

	for (unsigned i = 0; i < TO_VISITS_MOST; i++)
		if (v->visit[i].io == io)
			evhttp_connection_set_closecb(connection, on_close, &v->visit[i]);
}
