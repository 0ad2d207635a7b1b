/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TURNOUT_DP_RUN_OPTIONS_H
#define TURNOUT_DP_RUN_OPTIONS_H

#include "dp_port.h"
#include "nexthop_watch.h"

struct dp_run_options {
	const char *table;   /* NULL: what the control process publishes */
	const char *control; /* socket; NULL: none */
	const char *control_group;
	const char *state; /* file; NULL: memory that ends with the process */
	unsigned workers;
	unsigned ports;
	struct dp_port port[DP_MAX_PORTS]; /* names and zones are set */
	unsigned nexthops;
	struct to_nexthop_option nexthop[TO_NEXTHOP_OPTIONS];
	bool no_guard;
	uint16_t mtu;
	uint32_t pins;
	uint32_t mbufs;
	uint32_t sip_rate; /* kB a second; 0: any */
	uint64_t packets;  /* stop when so many were received; 0: never */
	uint64_t seconds;  /* stop so long after the first one; 0: never */
};

void dp_run_help(void);

/* Returns -1 to go on, or an exit code. */
int dp_run_options(int argc, char **argv, struct dp_run_options *o);

#endif
