/* SPDX-License-Identifier: BSD-3-Clause */
/* What the engine sends, as it comes, until there is no more of it. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <time.h>
#include <turnout/descriptors.h>
#include <unistd.h>

#include "capture.h"

#define TICK_MS  200  /* how often is looked for a signal that came just before a poll() */
#define CLOSE_MS 3000 /* that the engine may take to end it */

static volatile int signals;

static void on_signal(int number)
{
	(void)number;
	signals++;
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* What was captured until now is to be had all the same, and so is the engine's last word. */
static void ask_end(struct to_capture_run *r, const char *why)
{
	const struct to_message_head m = {TO_MSG_CAPTURE_END, 0, sizeof(m), 1};

	if (r->closing)
		return;
	r->closing = true;
	r->ended = why;
	r->until_ms = now_ms() + CLOSE_MS;
	send(r->fd, &m, sizeof(m), MSG_NOSIGNAL | MSG_DONTWAIT); /* its end will be seen */
}

static void take_error(struct to_capture_run *r, int err)
{
	r->mute |= err < 0;
	if (err == -EFBIG) {
		ask_end(r, "it is as large as --max-size");
	} else if (err == -EPIPE || err == -EINTR) {
		ask_end(r, "nobody reads it any more");
	} else if (err < 0) {
		r->error = err;
		ask_end(r, "it cannot be written");
	}
}

static void begin_output(struct to_capture_run *r)
{
	const char *build = to_json_text(r->answer, "build");
	const json_t *ports = json_object_get(r->answer, "ports");
	char application[128], host[sizeof(struct utsname)];
	struct utsname u;
	int err;

	if (ftruncate(r->out.fd, 0) < 0 && errno != EINVAL) {
		take_error(r, -errno);
		return;
	}
	uname(&u);
	snprintf(application, sizeof(application), "turnout capture %s, %.40s", TURNOUT_VERSION,
		 build ? build : "?");
	snprintf(host, sizeof(host), "%s, %s %s", u.nodename, u.sysname, u.release);
	err = to_pcapng_begin(&r->out, application, host);
	for (size_t i = 0; !err && i < json_array_size(ports); i++) {
		err = to_pcapng_interface(&r->out,
					  json_string_value(json_array_get(ports, i)) ?: "?");
		r->interfaces++;
	}
	if (!err) /* of ports that have come since */
		err = to_pcapng_interface(&r->out, "other");
	r->began = true;
	r->until_ms = now_ms() + r->seconds * 1000ull + CLOSE_MS;
	take_error(r, err ? err : to_pcapng_flush(&r->out));
}

static void write_packets(struct to_capture_run *r, const struct to_msg_captured *m)
{
	char comment[TO_CAPTURE_WORDS];
	size_t at = sizeof(*m);
	const struct to_captured *p;
	int err = 0, flushed;

	while (!err && (p = to_captured_next(m, &at))) {
		struct to_pcapng_packet packet = {
			.interface = p->port < r->interfaces ? p->port : r->interfaces,
			.length = p->length,
			.captured = p->captured,
			.time_ns = p->time_ns,
			.bytes = (const uint8_t *)(p + 1),
			.comment = to_capture_comment(p, r->answer, comment),
		};

		err = to_pcapng_packet(&r->out, &packet);
		r->packets += !err;
	}
	flushed = to_pcapng_flush(&r->out); /* also what came before one that does not fit */
	take_error(r, flushed ? flushed : err);
}

/* The next message's type, 0: there is none; or a negative errno. */
static int receive(const struct to_capture_run *r, union to_message *m)
{
	unsigned descriptors;
	int fd;
	ssize_t n = to_receive_with(r->fd, m, sizeof(*m), &fd, &descriptors);

	if (fd >= 0) /* the region's, which is not looked at */
		close(fd);
	if (n < 0)
		return n == -EAGAIN ? 0 : (int)n;
	return to_message_check(m, (size_t)n, descriptors, TO_FROM_ENGINE);
}

/* Returns TO_EXIT_DONE to go on. */
static enum to_exit take(struct to_capture_run *r, const union to_message *m)
{
	switch (m->head.type) {
	case TO_MSG_WELCOME:
		return TO_EXIT_DONE;
	case TO_MSG_REFUSED:
		to_complain("the engine refuses: %s", m->refused.reason);
		return TO_EXIT_REFUSED;
	case TO_MSG_CAPTURED:
		if (!r->began)
			begin_output(r);
		if (!r->mute)
			write_packets(r, &m->captured);
		return TO_EXIT_DONE;
	case TO_MSG_CAPTURE_END:
		r->end = m->capture_end;
		return TO_EXIT_DONE;
	default:
		to_complain("the engine answers something else");
		return TO_EXIT_UNREACHABLE;
	}
}

static void show(struct to_capture_run *r, bool last)
{
	uint64_t now = now_ms();

	if (!r->progress || !r->began || (!last && now < r->shown_ms + 1000))
		return;
	r->shown_ms = now;
	fprintf(stderr, "\r\033[K");
	if (!last)
		fprintf(stderr, "%llu packets, %llu bytes (Ctrl-C ends it)",
			(unsigned long long)r->packets, (unsigned long long)r->out.written);
	fflush(stderr);
}

/* False: the engine has had its time, or a person has lost patience. */
static bool wait_for_more(struct to_capture_run *r)
{
	struct pollfd fds[] = {{.fd = r->fd, .events = POLLIN}, {.fd = r->out.fd}};

	poll(fds, 2, TICK_MS);
	if (fds[1].revents & POLLERR)
		take_error(r, -EPIPE);
	if (signals)
		ask_end(r, "a signal has ended it");
	show(r, false);
	if (now_ms() < r->until_ms)
		return signals < 2;
	if (!r->closing)
		to_complain("the engine has not %s", r->began ? "ended it in time" : "answered");
	return false;
}

static enum to_exit go_on(struct to_capture_run *r)
{
	static union to_message m; /* too large for a stack */
	enum to_exit code = TO_EXIT_DONE;

	while (!code && !r->end.head.type && wait_for_more(r)) {
		int type;

		while (!code && !r->end.head.type && (type = receive(r, &m)) != 0) {
			if (type < 0) {
				to_complain("the engine has gone away");
				return TO_EXIT_UNREACHABLE;
			}
			code = take(r, &m);
		}
	}
	return code;
}

enum to_exit to_capture_receive(struct to_capture_run *r)
{
	static const char *const ends[] = {TO_NAMES(TO_CAPTURE_ENDS)};
	const struct sigaction catch = {.sa_handler = on_signal}; /* a write() may end early */
	enum to_exit code;

	sigaction(SIGINT, &catch, NULL);
	sigaction(SIGTERM, &catch, NULL);
	signal(SIGPIPE, SIG_IGN);
	r->out.hurry = &signals;
	r->until_ms = now_ms() + r->patience_ms;
	code = go_on(r);
	show(r, true);
	to_pcapng_end(&r->out);
	if (r->error)
		to_complain("%s: %s", r->path, strerror(-r->error));
	if (!code && !r->end.head.type && !r->closing)
		code = TO_EXIT_UNREACHABLE;
	if (!r->ended)
		r->ended = r->end.head.type ? ends[r->end.why] : "the engine is gone";
	return r->error ? TO_EXIT_USAGE : code;
}
