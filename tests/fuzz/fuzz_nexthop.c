/* SPDX-License-Identifier: BSD-3-Clause */
/* Whatever stands after --nexthop, it is a name and a machine's address or MAC, read to its last
 * character, or it is refused with what was expected. */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dataplane/nexthop_option.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int what)
{
	if (!what)
		abort();
}

static void print(const struct to_nexthop_option *o, char *text, size_t size)
{
	char address[INET6_ADDRSTRLEN] = "";

	if (o->is_mac)
		snprintf(text, size, "%s=%02x:%02x:%02x:%02x:%02x:%02x", o->name, o->mac[0],
			 o->mac[1], o->mac[2], o->mac[3], o->mac[4], o->mac[5]);
	else if (to_addr_is_v4(&o->address))
		snprintf(text, size, "%s=%s", o->name,
			 inet_ntop(AF_INET, &o->address.w[3], address, sizeof(address)));
	else
		snprintf(text, size, "%s=%s", o->name,
			 inet_ntop(AF_INET6, &o->address, address, sizeof(address)));
}

/* No longer than it would be written at its longest: nothing follows that was not read. */
static void check_read(const struct to_nexthop_option *o, const char *where)
{
	char again[300];
	struct to_nexthop_option same = {0};

	check(*o->name && !strchr(o->name, '='));
	check(!strspn(where, " ") && strspn(where, "0123456789abcdefABCDEF:.") == strlen(where));
	check(strlen(where) <= (o->is_mac ? strlen("00:00:00:00:00:00") : INET6_ADDRSTRLEN));
	print(o, again, sizeof(again));
	check(!to_nexthop_option_read(again, &same));
	check(o->is_mac == same.is_mac && !memcmp(o->mac, same.mac, sizeof(o->mac)) &&
	      !memcmp(&o->address, &same.address, sizeof(o->address)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct to_nexthop_option o = {0};
	char text[200], before[200];
	const char *why;

	if (size >= sizeof(text))
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	memcpy(before, text, sizeof(text));
	why = to_nexthop_option_read(text, &o);
	check(!why || *why);
	if (!why)
		check_read(&o, strchr(before, '=') + 1);
	return 0;
}
