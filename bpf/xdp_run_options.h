/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TURNOUT_XDP_RUN_OPTIONS_H
#define TURNOUT_XDP_RUN_OPTIONS_H

#include <net/if.h>
#include <turnout/limits.h>

#include "dataplane/hops.h"
#include "dataplane/nexthop_option.h"

#define TO_XDP_PIN       "/sys/fs/bpf/turnout"
#define TO_XDP_MAX_PORTS 16

enum to_xdp_mode { TO_XDP_AUTO, TO_XDP_NATIVE, TO_XDP_GENERIC };

struct to_xdp_port_option {
	char name[IFNAMSIZ];
	uint8_t zone; /* enum to_zone */
};

struct to_xdp_run_options {
	const char *table;   /* NULL: what the control process publishes */
	const char *control; /* socket; NULL: none */
	const char *control_group;
	const char *pin;
	unsigned ports;
	struct to_xdp_port_option port[TO_XDP_MAX_PORTS];
	unsigned nexthops;
	struct to_nexthop_option nexthop[TO_NEXTHOP_OPTIONS];
	uint32_t pins; /* 0: as they are pinned, else the default */
	enum to_xdp_mode mode;
	uint32_t sip_rate; /* kB a second; 0: any */
};

/* Returns -1 to go on, or an exit code. */
int to_xdp_run_options(int argc, char **argv, struct to_xdp_run_options *o);

/* Of --pin: says on stderr what is wrong with it. */
bool to_xdp_pin_is_good(const char *path);

#endif
