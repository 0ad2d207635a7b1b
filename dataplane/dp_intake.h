/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * On an AF_XDP port whose device has our program (bpf/intake.bpf.c, by xdp_prog=) the kernel keeps
 * its interface with all that is its own, and the engine gets what is for VIPs, and for and from
 * edges. The program must be told which these are: here. It outlives the process, and drops what is
 * the engine's then. Main thread only.
 */
#ifndef TURNOUT_DP_INTAKE_H
#define TURNOUT_DP_INTAKE_H

#include <stdbool.h>
#include <stdint.h>

#include <turnout/table.h>

#include "dp_again.h"
#include "pipeline.h"

struct dp_port;
struct ifaddrs;
struct mnl_socket;

struct dp_intake {
	unsigned maps;
	int map[TO_MAX_PORTS];      /* fds */
	bool wide;                  /* the program takes more than the running table needs */
	bool unread;                /* `own` is not what the host has now */
	bool late;                  /* the program is still to be told what has changed */
	struct dp_again again;      /* either could not be done */
	struct ifaddrs *own;        /* the host's addresses */
	struct mnl_socket *netlink; /* says when they change */
};

/*
 * Takes our program of an earlier process off the interface: the driver puts its own there only
 * where there is none. Another's stays. Returns 0 or a negative errno.
 */
int dp_intake_clear(uint32_t ifindex);

/* Off all interfaces. Returns 0 or a negative errno. */
int dp_intake_clear_all(void);

/* 1: the interface's program is ours; 0: it is not; or a negative errno. */
int dp_intake_is_on(uint32_t ifindex);

/* The maps of the started ports that have it. Returns 0 or a negative errno with a message. */
int dp_intake_open(struct dp_intake *x, const struct dp_port *port, unsigned ports, char *err,
		   size_t err_size);
void dp_intake_close(struct dp_intake *x);

/*
 * Before `next` follows `running` (or NULL): what is either's is the engine's. Returns 0 or a
 * negative errno with a message.
 */
int dp_intake_widen(struct dp_intake *x, const struct to_table *running,
		    const struct to_table *next, char *err, size_t err_size);

/* The first table was refused: nothing is the engine's. */
void dp_intake_forget(struct dp_intake *x);

/*
 * Once `running` (or NULL) is live: what is its alone; and the host's own addresses when they have
 * changed. When it cannot, it says so on stderr, and a later call tries again.
 */
void dp_intake_look(struct dp_intake *x, const struct to_table *running, bool live);

#endif
