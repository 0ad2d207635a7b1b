/* SPDX-License-Identifier: BSD-3-Clause */
/* The metrics page over HTTP: GET /metrics, and nothing else. */
#include "metrics.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <event2/util.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "metrics_text.h"
#include "metrics_visits.h"

#define MAX_HEADERS 8192 /* bytes of a request */
#define TIMEOUT     10   /* seconds for a request and for taking its answer */

struct to_metrics {
	struct evhttp *http;
	struct to_visits *visits;
	struct to_metrics_source source;
	struct to_metrics_took prepare, live;
};

static void free_page(const void *data, size_t size, void *context)
{
	(void)size;
	(void)context;
	free((void *)data);
}

static char *make_page(const struct to_metrics *m, size_t *size)
{
	struct to_metrics_moment moment = {
		.version = TURNOUT_VERSION, .prepare = m->prepare, .live = m->live};
	json_t *status = m->source.ask(m->source.context, "status");
	json_t *counters = m->source.ask(m->source.context, "counters");
	struct timespec ts;
	char *page;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	moment.now_ns = (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
	moment.status = status;
	moment.counters = json_is_true(json_object_get(counters, "ok")) ? counters : NULL;
	moment.region = m->source.region(m->source.context);
	page = status ? to_metrics_text(&moment, size) : NULL;
	json_decref(status);
	json_decref(counters);
	return page;
}

static void send_page(struct evhttp_request *request, void *context)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
	struct evbuffer *body = evhttp_request_get_output_buffer(request);
	struct to_metrics *m = context;
	size_t size;
	char *page = make_page(m, &size);

	to_visit_asks(m->visits, request);
	if (!page || evbuffer_add_reference(body, page, size, free_page, NULL) < 0) {
		free(page);
		evhttp_send_error(request, HTTP_INTERNAL, "no memory");
		return;
	}
	evhttp_add_header(headers, "Connection", "close"); /* a place for the next one */
	evhttp_add_header(headers, "Content-Type", "text/plain; version=0.0.4; charset=utf-8");
	evhttp_send_reply(request, HTTP_OK, "OK", NULL);
}

static void send_nothing(struct evhttp_request *request, void *context)
{
	struct to_metrics *m = context;

	to_visit_asks(m->visits, request);
	evhttp_send_error(request, HTTP_NOTFOUND, "there is only /metrics");
}

static int listen_at(struct event_base *base, const char *address, struct evconnlistener **listener,
		     char *err, size_t err_size)
{
	struct sockaddr_storage at;
	const char *port = strrchr(address, ':');
	int size = sizeof(at), ret;

	if (!port || port[1 + strspn(port + 1, "0123456789")] ||
	    evutil_parse_sockaddr_port(address, (struct sockaddr *)&at, &size) < 0 ||
	    (at.ss_family == AF_INET && !((struct sockaddr_in *)&at)->sin_port) ||
	    (at.ss_family == AF_INET6 && !((struct sockaddr_in6 *)&at)->sin6_port)) {
		snprintf(err, err_size,
			 "'%s' is no ADDRESS:PORT, as in 127.0.0.1:9180 or [::1]:9180", address);
		return -EINVAL;
	}
	*listener = evconnlistener_new_bind(
		base, NULL, NULL, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE,
		-1, (struct sockaddr *)&at, size);
	if (*listener)
		return 0;
	ret = errno ? -errno : -ENOMEM;
	snprintf(err, err_size, "cannot listen on %s: %s", address, strerror(-ret));
	return ret;
}

int to_metrics_open(struct event_base *base, const char *address,
		    const struct to_metrics_source *source, struct to_metrics **out, char *err,
		    size_t err_size)
{
	struct evconnlistener *listener = NULL;
	struct to_metrics *m = calloc(1, sizeof(*m));
	int ret = listen_at(base, address, &listener, err, err_size);

	*out = NULL;
	if (ret)
		goto fail;
	ret = -ENOMEM;
	snprintf(err, err_size, "no memory");
	if (!m)
		goto fail;
	m->source = *source;
	m->http = evhttp_new(base);
	if (!m->http || evhttp_set_cb(m->http, "/metrics", send_page, m) < 0)
		goto fail;
	evhttp_set_gencb(m->http, send_nothing, m);
	evhttp_set_allowed_methods(m->http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD);
	evhttp_set_max_headers_size(m->http, MAX_HEADERS);
	evhttp_set_max_body_size(m->http, 0);
	evhttp_set_timeout(m->http, TIMEOUT);
	m->visits = to_visits_new(listener);
	if (!m->visits || !evhttp_bind_listener(m->http, listener)) /* takes it */
		goto fail;
	evhttp_set_bevcb(m->http, to_visit_begin, m->visits);
	*out = m;
	return 0;
fail:
	if (listener)
		evconnlistener_free(listener);
	to_metrics_close(m);
	return ret;
}

void to_metrics_switched(struct to_metrics *m, uint64_t prepare_us, uint64_t live_us)
{
	if (!m)
		return;
	to_metrics_took_add(&m->prepare, prepare_us);
	to_metrics_took_add(&m->live, live_us);
}

void to_metrics_close(struct to_metrics *m)
{
	if (!m)
		return;
	if (m->http)
		evhttp_free(m->http);
	to_visits_end(m->visits);
	free(m);
}
