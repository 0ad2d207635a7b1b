/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Real sockets through a gateway.
 *
 *   bench_talk serve PORT UDP_PORT ADDRESS...   answers each byte and each datagram with itself
 *   bench_talk ask ADDRESS PORT UDP_PORT        reads commands, and answers each with JSON:
 *
 *     connect N BATCH  N connections, BATCH at a time: connect, a byte there and back, reset;
 *                      {"ns": of each batch, "failed"}
 *     udp N, tcp N     N datagrams, or bytes on one connection, there and back, one after the
 * other;
 *                      {"ns": of each, "failed"}
 *
 * Clients are 198.18.0.1 and the addresses after it, which are local here.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif
#define FIRST_CLIENT 0xc6120001u
#define CLIENTS      251
#define MOST_BATCH   256
#define MOST_TIMES   16384
#define WAIT_MS      2000
#define EVENTS       64
#define BACKLOG      4096
#define DATAGRAM     64

static void fail(const char *what)
{
	fprintf(stderr, "bench_talk: %s: %s\n", what, strerror(errno));
	exit(1);
}

static struct sockaddr_in address(const char *text, const char *port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};

	if (inet_pton(AF_INET, text, &a.sin_addr) != 1)
		fail(text);
	return a;
}

/* ── serve ── */

/* A socket that is waited for, with its kind in the upper half of the event's data. */
enum kind { LISTENER, CONNECTION, DATAGRAMS };

static void watch(int epoll, int fd, enum kind kind)
{
	struct epoll_event e = {.events = EPOLLIN, .data.u64 = (uint64_t)kind << 32 | (unsigned)fd};

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e))
		fail("epoll_ctl");
}

static int bound(int type, const struct sockaddr_in *a)
{
	int one = 1, fd = socket(AF_INET, type | SOCK_NONBLOCK, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
	    bind(fd, (const void *)a, sizeof(*a)))
		fail("cannot serve");
	if (type == SOCK_STREAM && listen(fd, BACKLOG))
		fail("listen");
	return fd;
}

static void accept_all(int epoll, int fd)
{
	int one = 1, c;

	while ((c = accept4(fd, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
		setsockopt(c, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		watch(epoll, c, CONNECTION);
	}
}

static void answer_byte(int fd)
{
	char byte;

	if (read(fd, &byte, 1) != 1 || write(fd, &byte, 1) != 1)
		close(fd);
}

static void answer_datagrams(int fd)
{
	struct sockaddr_in from;
	char text[DATAGRAM];
	socklen_t len = sizeof(from);
	ssize_t n;

	while ((n = recvfrom(fd, text, sizeof(text), 0, (void *)&from, &len)) >= 0) {
		if (sendto(fd, text, (size_t)n, 0, (const void *)&from, len) < 0)
			return;
	}
}

static _Noreturn void serve(char **argv)
{
	int epoll = epoll_create1(0);

	if (epoll < 0)
		fail("epoll");
	for (char **text = argv + 2; *text; text++) {
		struct sockaddr_in tcp = address(*text, argv[0]), udp = address(*text, argv[1]);

		watch(epoll, bound(SOCK_STREAM, &tcp), LISTENER);
		watch(epoll, bound(SOCK_DGRAM, &udp), DATAGRAMS);
	}
	puts("{}");
	fflush(stdout);
	for (;;) {
		struct epoll_event e[EVENTS];
		int n = epoll_wait(epoll, e, EVENTS, -1);

		for (int i = 0; i < n; i++) {
			int fd = (int)(e[i].data.u64 & 0xffffffff);

			switch ((enum kind)(e[i].data.u64 >> 32)) {
			case LISTENER:
				accept_all(epoll, fd);
				break;
			case CONNECTION:
				answer_byte(fd);
				break;
			case DATAGRAMS:
				answer_datagrams(fd);
			}
		}
	}
}

/* ── ask ── */

struct asker {
	struct sockaddr_in tcp, udp;
	unsigned client; /* the next one */
	unsigned failed;
	unsigned times;
	unsigned long long ns[MOST_TIMES];
};

static unsigned long long now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (unsigned long long)t.tv_sec * 1000000000ull + (unsigned long long)t.tv_nsec;
}

/* On its way to be connected. */
static int from_client(struct asker *a, int type, const struct sockaddr_in *to)
{
	struct sockaddr_in from = {.sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(FIRST_CLIENT + a->client++ % CLIENTS)};
	int one = 1, fd = socket(AF_INET, type | SOCK_NONBLOCK, 0);

	if (fd < 0 || setsockopt(fd, SOL_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one)) ||
	    bind(fd, (const void *)&from, sizeof(from)))
		fail("a client");
	if (type == SOCK_STREAM)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(fd, (const void *)to, sizeof(*to)) && errno != EINPROGRESS)
		a->failed++;
	return fd;
}

static bool ready(int fd, short events)
{
	struct pollfd p = {.fd = fd, .events = events};

	return poll(&p, 1, WAIT_MS) == 1;
}

static bool say(int fd, unsigned char what, size_t len)
{
	unsigned char text[DATAGRAM];

	memset(text, what, len);
	return send(fd, text, len, MSG_NOSIGNAL) == (ssize_t)len;
}

static bool hear(int fd, unsigned char what, size_t len)
{
	unsigned char text[DATAGRAM] = {0};

	return ready(fd, POLLIN) && recv(fd, text, len, 0) == (ssize_t)len && text[0] == what &&
	       text[len - 1] == what;
}

static void end(int fd)
{
	struct linger reset = {.l_onoff = 1};

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(fd);
}

static void connect_batch(struct asker *a, unsigned n)
{
	int fd[MOST_BATCH];

	for (unsigned i = 0; i < n; i++)
		fd[i] = from_client(a, SOCK_STREAM, &a->tcp);
	for (unsigned i = 0; i < n; i++) {
		if (!ready(fd[i], POLLOUT) || !say(fd[i], (unsigned char)i, 1))
			a->failed++;
	}
	for (unsigned i = 0; i < n; i++) {
		if (!hear(fd[i], (unsigned char)i, 1))
			a->failed++;
		end(fd[i]);
	}
}

static void take_time(struct asker *a, unsigned long long begun)
{
	if (a->times < MOST_TIMES)
		a->ns[a->times++] = now_ns() - begun;
}

static void ping(struct asker *a, int type, unsigned n)
{
	size_t len = type == SOCK_DGRAM ? DATAGRAM : 1;
	int fd = from_client(a, type, type == SOCK_DGRAM ? &a->udp : &a->tcp);

	if (!ready(fd, POLLOUT))
		a->failed++;
	for (unsigned i = 0; i < n; i++) {
		unsigned long long begun = now_ns();

		if (!say(fd, (unsigned char)i, len) || !hear(fd, (unsigned char)i, len))
			a->failed++;
		take_time(a, begun);
	}
	end(fd);
}

static void tell(const struct asker *a)
{
	printf("{\"failed\": %u, \"ns\": [", a->failed);
	for (unsigned i = 0; i < a->times; i++)
		printf("%s%llu", i ? ", " : "", a->ns[i]);
	puts("]}");
	fflush(stdout);
}

static int obey(struct asker *a, const char *line)
{
	unsigned n, batch;
	char what[4];

	a->failed = a->times = 0;
	if (sscanf(line, "connect %u %u", &n, &batch) == 2 && batch && batch <= MOST_BATCH) {
		for (unsigned done = 0; done < n; done += batch) {
			unsigned long long begun = now_ns();

			connect_batch(a, batch);
			take_time(a, begun);
		}
	} else if (sscanf(line, "%3s %u", what, &n) == 2 &&
		   (!strcmp(what, "udp") || !strcmp(what, "tcp"))) {
		ping(a, *what == 'u' ? SOCK_DGRAM : SOCK_STREAM, n);
	} else {
		fprintf(stderr, "bench_talk: what is '%s'?\n", line);
		return -EINVAL;
	}
	tell(a);
	return 0;
}

static int ask(char **argv)
{
	static struct asker a;
	char line[64];

	a.tcp = address(argv[0], argv[1]);
	a.udp = address(argv[0], argv[2]);
	puts("{}");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		if (obey(&a, line))
			return 2;
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (argc >= 5 && !strcmp(argv[1], "serve"))
		serve(argv + 2);
	if (argc == 5 && !strcmp(argv[1], "ask"))
		return ask(argv + 2);
	fprintf(stderr, "usage: bench_talk serve PORT UDP_PORT ADDRESS... | ask ADDRESS PORT "
			"UDP_PORT\n");
	return 2;
}
