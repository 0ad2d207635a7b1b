/* SPDX-License-Identifier: BSD-3-Clause */
/* Address and port as people write them: 203.0.113.1:443, [2001:db8::1]:443 (RFC 3986, 3.2.2). */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "explain.h"

static bool parse_port(const char *text, uint16_t *port)
{
	unsigned long n;
	char *end;

	if (*text < '1' || *text > '9')
		return false;
	n = strtoul(text, &end, 10);
	*port = (uint16_t)n;
	return !*end && end - text <= 5 && n <= UINT16_MAX;
}

static const char *parse_address(const char *text, union to_addr *addr)
{
	to_be32 v4;

	if (inet_pton(AF_INET, text, &v4) == 1) {
		*addr = to_addr_v4(v4);
		return NULL;
	}
	if (inet_pton(AF_INET6, text, addr) != 1)
		return "is no IPv4 or IPv6 address";
	return to_addr_is_v4(addr) ? "is an IPv4 address in IPv6's clothes: write it as IPv4"
				   : NULL;
}

const char *to_endpoint_parse(const char *text, union to_addr *addr, uint16_t *port)
{
	const char *colon = strchr(text, ':'), *from = text, *end = text + strlen(text);
	char address[INET6_ADDRSTRLEN];

	*port = 0;
	if (*text == '[') {
		from = text + 1;
		end = strchr(text, ']');
		if (!end || (end[1] && end[1] != ':'))
			return "is not [ADDRESS] or [ADDRESS]:PORT";
		colon = end[1] ? end + 1 : NULL;
	} else if (colon && !strchr(colon + 1, ':')) {
		end = colon;
	} else {
		colon = NULL; /* IPv4 without a port, or bare IPv6 */
	}
	if (colon && !parse_port(colon + 1, port))
		return "has a port that is not 1 to 65535";
	if ((size_t)(end - from) >= sizeof(address))
		return "is no IPv4 or IPv6 address";
	memcpy(address, from, (size_t)(end - from));
	address[end - from] = '\0';
	if (*text == '[' && !strchr(address, ':'))
		return "has brackets, which are for IPv6 addresses";
	return parse_address(address, addr);
}

const char *to_endpoint_text(const union to_addr *addr, uint16_t port, char *out)
{
	char text[INET6_ADDRSTRLEN];
	bool v4 = to_addr_is_v4(addr);

	to_address_text(addr, text);
	snprintf(out, TO_ENDPOINT_TEXT, "%s%s%s:%u", v4 ? "" : "[", text, v4 ? "" : "]", port);
	return out;
}
