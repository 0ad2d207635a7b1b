/* SPDX-License-Identifier: BSD-3-Clause */
#include <arpa/inet.h>
#include <netinet/ether.h>
#include <string.h>

#include "nexthop_option.h"

static bool is_machines_mac(const uint8_t mac[6])
{
	static const uint8_t none[6];

	return !(mac[0] & 1) && memcmp(mac, none, sizeof(none)) != 0;
}

/* The C library reads no further than the sixth number, whatever follows it. */
static bool read_mac(const char *text, struct ether_addr *mac)
{
	const char *last = text;

	if (text[strspn(text, "0123456789abcdefABCDEF:")])
		return false;
	for (int i = 0; i < 5 && last; i++) {
		last = strchr(last, ':');
		last = last ? last + 1 : NULL;
	}
	return last && strlen(last) <= 2 && ether_aton_r(text, mac);
}

static bool is_machines_address(const union to_addr *a)
{
	if (to_addr_is_v4(a))
		return a->w[3] && a->b[12] < 224;
	return (a->d[0] || a->d[1]) && a->b[0] != 0xff;
}

const char *to_nexthop_option_read(char *text, struct to_nexthop_option *o)
{
	char *equals = strchr(text, '=');
	struct ether_addr mac;
	struct in_addr v4;

	if (!equals || equals == text)
		return "outside=WHERE, edges=WHERE or EDGE=WHERE";
	*o = (struct to_nexthop_option){.name = text};
	o->is_mac = read_mac(equals + 1, &mac);
	if (o->is_mac)
		memcpy(o->mac, &mac, sizeof(o->mac));
	else if (inet_pton(AF_INET, equals + 1, &v4) == 1)
		o->address = to_addr_v4((to_be32){v4.s_addr});
	else if (inet_pton(AF_INET6, equals + 1, &o->address) != 1)
		return "an address or a MAC after the '='";
	if (o->is_mac && !is_machines_mac(o->mac))
		return "a MAC of one machine";
	if (!o->is_mac && !is_machines_address(&o->address))
		return "an address of one machine";
	*equals = '\0';
	return NULL;
}
