/* SPDX-License-Identifier: BSD-3-Clause */
/* The option --nexthop NAME=WHERE of both engines. */
#ifndef TURNOUT_NEXTHOP_OPTION_H
#define TURNOUT_NEXTHOP_OPTION_H

#include <turnout/limits.h>
#include <turnout/types.h>

struct to_nexthop_option {
	const char *name; /* an edge's, "edges" or "outside" */
	bool is_mac;
	uint8_t mac[6];
	union to_addr address; /* unless it is a MAC */
};

#define TO_NEXTHOP_OPTIONS (TO_MAX_EDGES + 3) /* each edge, the others, outside by family */

/* Reads NAME=WHERE; `text` is written to, and must outlive the option. Returns NULL, or what was
 * expected instead. */
const char *to_nexthop_option_read(char *text, struct to_nexthop_option *o);

#endif
