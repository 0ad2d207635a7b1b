/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Who is connected to the metrics page: so many at a time, each for so long, whatever they do. The
 * others wait, not accepted yet, until one of them is gone.
 */
#ifndef TURNOUT_DAEMON_METRICS_VISITS_H
#define TURNOUT_DAEMON_METRICS_VISITS_H

struct bufferevent;
struct event_base;
struct evconnlistener;
struct evhttp_request;
struct to_visits;

#define TO_VISITS_MOST 16
#ifndef TO_VISIT_SECONDS
#define TO_VISIT_SECONDS 20
#endif

/* The listener must outlive them, but for to_visits_end(). NULL: no memory. */
struct to_visits *to_visits_new(struct evconnlistener *listener);
/* After evhttp_free(). */
void to_visits_end(struct to_visits *visits);

/* For evhttp_set_bevcb(), with the visits as its argument: called for each connection. */
struct bufferevent *to_visit_begin(struct event_base *base, void *visits);

/* A request was read: the place is free as soon as its connection ends, and not only after
 * TO_VISIT_SECONDS. */
void to_visit_asks(struct to_visits *visits, struct evhttp_request *request);

#endif
