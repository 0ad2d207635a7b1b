/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages with a descriptor over a UNIX socket, for both ends of the engine protocol (protocol.h),
 * and what the API passes on. None of it blocks. */
#ifndef TURNOUT_DESCRIPTORS_H
#define TURNOUT_DESCRIPTORS_H

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* That a message may bring, to be closed; the kernel closes any more. */
#define TO_DESCRIPTORS_ROOM 8

/* Sends what there is room for, and `fd` with it unless it is -1; it stays the caller's. How many
 * bytes were sent, or what sendmsg() says. */
static inline ssize_t to_send_some_with(int to, const void *m, size_t size, int fd)
{
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {.head = {.cmsg_len = CMSG_LEN(sizeof(int)),
			      .cmsg_level = SOL_SOCKET,
			      .cmsg_type = SCM_RIGHTS}};
	struct iovec part = {(void *)(uintptr_t)m, size};
	struct msghdr whole = {.msg_iov = &part, .msg_iovlen = 1};
	ssize_t n;

	if (fd >= 0) {
		memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
		whole.msg_control = &control;
		whole.msg_controllen = sizeof(control);
	}
	n = sendmsg(to, &whole, MSG_NOSIGNAL | MSG_DONTWAIT);
	return n < 0 ? -errno : n;
}

/* Likewise a whole message. 0; -EAGAIN: the other end has not read for long; or what sendmsg()
 * says. */
static inline int to_send_with(int to, const void *m, size_t size, int fd)
{
	ssize_t n = to_send_some_with(to, m, size, fd);

	if (n < 0)
		return (int)n;
	return (size_t)n == size ? 0 : -EMSGSIZE;
}

/* Takes the descriptors of a message out: the first to *fd, the others are closed. */
static inline unsigned to_take_descriptors(struct msghdr *whole, int *fd)
{
	unsigned count = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(whole); c; c = CMSG_NXTHDR(whole, c)) {
		size_t room = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < room; i++) {
			int one;

			memcpy(&one, CMSG_DATA(c) + i * sizeof(one), sizeof(one));
			if (count++)
				close(one);
			else
				*fd = one;
		}
	}
	return count;
}

/*
 * Receives a message of at most `size` bytes. Returns its bytes; *count is how many descriptors
 * came with it, *fd the first of them, which is the caller's now, or -1. -EAGAIN: there is none for
 * now; -ECONNRESET: the other end is gone; -EBADMSG: it was cut; or what recvmsg() says. *fd is -1
 * then.
 */
static inline ssize_t to_receive_with(int from, void *m, size_t size, int *fd, unsigned *count)
{
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(TO_DESCRIPTORS_ROOM * sizeof(int))];
	} control;
	struct iovec part = {m, size};
	struct msghdr whole = {.msg_iov = &part,
			       .msg_iovlen = 1,
			       .msg_control = &control,
			       .msg_controllen = sizeof(control)};
	ssize_t n = recvmsg(from, &whole, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	*fd = -1;
	*count = 0;
	if (n < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	*count = to_take_descriptors(&whole, fd);
	if (n == 0 && !*count)
		return -ECONNRESET;
	if (!(whole.msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
		return n;
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	return -EBADMSG;
}

#endif
