/* SPDX-License-Identifier: BSD-3-Clause */
#include "engine_link.h"

#include <event2/event.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <turnout/descriptors.h>

#include "clock.h"
#include "plain.h"

#define MAX_ASKED    96   /* more than there are clients of the API, each of which has one call */
#define FIRST_PAUSE  0.05 /* seconds, doubled up to the last */
#define LAST_PAUSE   2.0
#define CENSUS_TIME  4                 /* times as long as others: it walks the tables */
#define RELEASE_TIME (4 * CENSUS_TIME) /* that again and again, until nothing is left */

struct asked {
	uint64_t request;
	uint16_t type;
	to_link_answer *answer;
	void *context;
	uint64_t deadline; /* CLOCK_BOOTTIME */
};

struct to_link {
	struct event_base *base;
	struct sockaddr_un address;
	struct to_link_calls calls;
	double timeout, pause;
	int fd; /* -1: no connection */
	bool up;
	struct event *readable; /* while connected */
	struct event *timer;    /* a deadline, or the next try to connect */
	uint64_t requests;
	struct asked asked[MAX_ASKED]; /* oldest first */
	unsigned count;
};

static const struct {
	uint16_t answer;
	const char *name;
} answers[TO_MSG_TYPE_COUNT] = {
	[TO_MSG_HELLO] = {TO_MSG_WELCOME, "HELLO"},
	[TO_MSG_TABLE] = {TO_MSG_TABLE, "TABLE"},
	[TO_MSG_PREPARE] = {TO_MSG_PREPARED, "PREPARE"},
	[TO_MSG_COMMIT] = {TO_MSG_APPLIED, "COMMIT"},
	[TO_MSG_DISCARD] = {TO_MSG_DISCARD, "DISCARD"},
	[TO_MSG_CENSUS] = {TO_MSG_CENSUS, "CENSUS"},
	[TO_MSG_FLOWS] = {TO_MSG_FLOW_PAGE, "FLOWS"},
	[TO_MSG_RELEASE] = {TO_MSG_RELEASED, "RELEASE"},
};

static void set_timer(struct to_link *l, double seconds)
{
	struct timeval tv = {(time_t)seconds,
			     (suseconds_t)((seconds - (double)(time_t)seconds) * 1e6)};

	evtimer_add(l->timer, &tv);
}

static bool is_slow(uint16_t type)
{
	return type == TO_MSG_COMMIT || type == TO_MSG_CENSUS || type == TO_MSG_RELEASE;
}

static uint64_t deadline_of(const struct to_link *l, uint16_t type)
{
	double seconds = l->timeout * (type == TO_MSG_CENSUS    ? CENSUS_TIME
				       : type == TO_MSG_RELEASE ? RELEASE_TIME
								: 1);

	return to_boot_ns() + (uint64_t)(seconds * (double)TO_NS);
}

/* While a commit is not live, whatever was asked behind it waits. */
static const struct asked *commit_of(const struct to_link *l)
{
	for (unsigned i = 0; i < l->count; i++)
		if (l->asked[i].type == TO_MSG_COMMIT)
			return &l->asked[i];
	return NULL;
}

static const struct asked *next_due(const struct to_link *l)
{
	const struct asked *first = commit_of(l);

	for (unsigned i = 0; i < l->count && (!first || first->type != TO_MSG_COMMIT); i++)
		if (!first || l->asked[i].deadline < first->deadline)
			first = &l->asked[i];
	return first;
}

static void wait_for_answers(struct to_link *l)
{
	const struct asked *first = next_due(l);
	uint64_t now = to_boot_ns();

	if (!first)
		evtimer_del(l->timer);
	else
		set_timer(l, first->deadline > now ? (double)(first->deadline - now) / (double)TO_NS
						   : 0);
}

static void disconnect(struct to_link *l)
{
	if (l->readable)
		event_free(l->readable);
	l->readable = NULL;
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
	l->up = false;
}

/* Whoever has asked hears that there will be no answer. */
static void forsake(struct to_link *l)
{
	struct asked asked[MAX_ASKED];
	unsigned count = l->count;

	memcpy(asked, l->asked, sizeof(asked));
	l->count = 0;
	for (unsigned i = 0; i < count; i++)
		if (asked[i].answer)
			asked[i].answer(asked[i].context, NULL, -1);
}

static void lose(struct to_link *l, const char *why)
{
	disconnect(l);
	set_timer(l, l->pause);
	l->pause = l->pause * 2 < LAST_PAUSE ? l->pause * 2 : LAST_PAUSE;
	forsake(l);
	l->calls.lost(l->calls.context, why);
}

void to_link_drop(struct to_link *l, const char *format, ...)
{
	char why[256];
	va_list args;

	va_start(args, format);
	vsnprintf(why, sizeof(why), format, args);
	va_end(args);
	if (l->fd >= 0)
		lose(l, why);
}

bool to_link_is_up(const struct to_link *l)
{
	return l && l->up;
}

static int ask(struct to_link *l, void *m, int fd, to_link_answer *answer, void *context)
{
	struct to_message_head *head = m;
	size_t size = to_message_rule_of(TO_FROM_CONTROL, head->type).size;
	int err;

	if (l->count == MAX_ASKED)
		return -EBUSY;
	head->size = (uint32_t)size;
	head->request = ++l->requests;
	err = to_send_with(l->fd, m, size, fd);
	if (err) /* a full socket, too: it has not read for long */
		return err;
	l->asked[l->count++] = (struct asked){head->request, head->type, answer, context,
					      deadline_of(l, head->type)};
	wait_for_answers(l);
	return 0;
}

int to_link_ask(struct to_link *l, void *m, int fd, to_link_answer *answer, void *context)
{
	int err = to_link_is_up(l) ? ask(l, m, fd, answer, context) : -ENOTCONN;

	if (err == -EAGAIN || err == -EPIPE || err == -ECONNRESET)
		return -ENOTCONN; /* its end, or its time-out, will be seen */
	return err;
}

static void on_welcome(struct to_link *l, const union to_message *m, int fd)
{
	int err;

	if (m->head.type == TO_MSG_REFUSED) {
		to_link_drop(l, "it refused to talk: %s", m->refused.reason);
		return;
	}
	if (m->welcome.version != TO_PROTOCOL_VERSION) {
		to_link_drop(l, "it speaks version %u of the protocol, not %u", m->welcome.version,
			     TO_PROTOCOL_VERSION);
		return;
	}
	l->up = true;
	err = l->calls.welcome(l->calls.context, &m->welcome, fd);
	if (err < 0)
		to_link_drop(l, "what it shows of itself is not what was agreed: %s",
			     strerror(-err));
	else
		l->pause = FIRST_PAUSE;
}

static void make_texts_plain(union to_message *m)
{
	if (m->head.type == TO_MSG_REFUSED)
		to_make_plain(m->refused.reason);
	if (m->head.type == TO_MSG_WELCOME) {
		to_make_plain(m->welcome.stage);
		to_make_plain(m->welcome.build);
	}
}

static bool is_last(const union to_message *m)
{
	return m->head.type != TO_MSG_APPLIED || m->applied.live;
}

static void take(struct to_link *l, const union to_message *m, int fd)
{
	struct asked a;
	unsigned i = 0;

	while (i < l->count && l->asked[i].request != m->head.request)
		i++;
	if (i == l->count) {
		to_link_drop(l, "it answered what it was not asked");
		return;
	}
	a = l->asked[i];
	if (m->head.type != TO_MSG_REFUSED && m->head.type != answers[a.type].answer) {
		to_link_drop(l, "it answered something else to a %s", answers[a.type].name);
		return;
	}
	if (is_last(m)) {
		memmove(&l->asked[i], &l->asked[i + 1], (--l->count - i) * sizeof(a));
		/* what was asked behind it has waited */
		for (unsigned k = 0; k < l->count && is_slow(a.type); k++)
			l->asked[k].deadline = deadline_of(l, l->asked[k].type);
	} else {
		l->asked[i].deadline = deadline_of(l, a.type);
	}
	wait_for_answers(l);
	if (a.type == TO_MSG_HELLO)
		on_welcome(l, m, fd);
	else if (a.answer)
		a.answer(a.context, m, fd);
}

static void on_readable(int fd, short what, void *context)
{
	static union to_message m; /* too large for a stack; one thread */
	struct to_link *l = context;
	unsigned count;
	int came;
	ssize_t n = to_receive_with(l->fd, &m, sizeof(m), &came, &count);

	(void)fd;
	(void)what;
	if (n == -EAGAIN)
		return;
	if (n >= 0 && to_message_check(&m, (size_t)n, count, TO_FROM_ENGINE) < 0)
		n = -EBADMSG;
	if (n >= 0) {
		make_texts_plain(&m);
		take(l, &m, came);
	}
	if (came >= 0)
		close(came);
	if (n == -EBADMSG)
		to_link_drop(l, "it sent what is no message of the protocol");
	else if (n < 0)
		to_link_drop(l, "it ended the connection");
}

static int say_hello(struct to_link *l)
{
	struct to_msg_hello hello = {.head.type = TO_MSG_HELLO,
				     .magic = TO_PROTOCOL_MAGIC,
				     .version = TO_PROTOCOL_VERSION};

	l->readable = event_new(l->base, l->fd, EV_READ | EV_PERSIST, on_readable, l);
	if (!l->readable || event_add(l->readable, NULL) < 0)
		return -ENOMEM;
	return ask(l, &hello, -1, NULL, NULL);
}

static void try_to_connect(struct to_link *l)
{
	int err = 0;

	l->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (l->fd < 0 || connect(l->fd, (struct sockaddr *)&l->address, sizeof(l->address)) < 0)
		err = -errno;
	if (!err)
		err = say_hello(l);
	if (err) {
		char why[200];

		snprintf(why, sizeof(why), "no engine at %s: %s", l->address.sun_path,
			 strerror(-err));
		lose(l, why);
	}
}

static void on_timer(int fd, short what, void *context)
{
	struct to_link *l = context;
	const struct asked *first = next_due(l);

	(void)fd;
	(void)what;
	if (l->fd < 0)
		try_to_connect(l);
	else if (first && first->deadline <= to_boot_ns())
		to_link_drop(l, "it has not answered a %s for %g s", answers[first->type].name,
			     l->timeout * (first->type == TO_MSG_CENSUS ? CENSUS_TIME : 1));
	else
		wait_for_answers(l);
}

int to_link_open(struct event_base *base, const char *path, double timeout,
		 const struct to_link_calls *calls, struct to_link **out)
{
	struct to_link *l;

	if (strlen(path) >= sizeof(l->address.sun_path))
		return -ENAMETOOLONG;
	l = calloc(1, sizeof(*l));
	if (!l)
		return -ENOMEM;
	l->base = base;
	l->calls = *calls;
	l->timeout = timeout;
	l->pause = FIRST_PAUSE;
	l->fd = -1;
	l->address.sun_family = AF_UNIX;
	memcpy(l->address.sun_path, path, strlen(path) + 1);
	l->timer = evtimer_new(base, on_timer, l);
	if (!l->timer) {
		free(l);
		return -ENOMEM;
	}
	set_timer(l, 0);
	*out = l;
	return 0;
}

void to_link_close(struct to_link *l)
{
	if (!l)
		return;
	disconnect(l);
	forsake(l);
	event_free(l->timer);
	free(l);
}
