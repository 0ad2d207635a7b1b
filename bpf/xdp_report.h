/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TURNOUT_XDP_REPORT_H
#define TURNOUT_XDP_REPORT_H

#include <jansson.h>
#include <stdio.h>
#include <turnout/table.h>

#include "xdp_ports.h"

/* Counters as turnout-dp prints them, but for whether the generation is live, which only who has
 * published it can tell; and the ports. NULL when there is no memory, or they cannot be read. */
json_t *to_xdp_report(const struct to_xdp *x, const struct to_xdp_ports *ports,
		      const struct to_table *running, double seconds);

/* Prints and frees. Returns 0 or a negative errno. */
int to_xdp_print(json_t *j, FILE *out);

#endif
