/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "flow.h"

#define STALLED_MS  8000 /* of TCP: some of its retransmissions have been in vain */
#define GIVE_UP_MS  1500 /* of UDP: an answer takes some ms; later ones are lost */
#define UDP_LEAST   32   /* payload bytes */
#define UDP_SPREAD  900
#define TCP_SPREAD  LIVE_MAX_PAYLOAD
#define SEEN_WINDOW 64

void live_flow_break(struct live_flow *f, const char *why)
{
	f->state = LIVE_FLOW_BROKEN;
	snprintf(f->why, sizeof(f->why), "%s", why);
}

static bool is_tcp(const struct live_flow *f)
{
	return f->type == SOCK_STREAM;
}

/* Has made all its asks, whatever became of them. */
static bool is_done(const struct live_flow *f)
{
	return f->asks && f->asked >= f->asks;
}

void live_flow_open(struct live_flow *f, const union live_address *to, uint64_t now)
{
	socklen_t size = sizeof(f->from);

	f->state = is_tcp(f) ? LIVE_FLOW_CONNECTING : LIVE_FLOW_OPEN;
	f->moved = now;
	f->fd = live_socket(f->type, &f->from);
	if (f->fd < 0)
		live_flow_break(f, strerror(-f->fd));
	else if (connect(f->fd, &to->any, live_address_size(to)) < 0 && errno != EINPROGRESS)
		live_flow_break(f, strerror(errno));
	else if (getsockname(f->fd, &f->from.any, &size) < 0)
		live_flow_break(f, strerror(errno));
}

/* Between half and one and a half of the mean, so that flows do not march in step. */
static void rest(struct live_flow *f, const struct live_turn *t)
{
	uint64_t random = live_mix(f->id + f->asked);

	f->next = t->now + t->every / 2 + random % (t->every + 1);
}

static uint32_t size_of(const struct live_flow *f, unsigned what)
{
	uint64_t random = live_mix(f->id * 31 + f->asked * 2u + what);

	if (is_tcp(f)) /* mostly small ones, and some of several segments */
		return (uint32_t)(random % 4 ? random % 700 : random % TCP_SPREAD);
	return (uint32_t)(UDP_LEAST + random % UDP_SPREAD);
}

static void ask(struct live_flow *f, const struct live_turn *t)
{
	struct live_block b;
	size_t len;

	b.head = (struct live_head){.flow = f->id,
				    .seq = f->asked,
				    .mark = t->mark,
				    .way = LIVE_ASK,
				    .payload = size_of(f, 0),
				    .want = size_of(f, 1),
				    .from = live_address_hash(&f->from)};
	len = live_block_fill(&b);
	/* TCP: all before has been answered, so that there is room for all of it */
	if (send(f->fd, &b, len, MSG_NOSIGNAL) != (ssize_t)len) {
		live_flow_break(f, strerror(errno));
		return;
	}
	f->asked++;
	f->seen <<= 1;
	rest(f, t);
}

/* Notes who answered; false when that is not who answered before. */
static bool same_edge(struct live_flow *f, const struct live_head *h)
{
	char why[sizeof(f->why)];

	if (!f->edge[0])
		memcpy(f->edge, h->edge, LIVE_EDGE_NAME);
	if (memcmp(f->edge, h->edge, LIVE_EDGE_NAME) == 0)
		return true;
	snprintf(why, sizeof(why), "moved from %s to %.*s", f->edge, LIVE_EDGE_NAME, h->edge);
	live_flow_break(f, why);
	return false;
}

static void answered(struct live_flow *f, size_t len, const struct live_turn *t)
{
	const struct live_head *h = &f->block.head;
	const char *wrong = live_block_wrong(&f->block, len, LIVE_ANSWER);
	uint32_t age;

	if (!wrong && (h->flow != f->id || h->seq >= f->asked))
		wrong = "an answer to another flow, or to no ask";
	if (wrong) {
		live_flow_break(f, wrong);
		return;
	}
	age = f->asked - 1 - h->seq;
	if (age < SEEN_WINDOW) {
		if (f->seen & 1ULL << age) {
			live_flow_break(f, "an answer came twice");
			return;
		}
		f->seen |= 1ULL << age;
	}
	if (!same_edge(f, h))
		return;
	f->answered++;
	f->moved = t->now;
	if (h->mark > f->mark)
		f->mark = h->mark;
}

static void read_datagrams(struct live_flow *f, const struct live_turn *t)
{
	while (f->state == LIVE_FLOW_OPEN) {
		ssize_t n = recv(f->fd, &f->block, sizeof(f->block), 0);

		if (n >= 0)
			answered(f, (size_t)n, t);
		else if (errno == EAGAIN)
			return;
		else
			live_flow_break(f, strerror(errno));
	}
}

static void end_of_stream(struct live_flow *f)
{
	if (f->state == LIVE_FLOW_CLOSING)
		f->state = LIVE_FLOW_OVER;
	else
		live_flow_break(f, "the server has closed");
}

static void read_stream(struct live_flow *f, const struct live_turn *t)
{
	size_t head = sizeof(f->block.head);

	while (f->state == LIVE_FLOW_OPEN || f->state == LIVE_FLOW_CLOSING) {
		size_t whole = f->have < head ? head : head + f->block.head.payload;
		ssize_t n = recv(f->fd, (uint8_t *)&f->block + f->have, whole - f->have, 0);

		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0) {
			live_flow_break(f, strerror(errno));
		} else if (n == 0) {
			end_of_stream(f);
		} else if ((f->have += (size_t)n) >= head &&
			   !live_head_good(&f->block.head, LIVE_ANSWER)) {
			live_flow_break(f, "not a block's head");
		} else if (f->have >= head && f->have == head + f->block.head.payload) {
			answered(f, f->have, t);
			f->have = 0;
		}
	}
}

void live_flow_event(struct live_flow *f, const struct live_turn *t)
{
	socklen_t size = sizeof(int);
	int error = 0;

	if (f->state == LIVE_FLOW_CONNECTING) {
		getsockopt(f->fd, SOL_SOCKET, SO_ERROR, &error, &size);
		if (error) {
			live_flow_break(f, strerror(error));
			return;
		}
		f->state = LIVE_FLOW_OPEN;
		f->moved = t->now;
		return;
	}
	if (is_tcp(f))
		read_stream(f, t);
	else
		read_datagrams(f, t);
}

static void close_down(struct live_flow *f)
{
	if (!is_tcp(f)) {
		f->state = LIVE_FLOW_OVER;
		return;
	}
	f->state = LIVE_FLOW_CLOSING;
	if (shutdown(f->fd, SHUT_WR) < 0)
		live_flow_break(f, strerror(errno));
}

void live_flow_tick(struct live_flow *f, const struct live_turn *t)
{
	bool idle = f->asked == f->answered;

	if (f->state >= LIVE_FLOW_OVER)
		return;
	if (is_tcp(f) && t->now >= f->moved + STALLED_MS && (!idle || f->state != LIVE_FLOW_OPEN)) {
		live_flow_break(f,
				f->state == LIVE_FLOW_CONNECTING ? "does not connect" : "stalled");
		return;
	}
	if (f->state != LIVE_FLOW_OPEN)
		return;
	if (is_done(f)) {
		if (!is_tcp(f)) { /* an answer that has come and that nobody has read yet */
			read_datagrams(f, t);
			idle = f->asked == f->answered;
		}
		if (f->state == LIVE_FLOW_OPEN &&
		    (idle || (!is_tcp(f) && t->now >= f->next + GIVE_UP_MS)))
			close_down(f);
	} else if (t->now >= f->next && (idle || !is_tcp(f))) {
		if (is_tcp(f))
			f->moved = t->now;
		ask(f, t);
	}
}

void live_flow_end(struct live_flow *f)
{
	if (!is_done(f))
		f->asks = f->asked ? f->asked : 1;
}

void live_flow_print(const struct live_flow *f, char *out, size_t size)
{
	char from[80];

	live_address_print(&f->from, from, sizeof(from));
	snprintf(out, size, "%s %s %s %s", is_tcp(f) ? "tcp" : "udp", f->held ? "held" : "short",
		 from, f->edge[0] ? f->edge : "-");
}
