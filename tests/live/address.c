/* SPDX-License-Identifier: BSD-3-Clause */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "address.h"
#include "block.h"

#define BUFFER (1 << 20) /* so that no datagram is lost for want of room in a socket */

bool live_address_parse(const char *text, uint16_t port, union live_address *out)
{
	*out = (union live_address){0};
	if (inet_pton(AF_INET, text, &out->v4.sin_addr) == 1) {
		out->v4.sin_family = AF_INET;
		out->v4.sin_port = htons(port);
		return true;
	}
	out->v6.sin6_family = AF_INET6;
	out->v6.sin6_port = htons(port);
	return inet_pton(AF_INET6, text, &out->v6.sin6_addr) == 1;
}

socklen_t live_address_size(const union live_address *a)
{
	return a->any.sa_family == AF_INET ? sizeof(a->v4) : sizeof(a->v6);
}

uint16_t live_address_port(const union live_address *a)
{
	return ntohs(a->any.sa_family == AF_INET ? a->v4.sin_port : a->v6.sin6_port);
}

void live_address_print(const union live_address *a, char *out, size_t size)
{
	char text[INET6_ADDRSTRLEN] = "?";

	if (a->any.sa_family == AF_INET)
		inet_ntop(AF_INET, &a->v4.sin_addr, text, sizeof(text));
	else
		inet_ntop(AF_INET6, &a->v6.sin6_addr, text, sizeof(text));
	snprintf(out, size, "%s %u", text, live_address_port(a));
}

uint32_t live_address_hash(const union live_address *a)
{
	uint64_t words[2] = {0};

	if (a->any.sa_family == AF_INET)
		memcpy(words, &a->v4.sin_addr, sizeof(a->v4.sin_addr));
	else
		memcpy(words, &a->v6.sin6_addr, sizeof(words));
	return (uint32_t)live_mix(words[0] + live_mix(words[1] + live_address_port(a)));
}

union live_address live_address_next(const union live_address *a, uint32_t n)
{
	union live_address next = *a;
	uint32_t word;

	if (a->any.sa_family == AF_INET) {
		next.v4.sin_addr.s_addr = htonl(ntohl(a->v4.sin_addr.s_addr) + n);
		return next;
	}
	memcpy(&word, &a->v6.sin6_addr.s6_addr[4], sizeof(word));
	word = htonl(ntohl(word) + n);
	memcpy(&next.v6.sin6_addr.s6_addr[4], &word, sizeof(word));
	return next;
}

static int prepare(int fd, int type, const union live_address *a)
{
	bool v4 = a->any.sa_family == AF_INET;
	int one = 1, room = BUFFER;

	if (setsockopt(fd, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_FREEBIND : IPV6_FREEBIND, &one,
		       sizeof(one)) < 0)
		return -errno;
	if (type == SOCK_STREAM) {
		if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0)
			return -errno;
	} else if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) < 0) {
		return -errno;
	}
	return bind(fd, &a->any, live_address_size(a)) < 0 ? -errno : 0;
}

int live_socket(int type, const union live_address *a)
{
	int fd = socket(a->any.sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int ret;

	if (fd < 0)
		return -errno;
	ret = prepare(fd, type, a);
	if (ret < 0) {
		close(fd);
		return ret;
	}
	return fd;
}
