/* SPDX-License-Identifier: BSD-3-Clause */
/* The control socket: made, guarded, read and written. Nothing here blocks. */
#ifndef TURNOUT_ENGINE_SOCKET_H
#define TURNOUT_ENGINE_SOCKET_H

#include <sys/types.h>
#include <turnout/protocol_check.h>

struct to_engine_socket {
	int fd;
	int lock; /* held as long as we listen */
	gid_t group;
	bool has_group;
	char path[108];
};

/*
 * As long as a process holds it, the socket's name is its to make, and nobody else's. Returns a
 * descriptor, or a negative errno with a message: -EBUSY another process has it.
 */
int to_engine_lock(const char *path, char *err, size_t err_size);

/*
 * Listens at `path`, mode 0600, or 0660 for `group` (NULL: none). A socket that a dead process has
 * left there is replaced. `lock`: what to_engine_lock() has returned, taken over in any case; or
 * -1: it is taken now. Returns 0 or a negative errno with a message: -EBUSY another process listens
 * there; -EEXIST something there is no socket.
 */
int to_engine_listen(struct to_engine_socket *s, const char *path, const char *group, int lock,
		     char *err, size_t err_size);
/* Takes the socket's name away as well. */
void to_engine_unlisten(struct to_engine_socket *s);

/* The next peer, or -EAGAIN; -EPERM: it may not, and is gone. */
int to_engine_accept(const struct to_engine_socket *s);

/*
 * The next message of a peer; *fd is the descriptor that came along, or -1, and the caller's.
 * Returns the message's type; -EAGAIN: there is none; -ECONNRESET: the peer is gone; -EBADMSG: it
 * was no message, and its descriptors are closed.
 */
int to_engine_receive(int peer, union to_message *m, int *fd);

/* Sends m->head.size bytes, with a copy of `fd` unless it is -1. Returns 0, or -EAGAIN: the peer
 * does not read what it gets; or another negative errno. */
int to_engine_send(int peer, const union to_message *m, int fd);

#endif
