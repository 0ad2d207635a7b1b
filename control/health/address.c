/* SPDX-License-Identifier: BSD-3-Clause */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "internal.h"

void to_endpoint_text(const union to_addr *addr, uint16_t port, char out[TO_ENDPOINT])
{
	bool v4 = to_addr_is_v4(addr);
	char text[INET6_ADDRSTRLEN];

	inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? addr->b + 12 : addr->b, text, sizeof(text));
	snprintf(out, TO_ENDPOINT, v4 ? "%s:%u" : "[%s]:%u", text, port);
}

socklen_t to_endpoint_socket(const union to_addr *addr, uint16_t port, struct sockaddr_storage *out)
{
	struct sockaddr_in *in4 = (struct sockaddr_in *)out;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;

	memset(out, 0, sizeof(*out));
	if (to_addr_is_v4(addr)) {
		in4->sin_family = AF_INET;
		in4->sin_port = htons(port);
		in4->sin_addr.s_addr = addr->w[3];
		return sizeof(*in4);
	}
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(port);
	memcpy(&in6->sin6_addr, addr, sizeof(*addr));
	return sizeof(*in6);
}

bool to_endpoint_local(int fd, char out[TO_ENDPOINT])
{
	union {
		struct sockaddr any;
		struct sockaddr_in in4;
		struct sockaddr_in6 in6;
	} own = {.in6 = {0}};
	socklen_t size = sizeof(own);
	union to_addr addr;

	if (getsockname(fd, &own.any, &size))
		return false;
	if (own.any.sa_family == AF_INET)
		addr = to_addr_v4((to_be32){own.in4.sin_addr.s_addr});
	else
		memcpy(&addr, &own.in6.sin6_addr, sizeof(addr));
	/* the port lies at the same place in both */
	to_endpoint_text(&addr, ntohs(own.in4.sin_port), out);
	return true;
}
