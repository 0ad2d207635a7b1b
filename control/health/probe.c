/* SPDX-License-Identifier: BSD-3-Clause */
/* From a socket to a connection. */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include <event2/bufferevent.h>

#include "internal.h"

/* So that its port is chosen when it is known for which peer: there are enough of them. */
static int bind_source(int fd, const union to_addr *source)
{
	struct sockaddr_storage own;
	socklen_t size = to_endpoint_socket(source, 0, &own);
	int on = 1;

	if (setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on)) ||
	    bind(fd, (const struct sockaddr *)&own, size))
		return -errno;
	return 0;
}

/* The socket, or a negative errno; *doing: what failed. */
static int open_socket(const struct to_check *check, const char **doing)
{
	const struct to_health *health = check->health;
	const struct to_target *t = &check->target;
	int f = to_family_index(&t->addr), err = 0;
	int type = t->transport == TO_OVER_UDP ? SOCK_DGRAM : SOCK_STREAM;
	int fd = socket(f ? AF_INET6 : AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	*doing = "a socket";
	if (fd < 0)
		return -errno;
	if (t->mark && setsockopt(fd, SOL_SOCKET, SO_MARK, &t->mark, sizeof(t->mark))) {
		err = -errno;
		*doing = "SO_MARK, which needs CAP_NET_ADMIN";
	} else if (health->has_source[f]) {
		err = bind_source(fd, &health->source[f]);
		*doing = "the source address";
	}
	if (!err)
		return fd;
	close(fd);
	return err;
}

/* Did the host fail, and not the edge or the way there? */
static bool own_fault(int err)
{
	return err == EADDRNOTAVAIL || err == EAGAIN || err == ENOBUFS || err == ENOMEM ||
	       err == EPERM || err == EACCES;
}

static void connected(struct to_check *check)
{
	if (check->target.transport == TO_OVER_UDP)
		to_probe_datagram(check);
	else if (check->target.probe == TO_PROBE_TCP)
		to_check_done(check, TO_GOOD, "connected");
	else
		to_probe_stream(check);
}

void to_probe_failed(struct to_check *check, int err)
{
	if (own_fault(err))
		to_check_done(check, TO_NOT_ASKED, "not asked: %s", strerror(err));
	else
		to_check_done(check, TO_BAD, "%s", strerror(err));
}

static void on_connected(evutil_socket_t fd, short what, void *context)
{
	struct to_check *check = context;
	socklen_t size = sizeof(int);
	int err = 0;

	(void)what;
	event_free(check->attempt.io);
	check->attempt.io = NULL;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &size))
		err = errno;
	if (err)
		to_probe_failed(check, err);
	else
		connected(check);
}

static void await_connection(struct to_check *check)
{
	struct to_attempt *a = &check->attempt;

	a->io = event_new(check->health->base, a->fd, EV_WRITE, on_connected, check);
	if (!a->io || event_add(a->io, NULL))
		to_check_done(check, TO_NOT_ASKED, "not asked: no memory");
}

void to_probe_begin(struct to_check *check)
{
	struct sockaddr_storage peer;
	socklen_t size = to_endpoint_socket(&check->target.addr, check->target.port, &peer);
	const char *doing;
	int fd;

	memset(&check->attempt, 0, sizeof(check->attempt));
	fd = open_socket(check, &doing);
	check->attempt.fd = fd < 0 ? -1 : fd;
	if (fd < 0)
		to_check_done(check, TO_NOT_ASKED, "not asked: %s: %s", doing, strerror(-fd));
	else if (!connect(fd, (const struct sockaddr *)&peer, size))
		connected(check);
	else if (errno == EINPROGRESS)
		await_connection(check);
	else
		to_probe_failed(check, errno);
}

void to_probe_end(struct to_check *check)
{
	struct to_attempt *a = &check->attempt;

	if (a->io)
		event_free(a->io);
	if (a->stream)
		bufferevent_free(a->stream);
	if (a->fd >= 0)
		close(a->fd);
	a->io = NULL;
	a->stream = NULL;
	a->fd = -1;
}
