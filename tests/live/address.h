/* SPDX-License-Identifier: BSD-3-Clause */
/* Socket addresses of both families, and sockets bound to what no interface has. */
#ifndef LIVE_ADDRESS_H
#define LIVE_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

union live_address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

bool live_address_parse(const char *text, uint16_t port, union live_address *out);
socklen_t live_address_size(const union live_address *a);
uint16_t live_address_port(const union live_address *a);
/* "198.18.0.7 40000" */
void live_address_print(const union live_address *a, char *out, size_t size);

/* Tells addresses with their ports apart. */
uint32_t live_address_hash(const union live_address *a);

/* The n-th client after `a`: the next IPv4 addresses, or the next IPv6 /64s. */
union live_address live_address_next(const union live_address *a, uint32_t n);

/* A socket of SOCK_STREAM or SOCK_DGRAM that does not block, bound to `a`; or -errno. */
int live_socket(int type, const union live_address *a);

#endif
