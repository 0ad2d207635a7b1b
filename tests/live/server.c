/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "address.h"
#include "block.h"
#include "number.h"
#include "server.h"

#define EVENTS  64
#define BACKLOG 1024

enum kind { KIND_LISTENER, KIND_DATAGRAMS, KIND_CONNECTION, KIND_SIGNALS };

/* What epoll watches. A connection has one ask at a time: its client waits for the answer. */
struct socket {
	enum kind kind;
	int fd;
	uint64_t flow;
	uint32_t seq; /* of the next ask; 0: none yet */
	size_t have;  /* bytes of `block` */
	union live_address peer;
	struct live_block block;
};

struct server {
	int epoll;
	char edge[LIVE_EDGE_NAME];
	unsigned long long connections, asks, datagrams, broken;
};

static void broken(struct server *s, const struct socket *c, const char *what)
{
	char peer[80];

	live_address_print(&c->peer, peer, sizeof(peer));
	printf("broken server %.*s: %s after %u asks: %s\n", LIVE_EDGE_NAME, s->edge, peer, c->seq,
	       what);
	s->broken++;
}

static int watch(struct server *s, enum kind kind, int fd, const union live_address *peer)
{
	struct epoll_event e = {.events = EPOLLIN};
	struct socket *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->kind = kind;
	c->fd = fd;
	if (peer)
		c->peer = *peer;
	e.data.ptr = c;
	if (epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &e) < 0) {
		int ret = -errno;

		free(c);
		return ret;
	}
	return 0;
}

static void unwatch(struct socket *c)
{
	close(c->fd); /* which takes it from epoll as well */
	free(c);
}

/* The ask in `b` becomes its answer; returns the bytes. */
static size_t answer(const struct server *s, struct live_block *b)
{
	b->head.way = LIVE_ANSWER;
	b->head.payload = b->head.want;
	memcpy(b->head.edge, s->edge, sizeof(b->head.edge));
	return live_block_fill(b);
}

static const char *ask_wrong(const struct socket *c, size_t len)
{
	const char *wrong = live_block_wrong(&c->block, len, LIVE_ASK);

	if (!wrong && c->block.head.from != live_address_hash(&c->peer))
		wrong = "not the client's own address";
	return wrong;
}

static void datagrams(struct server *s, struct socket *c)
{
	for (;;) {
		socklen_t size = sizeof(c->peer);
		ssize_t n = recvfrom(c->fd, &c->block, sizeof(c->block), 0, &c->peer.any, &size);
		const char *wrong;
		size_t len;

		if (n < 0)
			return;
		wrong = ask_wrong(c, (size_t)n);
		if (wrong) {
			broken(s, c, wrong);
			continue;
		}
		s->datagrams++;
		len = answer(s, &c->block);
		if (sendto(c->fd, &c->block, len, 0, &c->peer.any, size) != (ssize_t)len)
			broken(s, c, strerror(errno));
	}
}

static void accept_all(struct server *s, const struct socket *listener)
{
	union live_address peer;
	socklen_t size = sizeof(peer);
	int fd, ret;

	while ((fd = accept4(listener->fd, &peer.any, &size, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		ret = watch(s, KIND_CONNECTION, fd, &peer);
		if (ret < 0) {
			printf("broken server %.*s: %s\n", LIVE_EDGE_NAME, s->edge, strerror(-ret));
			close(fd);
		}
		s->connections++;
		size = sizeof(peer);
	}
}

/* The bytes of the ask that are still to come, as far as is known. */
static size_t missing(const struct socket *c)
{
	size_t head = sizeof(c->block.head);

	return c->have < head ? head - c->have : head + c->block.head.payload - c->have;
}

/* NULL, or why the connection is broken. */
static const char *take(struct server *s, struct socket *c, size_t n)
{
	const char *wrong;
	size_t len;

	c->have += n;
	if (c->have == sizeof(c->block.head) && !live_head_good(&c->block.head, LIVE_ASK))
		return "not a block's head";
	if (c->have < sizeof(c->block.head) || missing(c))
		return NULL;
	wrong = ask_wrong(c, c->have);
	if (wrong)
		return wrong;
	if (c->block.head.seq != c->seq || (c->seq && c->block.head.flow != c->flow))
		return "an ask of another flow, or not the next one";
	s->asks++;
	c->seq++;
	c->flow = c->block.head.flow;
	c->have = 0;
	len = answer(s, &c->block);
	/* the answer before has been read, so that there is room for this one */
	return send(c->fd, &c->block, len, MSG_NOSIGNAL) == (ssize_t)len ? NULL : strerror(errno);
}

static void connection(struct server *s, struct socket *c)
{
	const char *wrong = NULL;
	ssize_t n = 0;

	while (!wrong && (n = recv(c->fd, (uint8_t *)&c->block + c->have, missing(c), 0)) > 0)
		wrong = take(s, c, (size_t)n);
	if (!wrong && n < 0 && errno == EAGAIN)
		return;
	if (!wrong && n < 0)
		wrong = strerror(errno);
	if (!wrong && c->have)
		wrong = "ends within an ask";
	if (wrong)
		broken(s, c, wrong);
	unwatch(c);
}

static int serve(struct server *s, int type, const char *text, uint16_t port)
{
	union live_address a;
	int fd, ret;

	if (!live_address_parse(text, port, &a))
		return -EINVAL;
	fd = live_socket(type, &a);
	if (fd < 0)
		return fd;
	if (type == SOCK_STREAM && listen(fd, BACKLOG) < 0)
		return -errno;
	ret = watch(s, type == SOCK_STREAM ? KIND_LISTENER : KIND_DATAGRAMS, fd, NULL);
	return ret;
}

/* Until SIGTERM. */
static void run(struct server *s)
{
	struct epoll_event events[EVENTS];

	for (;;) {
		int n = epoll_wait(s->epoll, events, EVENTS, -1);

		for (int i = 0; i < n; i++) {
			struct socket *c = events[i].data.ptr;

			if (c->kind == KIND_LISTENER)
				accept_all(s, c);
			else if (c->kind == KIND_DATAGRAMS)
				datagrams(s, c);
			else if (c->kind == KIND_CONNECTION)
				connection(s, c);
			else
				return;
		}
		fflush(stdout);
	}
}

static int start(struct server *s, int argc, char **argv)
{
	uint64_t tcp, udp;
	sigset_t signals;
	int ret = 0;

	if (argc < 4 || strlen(argv[0]) >= LIVE_EDGE_NAME || !to_number(argv[1], 1, 65535, &tcp) ||
	    !to_number(argv[2], 1, 65535, &udp))
		return -EINVAL;
	memcpy(s->edge, argv[0], strlen(argv[0]));
	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (s->epoll < 0)
		return -errno;
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	ret = watch(s, KIND_SIGNALS, signalfd(-1, &signals, SFD_CLOEXEC), NULL);
	for (int i = 3; ret == 0 && i < argc; i++) {
		ret = serve(s, SOCK_STREAM, argv[i], (uint16_t)tcp);
		if (ret == 0)
			ret = serve(s, SOCK_DGRAM, argv[i], (uint16_t)udp);
	}
	return ret;
}

int live_server_main(int argc, char **argv)
{
	struct server s = {0};
	int ret = start(&s, argc, argv);

	if (ret < 0) {
		fprintf(stderr, "server: %s\n", strerror(-ret));
		return 2;
	}
	puts("ready");
	fflush(stdout);
	run(&s);
	printf("done %llu connections, %llu asks, %llu datagrams, %llu broken\n", s.connections,
	       s.asks, s.datagrams, s.broken);
	return s.broken ? 1 : 0;
}
