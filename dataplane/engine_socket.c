/* SPDX-License-Identifier: BSD-3-Clause */
#include "engine_socket.h"

#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <turnout/descriptors.h>

#define BACKLOG 8

static int complain(const char *path, const char *what, int ret, char *err, size_t err_size)
{
	snprintf(err, err_size, "%s: %s: %s", path, what, strerror(-ret));
	return ret;
}

static int check_path(const char *path, char *err, size_t err_size)
{
	const size_t most = sizeof(((struct to_engine_socket *)0)->path) - 1;

	if (*path && strlen(path) <= most)
		return 0;
	snprintf(err, err_size, "%s: expected a path of 1 to %zu bytes", path, most);
	return -EINVAL;
}

/* The file stays: whoever removed it would take it from under one that has just opened it. */
int to_engine_lock(const char *path, char *err, size_t err_size)
{
	char name[sizeof(((struct to_engine_socket *)0)->path) + sizeof(".lock")];
	int ret = check_path(path, err, err_size), lock;

	if (ret < 0)
		return ret;
	snprintf(name, sizeof(name), "%s.lock", path);
	lock = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (lock < 0)
		return complain(name, "cannot be opened", -errno, err, err_size);
	if (flock(lock, LOCK_EX | LOCK_NB) == 0)
		return lock;
	ret = errno == EWOULDBLOCK ? -EBUSY : -errno;
	if (ret == -EBUSY)
		snprintf(err, err_size, "%s: another engine listens there", path);
	else
		complain(name, "cannot be locked", ret, err, err_size);
	close(lock);
	return ret;
}

/* What a dead process has left; nobody listens there, for we have the lock. */
static int remove_stale(const struct to_engine_socket *s, char *err, size_t err_size)
{
	struct stat st;

	if (lstat(s->path, &st) < 0)
		return errno == ENOENT ? 0
				       : complain(s->path, "cannot be had", -errno, err, err_size);
	if (!S_ISSOCK(st.st_mode)) {
		snprintf(err, err_size, "%s: it is there, and no socket", s->path);
		return -EEXIST;
	}
	return unlink(s->path) < 0 ? complain(s->path, "cannot be replaced", -errno, err, err_size)
				   : 0;
}

static int bind_socket(struct to_engine_socket *s, char *err, size_t err_size)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	mode_t before;
	int ret;

	memcpy(address.sun_path, s->path, sizeof(s->path));
	s->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->fd < 0)
		return complain(s->path, "no socket", -errno, err, err_size);
	before = umask(0177); /* so that there is no moment in which more may */
	ret = bind(s->fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
	umask(before);
	if (ret < 0)
		return complain(s->path, "cannot be bound", ret, err, err_size);
	if (s->has_group && (chown(s->path, (uid_t)-1, s->group) < 0 || chmod(s->path, 0660) < 0))
		return complain(s->path, "cannot be given to the group", -errno, err, err_size);
	if (listen(s->fd, BACKLOG) < 0)
		return complain(s->path, "cannot listen", -errno, err, err_size);
	return 0;
}

static int find_group(struct to_engine_socket *s, const char *name, char *err, size_t err_size)
{
	const struct group *g = name ? getgrnam(name) : NULL;

	s->has_group = name != NULL;
	if (g)
		s->group = g->gr_gid;
	if (!name || g)
		return 0;
	snprintf(err, err_size, "there is no group '%s'", name);
	return -EINVAL;
}

int to_engine_listen(struct to_engine_socket *s, const char *path, const char *group, int lock,
		     char *err, size_t err_size)
{
	int ret = check_path(path, err, err_size);

	*s = (struct to_engine_socket){.fd = -1, .lock = lock};
	if (ret == 0) {
		memcpy(s->path, path, strlen(path));
		ret = find_group(s, group, err, err_size);
	}
	if (ret == 0 && s->lock < 0)
		ret = s->lock = to_engine_lock(path, err, err_size);
	if (ret >= 0)
		ret = remove_stale(s, err, err_size);
	if (ret == 0)
		ret = bind_socket(s, err, err_size);
	if (ret < 0)
		to_engine_unlisten(s);
	return ret;
}

void to_engine_unlisten(struct to_engine_socket *s)
{
	if (s->fd >= 0) {
		unlink(s->path);
		close(s->fd);
	}
	if (s->lock >= 0)
		close(s->lock);
	s->fd = s->lock = -1;
}

static bool is_member(int peer, gid_t gid, gid_t group)
{
	gid_t groups[256]; /* of a peer that has more, the others do not count */
	socklen_t size = sizeof(groups);

	if (gid == group)
		return true;
	if (getsockopt(peer, SOL_SOCKET, SO_PEERGROUPS, groups, &size) < 0)
		return false;
	for (socklen_t i = 0; i < size / sizeof(groups[0]); i++) {
		if (groups[i] == group)
			return true;
	}
	return false;
}

/* The file's mode says the same; but a directory may be mounted, or a mode changed. */
static bool may_connect(const struct to_engine_socket *s, int peer)
{
	struct ucred who;
	socklen_t size = sizeof(who);

	if (getsockopt(peer, SOL_SOCKET, SO_PEERCRED, &who, &size) < 0)
		return false;
	return who.uid == 0 || who.uid == geteuid() ||
	       (s->has_group && is_member(peer, who.gid, s->group));
}

int to_engine_accept(const struct to_engine_socket *s)
{
	int peer = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (peer < 0)
		return -errno;
	if (may_connect(s, peer))
		return peer;
	close(peer);
	return -EPERM;
}

int to_engine_receive(int peer, union to_message *m, int *fd)
{
	unsigned descriptors;
	ssize_t n = to_receive_with(peer, m, sizeof(*m), fd, &descriptors);
	int ret;

	if (n < 0)
		return n == -EAGAIN || n == -EBADMSG ? (int)n : -ECONNRESET;
	ret = to_message_check(m, (size_t)n, descriptors, TO_FROM_CONTROL);
	if (ret < 0 && *fd >= 0) {
		close(*fd);
		*fd = -1;
	}
	return ret;
}

int to_engine_send(int peer, const union to_message *m, int fd)
{
	return to_send_with(peer, m, m->head.size, fd);
}
