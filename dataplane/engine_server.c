/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "engine_connection.h"

#define NS_PER_S  1000000000ull
#define NS_PER_MS 1000000ull
#define HELLO_NS  (5 * NS_PER_S) /* within which a peer must have been welcomed */
#define LISTENING TO_CONNECTIONS /* in an event: not a connection */

uint64_t to_engine_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

static int watch(const struct to_engine_server *s, int fd, uint32_t number, int operation,
		 uint32_t events)
{
	struct epoll_event event = {.events = events, .data.u32 = number};

	return epoll_ctl(s->epoll, operation, fd, &event) < 0 ? -errno : 0;
}

int to_engine_server_open(struct to_engine_server **server, const struct to_engine *e,
			  const char *path, const char *group, int lock, char *err, size_t err_size)
{
	struct to_engine_server *s = calloc(1, sizeof(*s));
	int ret;

	if (!s)
		return -ENOMEM;
	s->engine = *e;
	s->socket = (struct to_engine_socket){.fd = -1, .lock = lock};
	s->region.fd = -1;
	s->capture.fd = -1;
	to_provoke_open(&s->provoke);
	for (unsigned i = 0; i < TO_CONNECTIONS; i++)
		s->connection[i].fd = -1;
	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	s->census = calloc(1, sizeof(*s->census));
	s->in = calloc(2, sizeof(*s->in));
	s->out = s->in ? s->in + 1 : NULL;
	ret = s->census && s->in && s->epoll >= 0
		      ? to_engine_region_open(&s->region, e, to_engine_now_ns())
		      : -ENOMEM;
	if (ret < 0)
		snprintf(err, err_size, "no memory to share: %s", strerror(-ret));
	else
		ret = to_engine_listen(&s->socket, path, group, lock, err, err_size);
	if (ret == 0)
		ret = watch(s, s->socket.fd, LISTENING, EPOLL_CTL_ADD, EPOLLIN);
	if (ret < 0) {
		to_engine_server_close(s);
		return ret;
	}
	*server = s;
	return 0;
}

static void end_connection(struct to_engine_server *s, struct to_connection *c)
{
	if (c->fd >= 0 && c->fd == s->capture.fd)
		to_engine_capture_gone(&s->capture);
	if (c->fd >= 0)
		close(c->fd);
	free(c->prepared);
	*c = (struct to_connection){.fd = -1};
}

void to_engine_server_close(struct to_engine_server *s)
{
	if (!s)
		return;
	for (unsigned i = 0; i < TO_CONNECTIONS; i++)
		end_connection(s, &s->connection[i]);
	to_engine_capture_close(&s->capture, &s->engine);
	to_engine_unlisten(&s->socket);
	to_engine_region_close(&s->region);
	to_provoke_close(&s->provoke);
	if (s->epoll >= 0)
		close(s->epoll);
	free(s->census);
	free(s->in);
	free(s);
}

int to_engine_server_fd(const struct to_engine_server *s)
{
	return s->epoll;
}

void to_engine_renew(struct to_engine_server *s)
{
	uint64_t worker[TO_PROTOCOL_WORKERS] = {0}, now_ns = to_engine_now_ns();
	bool live = s->engine.ops->applied(s->engine.arg, worker);

	s->region.provoked = s->provoke.all;
	to_engine_region_renew(&s->region, &s->engine, &s->capture, live, now_ns);
	s->renew_ns = now_ns + NS_PER_S;
}

void to_engine_server_committed(struct to_engine_server *s)
{
	s->region.next->committed_ns = to_engine_now_ns();
	s->renew_ns = 0;
}

/* Too many peers: this one is told by the end of its connection. */
static void accept_peer(struct to_engine_server *s)
{
	int fd = to_engine_accept(&s->socket);

	if (fd < 0)
		return;
	for (uint32_t i = 0; i < TO_CONNECTIONS; i++) {
		struct to_connection *c = &s->connection[i];

		if (c->fd >= 0)
			continue;
		if (watch(s, fd, i, EPOLL_CTL_ADD, EPOLLIN) < 0)
			break;
		*c = (struct to_connection){.fd = fd, .since_ns = to_engine_now_ns()};
		return;
	}
	close(fd);
}

static void take_request(struct to_engine_server *s, struct to_connection *c, uint32_t events)
{
	int fd = -1, type;

	if (c->lost)
		return;
	if (c->paused) { /* all that is watched for is its end */
		c->lost = events & (EPOLLHUP | EPOLLERR);
		return;
	}
	type = to_engine_receive(c->fd, s->in, &fd);
	if (type == -EAGAIN)
		return;
	if (type < 0)
		c->lost = true;
	else
		to_engine_request(s, c, type, fd);
	if (fd >= 0)
		close(fd);
}

/* One message of each peer a turn. True: there is a peer that is not accepted yet. */
static bool take_requests(struct to_engine_server *s)
{
	bool new_peer = false;

	struct epoll_event event[TO_CONNECTIONS + 1];
	int n = epoll_wait(s->epoll, event, TO_CONNECTIONS + 1, 0);

	for (int i = 0; i < n; i++) {
		uint32_t number = event[i].data.u32;

		if (number < TO_CONNECTIONS)
			take_request(s, &s->connection[number], event[i].events);
		else
			new_peer = true;
	}
	return new_peer;
}

static bool somebody_waits_for_census(const struct to_engine_server *s)
{
	for (unsigned i = 0; i < TO_CONNECTIONS; i++) {
		if (s->connection[i].census.request)
			return true;
	}
	return false;
}

static bool census_is_due(const struct to_engine_server *s, uint64_t now_ns)
{
	return s->census->runs || now_ns >= s->census->due_ns || somebody_waits_for_census(s);
}

static void go_on_counting(struct to_engine_server *s, uint64_t now_ns)
{
	int ret;

	if (!census_is_due(s, now_ns))
		return;
	if (!s->census->runs)
		to_census_begin(s->census, now_ns);
	ret = to_census_step(s->census, &s->engine, (uint32_t)(now_ns / NS_PER_S), now_ns,
			     s->region.next);
	if (ret > 0)
		return;
	if (somebody_waits_for_census(s))
		to_engine_renew(s);
	to_engine_census_done(s, ret);
}

/* Who has asked for the capture that has ended goes with it. */
static void go_on_capturing(struct to_engine_server *s, uint64_t now_ns)
{
	int fd = s->capture.fd;

	if (!to_engine_capture_turn(&s->capture, &s->engine, now_ns))
		return;
	s->capture.fd = -1;
	for (unsigned i = 0; i < TO_CONNECTIONS; i++) {
		if (fd >= 0 && s->connection[i].fd == fd)
			s->connection[i].lost = true;
	}
}

/* What was read for, or is read for again; and who goes. */
static void settle(struct to_engine_server *s, uint32_t number, bool was_paused, uint64_t now_ns)
{
	struct to_connection *c = &s->connection[number];

	if (c->fd < 0)
		return;
	if (!c->welcome && now_ns > c->since_ns + HELLO_NS)
		c->lost = true;
	if (!c->lost && c->paused != was_paused)
		c->lost = watch(s, c->fd, number, EPOLL_CTL_MOD, c->paused ? 0 : EPOLLIN) < 0;
	if (c->lost)
		end_connection(s, c);
}

void to_engine_server_turn(struct to_engine_server *s)
{
	bool paused[TO_CONNECTIONS], new_peer;
	uint64_t now_ns;

	for (unsigned i = 0; i < TO_CONNECTIONS; i++)
		paused[i] = s->connection[i].paused;
	new_peer = take_requests(s);
	now_ns = to_engine_now_ns();
	for (unsigned i = 0; i < TO_CONNECTIONS; i++) {
		if (s->connection[i].fd >= 0 && !s->connection[i].lost)
			to_engine_go_on(s, &s->connection[i], now_ns);
	}
	go_on_capturing(s, now_ns);
	go_on_counting(s, now_ns);
	to_provoke_step(&s->provoke, &s->engine, now_ns);
	if (now_ns >= s->renew_ns)
		to_engine_renew(s);
	for (uint32_t i = 0; i < TO_CONNECTIONS; i++)
		settle(s, i, paused[i], now_ns);
	if (new_peer) /* last: those that have just gone have made room */
		accept_peer(s);
}

int to_engine_server_timeout(const struct to_engine_server *s)
{
	uint64_t now_ns = to_engine_now_ns(), next = s->renew_ns;

	if (census_is_due(s, now_ns))
		return 0;
	if (s->census->due_ns < next)
		next = s->census->due_ns;
	if (to_engine_capture_next_ns(&s->capture, now_ns) < next)
		next = to_engine_capture_next_ns(&s->capture, now_ns);
	if (to_provoke_due_ns(&s->provoke, now_ns) < next)
		next = to_provoke_due_ns(&s->provoke, now_ns);
	for (unsigned i = 0; i < TO_CONNECTIONS; i++) {
		uint64_t at = to_engine_go_on_ns(&s->connection[i], now_ns);

		if (at < next)
			next = at;
	}
	return next <= now_ns ? 0 : (int)((next - now_ns + NS_PER_MS - 1) / NS_PER_MS);
}
