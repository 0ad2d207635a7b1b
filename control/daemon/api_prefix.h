/* SPDX-License-Identifier: BSD-3-Clause */
/* Clients in requests. */
#ifndef TURNOUT_DAEMON_API_PREFIX_H
#define TURNOUT_DAEMON_API_PREFIX_H

#include <turnout/types.h>

/* "198.51.100.7", "198.51.100.0/24", "2001:db8::/32": the address, and bits of 128 (96 more than of
 * IPv4). False: it is none. */
bool to_prefix_read(const char *text, union to_addr *address, uint8_t *prefix);

#endif
