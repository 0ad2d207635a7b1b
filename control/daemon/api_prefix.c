/* SPDX-License-Identifier: BSD-3-Clause */
#include "api_prefix.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

bool to_prefix_read(const char *text, union to_addr *address, uint8_t *prefix)
{
	char plain[INET6_ADDRSTRLEN];
	const char *slash = strchr(text, '/');
	size_t n = slash ? (size_t)(slash - text) : strlen(text);
	struct in_addr v4;
	unsigned long bits = 128;
	bool is4;

	if (n >= sizeof(plain))
		return false;
	memcpy(plain, text, n);
	plain[n] = '\0';
	is4 = inet_pton(AF_INET, plain, &v4) == 1;
	if (is4)
		*address = to_addr_v4((to_be32){v4.s_addr});
	else if (inet_pton(AF_INET6, plain, address->b) != 1)
		return false;
	if (slash) {
		char *end;

		if (slash[1] < '0' || slash[1] > '9')
			return false;
		bits = strtoul(slash + 1, &end, 10);
		if (*end || bits > (is4 ? 32 : 128))
			return false;
		bits += is4 ? 96 : 0;
	}
	*prefix = (uint8_t)bits;
	return true;
}
