/* SPDX-License-Identifier: BSD-3-Clause */
#include "client.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <turnout/descriptors.h>
#include <unistd.h>

#define FIRST_ROOM 16384u

static int fail(struct to_client *c, int err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int fail(struct to_client *c, int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(c->why, sizeof(c->why), format, args);
	va_end(args);
	to_client_close(c);
	return err;
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static int cannot_connect(struct to_client *c, int err)
{
	if (err == EACCES || err == EPERM)
		return fail(c, -err,
			    "may not open %s: only root, and who the socket's owner and mode allow",
			    c->path);
	if (err == ENOENT)
		return fail(c, -err,
			    "turnoutd is not running, or listens elsewhere (--socket): there is no "
			    "%s: systemctl status turnoutd",
			    c->path);
	if (err == ECONNREFUSED)
		return fail(
			c, -err,
			"turnoutd is not running: nobody listens on %s: systemctl status turnoutd",
			c->path);
	if (err == EAGAIN)
		return fail(c, -err,
			    "turnoutd has too many clients, or hangs: nobody is let in at %s",
			    c->path);
	return fail(c, -err, "cannot connect to turnoutd at %s: %s", c->path, strerror(err));
}

int to_client_open(struct to_client *c, const char *path)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	const char *env = getenv("TURNOUT_SOCKET");

	*c = (struct to_client){.fd = -1, .passed = -1};
	c->path = path ? path : env && *env ? env : TO_CLIENT_SOCKET;
	if (strlen(c->path) >= sizeof(to.sun_path))
		return fail(c, -ENAMETOOLONG, "the socket's path is too long: %s", c->path);
	snprintf(to.sun_path, sizeof(to.sun_path), "%s", c->path);
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->fd < 0)
		return fail(c, -errno, "cannot make a socket: %s", strerror(errno));
	if (connect(c->fd, (const struct sockaddr *)&to, sizeof(to)) < 0)
		return cannot_connect(c, errno);
	return 0;
}

void to_client_close(struct to_client *c)
{
	if (c->fd >= 0)
		close(c->fd);
	if (c->passed >= 0)
		close(c->passed);
	c->fd = c->passed = -1;
}

int to_client_passed(struct to_client *c)
{
	int fd = c->passed;

	c->passed = -1;
	return fd;
}

/* Returns 0 when the socket is ready, or the error that `c` then is in. */
static int wait_for(struct to_client *c, short events, uint64_t until, unsigned ms)
{
	for (;;) {
		struct pollfd p = {.fd = c->fd, .events = events};
		uint64_t now = now_ms();
		int n = now < until ? poll(&p, 1, (int)(until - now)) : 0;

		if (n > 0)
			return 0;
		if (n == 0)
			return fail(
				c, -ETIMEDOUT,
				"turnoutd has not answered within %u s; what was asked for may "
				"still be done: ask again with 'turnout status', or with a longer "
				"--timeout",
				(ms + 999) / 1000);
		if (errno != EINTR)
			return fail(c, -errno, "cannot wait for turnoutd: %s", strerror(errno));
	}
}

static int send_line(struct to_client *c, const char *line, size_t size, uint64_t until,
		     unsigned ms)
{
	while (size) {
		ssize_t n = send(c->fd, line, size, MSG_NOSIGNAL);

		if (n > 0) {
			line += n;
			size -= (size_t)n;
		} else if (n < 0 && errno == EAGAIN) {
			int err = wait_for(c, POLLOUT, until, ms);

			if (err)
				return err;
		} else if (n < 0 && errno != EINTR) {
			return fail(c, -errno, "turnoutd has gone away: %s", strerror(errno));
		}
	}
	return 0;
}

/* The first descriptor that comes along is kept, for whoever expects one. */
static ssize_t receive_bytes(struct to_client *c, void *bytes, size_t size)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))]; /* the kernel closes any more */
	} control;
	struct iovec part = {bytes, size};
	struct msghdr h = {.msg_iov = &part,
			   .msg_iovlen = 1,
			   .msg_control = control.room,
			   .msg_controllen = sizeof(control.room)};
	ssize_t n = recvmsg(c->fd, &h, MSG_CMSG_CLOEXEC);
	int fd;

	if (n >= 0 && to_take_descriptors(&h, &fd)) {
		if (c->passed >= 0)
			close(c->passed);
		c->passed = fd;
	}
	return n;
}

struct line {
	char *bytes;
	size_t size, room;
};

/* More of the answer. Returns 1 when its newline has come. */
static int receive(struct to_client *c, struct line *l)
{
	char *end;
	ssize_t n;

	if (l->size == l->room) {
		size_t room = l->room ? l->room * 2 : FIRST_ROOM;
		char *more = room <= TO_CLIENT_MAX_ANSWER ? realloc(l->bytes, room) : NULL;

		if (!more)
			return fail(c, -EPROTO,
				    "an answer too long to be turnoutd's: is %s its "
				    "socket?",
				    c->path);
		l->bytes = more;
		l->room = room;
	}
	n = receive_bytes(c, l->bytes + l->size, l->room - l->size);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n < 0)
		return fail(c, -errno, "turnoutd has gone away: %s", strerror(errno));
	if (n == 0)
		return fail(c, -ECONNRESET,
			    "turnoutd has gone away without an answer: systemctl status turnoutd");
	end = memchr(l->bytes + l->size, '\n', (size_t)n);
	l->size += (size_t)n;
	if (end && end + 1 != l->bytes + l->size)
		return fail(c, -EPROTO,
			    "more than one answer to one request: is %s turnoutd's socket?",
			    c->path);
	return end != NULL;
}

static int read_answer(struct to_client *c, uint64_t until, unsigned ms, json_t **answer)
{
	struct line l = {0};
	json_error_t error;
	int ret;

	do {
		ret = wait_for(c, POLLIN, until, ms);
		if (ret == 0)
			ret = receive(c, &l);
	} while (ret == 0);
	if (ret > 0) {
		ret = 0;
		*answer = json_loadb(l.bytes, l.size, JSON_REJECT_DUPLICATES, &error);
		if (!*answer || !json_is_boolean(json_object_get(*answer, "ok"))) {
			json_decref(*answer);
			*answer = NULL;
			ret = fail(c, -EPROTO,
				   "an answer that is not turnoutd's: is %s its socket?", c->path);
		}
	}
	free(l.bytes);
	return ret;
}

int to_client_ask(struct to_client *c, json_t *request, unsigned ms, json_t **answer)
{
	uint64_t until = now_ms() + ms;
	char *text = request ? json_dumps(request, JSON_COMPACT) : NULL;
	size_t size = text ? strlen(text) : 0;
	int err;

	*answer = NULL;
	json_decref(request);
	if (!text)
		return fail(c, -EINVAL, "cannot ask that: a word is not UTF-8");
	if (c->fd < 0)
		err = fail(c, -ENOTCONN, "not connected to turnoutd");
	else if (size + 1 > TO_CLIENT_MAX_REQUEST)
		err = fail(c, -EMSGSIZE, "cannot ask that: longer than 64 KiB");
	else {
		text[size] = '\n';
		err = send_line(c, text, size + 1, until, ms);
	}
	free(text);
	return err ? err : read_answer(c, until, ms, answer);
}

bool to_client_ok(const json_t *answer)
{
	return json_is_true(json_object_get(answer, "ok"));
}

/* C0, DEL, and C1, which UTF-8 writes in two bytes. */
static void clean_string(json_t *string, bool lines)
{
	size_t size = json_string_length(string);
	char *text = strndup(json_string_value(string), size);

	if (!text)
		return;
	for (size_t i = 0; i < size; i++) {
		unsigned char b = (unsigned char)text[i];

		if (b == '\n')
			text[i] = lines ? '\n' : ' ';
		else if (b < 0x20 || b == 0x7f)
			text[i] = '?';
		else if (b == 0xc2 && (unsigned char)text[i + 1] < 0xa0)
			text[i] = text[i + 1] = '?';
	}
	json_string_setn(string, text, size);
	free(text);
}

void to_client_clean(json_t *answer, bool lines)
{
	const char *key;
	json_t *value;
	size_t i;

	if (json_is_string(answer)) {
		clean_string(answer, lines);
	} else if (json_is_array(answer)) {
		json_array_foreach(answer, i, value)
		{
			to_client_clean(value, lines);
		}
	} else if (json_is_object(answer)) {
		json_object_foreach(answer, key, value)
		{
			to_client_clean(value, lines);
		}
	}
}
