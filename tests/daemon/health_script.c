/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Health checks that say what a test tells them: datagrams "EDGE SERVICE STATE" to the socket that
 * TURNOUT_TEST_HEALTH names. Without it there are none.
 */
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "edges.h"

struct to_health {
	const struct to_plan *plan; /* the daemon's, which it keeps until it gives another */
	to_health_changed *changed;
	void *context;
	struct event *event;
	int fd;
	unsigned count;
	struct to_health_check check[TO_MAX_EDGES * TO_MAX_SERVICES];
};

static void tell(struct to_health *h, int edge, int service, const char *state)
{
	for (unsigned i = 0; i < h->count; i++) {
		struct to_health_check *c = &h->check[i];

		if (c->edge != edge || c->service != service)
			continue;
		for (uint8_t s = 0; s < 3; s++)
			if (!strcmp(state, to_check_names[s]))
				c->state = s;
		c->at = (uint64_t)time(NULL);
		c->message = c->state == TO_CHECK_DOWN ? "connection refused" : "3 ms";
		h->changed(h->context, c);
	}
}

static void on_message(evutil_socket_t fd, short what, void *context)
{
	struct to_health *h = context;
	char text[200] = "", edge[32], service[32], state[32];

	(void)what;
	if (recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT) > 0 &&
	    sscanf(text, "%31s %31s %31s", edge, service, state) == 3)
		tell(h, to_plan_find_edge(h->plan, edge), to_plan_find_service(h->plan, service),
		     state);
}

static int open_socket(const char *path)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
	unlink(path);
	if (fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

int to_health_open(struct event_base *base, const struct to_plan *plan, to_health_changed *changed,
		   void *context, struct to_health **out)
{
	const char *path = getenv("TURNOUT_TEST_HEALTH");
	struct to_health *h = path ? calloc(1, sizeof(*h)) : NULL;

	*out = h;
	if (!h)
		return path ? -ENOMEM : 0;
	h->changed = changed;
	h->context = context;
	to_health_plan(h, plan);
	h->fd = open_socket(path);
	h->event = event_new(base, h->fd, EV_READ | EV_PERSIST, on_message, h);
	event_add(h->event, NULL);
	return 0;
}

/* What was said is forgotten. */
int to_health_plan(struct to_health *h, const struct to_plan *plan)
{
	h->plan = plan;
	h->count = 0;
	for (uint8_t e = 0; e < plan->edges; e++)
		for (uint8_t s = 0; s < plan->services; s++)
			h->check[h->count++] = (struct to_health_check){
				.edge = e, .service = s, .kind = "tcp", .message = "not asked yet"};
	return 0;
}

void to_health_close(struct to_health *h)
{
	if (!h)
		return;
	event_free(h->event);
	close(h->fd);
	free(h);
}

unsigned to_health_count(const struct to_health *h)
{
	return h ? h->count : 0;
}

/* What it says of an edge comes without TLS. */
int to_health_certificate(const struct to_health *h, unsigned edge, unsigned service, unsigned n,
			  const struct to_health_certificate **out)
{
	(void)h;
	(void)edge;
	(void)service;
	(void)n;
	*out = NULL;
	return -ENOENT;
}

void to_health_get(const struct to_health *h, unsigned i, struct to_health_check *out)
{
	*out = h->check[i];
}
