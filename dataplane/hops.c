/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Notifications are hints: each marks what it puts in doubt, and what is marked is asked for. So
 * nothing depends on their order among the answers, and when the kernel has had to drop some, all
 * is marked.
 */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hops_state.h"

#define MESSAGES_AT_A_TIME 1024 /* so that a storm of routes does not keep the caller */
#define RECEIVE_BUFFER     (4 << 20)
#define LIST_TRIES         16 /* of interfaces that change while they are listed */
/*
 * Some changes of routes are not reported (a path's MTU learned or forgotten, redirects, sysctls),
 * so all are looked up again in so many ticks.
 */
#define TICKS_AROUND 30

const char *to_hop_state_text(enum to_hop_state state)
{
	static const char *const text[] = {
#define TO_HOP_STATE_TEXT(name, words) words,
		TO_HOP_STATES(TO_HOP_STATE_TEXT)
#undef TO_HOP_STATE_TEXT
	};

	return (size_t)state < MNL_ARRAY_SIZE(text) ? text[state] : "unknown";
}

static void on_neighbour(struct to_hops *h, const struct to_rtnl_event *e)
{
	for (uint32_t i = 0; i < h->n; i++) {
		struct to_destination *d = &h->destination[i];

		if (d->path.ifindex == e->ifindex && to_addr_equal(&d->path.next, &e->address))
			to_doubt(d, NEIGHBOUR_IN_DOUBT);
	}
}

static void on_route(struct to_hops *h, const struct to_rtnl_event *e)
{
	for (uint32_t i = 0; i < h->n; i++)
		if (to_path_depends(&h->destination[i].wanted, &e->address, e->prefix))
			to_doubt(&h->destination[i], PATH_IN_DOUBT);
}

static int on_message(const struct nlmsghdr *m, void *arg)
{
	struct to_rtnl_event e;
	struct to_hops *h = arg;

	h->count.events++;
	if (to_rtnl_read_event(m, &e) < 0) {
		h->count.malformed++;
		to_hops_doubt_everything(h);
		return MNL_CB_OK;
	}
	switch (e.kind) {
	case TO_RTNL_NOTHING:
		break;
	case TO_RTNL_LINK:
		to_hops_refresh_link(h, e.ifindex);
		break;
	case TO_RTNL_LINK_GONE:
		/* Also when there is another of this index by now. */
		to_hops_take_link(h, e.ifindex);
		break;
	case TO_RTNL_NEIGHBOUR:
		on_neighbour(h, &e);
		break;
	case TO_RTNL_ROUTE:
		on_route(h, &e);
		break;
	case TO_RTNL_ROUTES:
		to_hops_doubt_paths(h);
		break;
	}
	return MNL_CB_OK;
}

/* Returns 1 when there may be more, 0, or a negative errno. */
static int read_some(struct to_hops *h)
{
	ssize_t n = mnl_socket_recvfrom(h->events, h->buffer, sizeof(h->buffer));

	if (n >= 0) {
		/* Any sequence number and port: those of whoever made the change. */
		if (mnl_cb_run(h->buffer, (size_t)n, 0, 0, on_message, h) < 0)
			to_hops_doubt_everything(h);
		return 1;
	}
	switch (errno) {
	case EAGAIN:
		if (h->overrun)
			to_hops_doubt_everything(h);
		h->overrun = false;
		return 0;
	case EINTR:
		return 1;
	case ENOBUFS:
		/* Says so once, but goes on dropping until the queue is empty: whatever is asked
		 * for before that may change with no word about it. */
		h->count.overruns++;
		h->overrun = true;
		return 1;
	case ENOSPC: /* one that is longer than the buffer */
		h->count.malformed++;
		to_hops_doubt_everything(h);
		return 1;
	default:
		return -errno;
	}
}

int to_hops_process(struct to_hops *h)
{
	int ret = 1, asked;

	if (h->busy)
		return -EBUSY;
	for (uint32_t i = 0; ret > 0 && i < MESSAGES_AT_A_TIME; i++)
		ret = read_some(h);
	asked = to_hops_refresh_all(h);
	return ret < 0 ? ret : asked;
}

static void audit(struct to_hops *h)
{
	uint32_t some = (h->n + TICKS_AROUND - 1) / TICKS_AROUND;

	for (uint32_t i = 0; i < some; i++)
		to_doubt(&h->destination[h->next_audit++ % h->n], PATH_IN_DOUBT);
}

int to_hops_tick(struct to_hops *h)
{
	if (h->busy)
		return -EBUSY;
	audit(h);
	for (uint32_t i = 0; i < h->n; i++) {
		struct to_destination *d = &h->destination[i];

		d->solicited = false;
		/* That a neighbour begins to be asked is not reported, nor that it stops. */
		if (!(d->neighbour.nud & NUD_SETTLED))
			to_doubt(d, NEIGHBOUR_IN_DOUBT);
	}
	return to_hops_process(h);
}

static struct to_destination *find(const struct to_hops *h, uint32_t id)
{
	for (uint32_t i = 0; i < h->n; i++)
		if (h->destination[i].id == id)
			return (struct to_destination *)&h->destination[i];
	return NULL;
}

int to_hops_watch(struct to_hops *h, uint32_t id, const struct to_hop_wanted *wanted)
{
	struct to_destination *d = find(h, id);
	int ret = to_path_check(wanted);

	if (h->busy)
		return -EBUSY;
	if (ret < 0)
		return ret;
	if (!d) {
		if (h->n == TO_HOPS_MAX)
			return -ENOSPC;
		d = &h->destination[h->n++];
		memset(d, 0, sizeof(*d));
		d->id = id;
	}
	d->wanted = *wanted;
	d->solicited = false;
	d->doubt = PATH_IN_DOUBT;
	to_hops_refresh(h, d); /* what fails is in doubt, and the next tick says what is wrong */
	return 0;
}

int to_hops_unwatch(struct to_hops *h, uint32_t id)
{
	struct to_destination *d = find(h, id);

	if (h->busy)
		return -EBUSY;
	if (!d)
		return -ENOENT;
	*d = h->destination[--h->n];
	return 0;
}

const struct to_hop *to_hops_get(const struct to_hops *h, uint32_t id)
{
	const struct to_destination *d = find(h, id);

	return d && d->reported ? &d->hop : NULL;
}

const struct to_link *to_hops_link(const struct to_hops *h, uint32_t ifindex)
{
	return to_links_find(&h->links, ifindex);
}

struct to_hops_counters to_hops_count(const struct to_hops *h)
{
	return h->count;
}

int to_hops_fd(const struct to_hops *h)
{
	return mnl_socket_get_fd(h->events);
}

static int subscribe(struct mnl_socket *s)
{
	static const int groups[] = {
		RTNLGRP_LINK,      RTNLGRP_NEIGH,     RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE,
		RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE, RTNLGRP_NEXTHOP,
	};
	int size = RECEIVE_BUFFER;

	if (mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	for (size_t i = 0; i < MNL_ARRAY_SIZE(groups); i++) {
		int group = groups[i];

		if (mnl_socket_setsockopt(s, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0)
			return -errno;
	}
	/* Without the privilege, up to net.core.rmem_max: overruns come sooner. */
	if (setsockopt(mnl_socket_get_fd(s), SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(mnl_socket_get_fd(s), SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	return 0;
}

static int open_sockets(struct to_hops *h)
{
	int ret = to_rtnl_open(&h->rtnl);

	if (ret < 0)
		return ret;
	h->events = mnl_socket_open2(NETLINK_ROUTE, SOCK_NONBLOCK | SOCK_CLOEXEC);
	return h->events ? subscribe(h->events) : -errno;
}

int to_hops_open(struct to_hops **out, const struct to_hops_callbacks *callbacks, void *arg,
		 char *err, size_t err_size)
{
	struct to_hops *h = calloc(1, sizeof(*h));
	int ret, tries = 0;

	if (!h) {
		snprintf(err, err_size, "no memory for next hops");
		return -ENOMEM;
	}
	h->callbacks = *callbacks;
	h->arg = arg;
	ret = open_sockets(h);
	if (ret < 0) {
		snprintf(err, err_size, "cannot follow the kernel's routes: %s", strerror(-ret));
		goto fail;
	}
	do /* -EINTR: they changed meanwhile, and what was told has holes */
		ret = to_hops_refresh_links(h);
	while (ret == -EINTR && ++tries < LIST_TRIES);
	if (ret < 0 && ret != -EINTR) { /* still: the first tick asks again */
		snprintf(err, err_size, "cannot list the interfaces: %s", strerror(-ret));
		goto fail;
	}
	*out = h;
	return 0;
fail:
	to_hops_close(h);
	return ret;
}

void to_hops_close(struct to_hops *h)
{
	if (!h)
		return;
	if (h->events)
		mnl_socket_close(h->events);
	to_rtnl_close(&h->rtnl);
	to_links_free(&h->links);
	free(h);
}
