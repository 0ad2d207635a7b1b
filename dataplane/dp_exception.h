/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The kernel's side of ports that it does not see: a TAP for each, by DPDK's net_tap, with the
 * port's MAC and MTU. What is the kernel's goes there; what the kernel sends there leaves by the
 * port. Routes and neighbours are the TAP's then.
 */
#ifndef TURNOUT_DP_EXCEPTION_H
#define TURNOUT_DP_EXCEPTION_H

#include "dp_live.h"

/*
 * Each port that has a kernel's port named gets it, as a port of its own after the others: the DPDK
 * port of that name, or a TAP that is made. `live->port` are started. Returns 0 or a negative errno
 * with a message; ports that were started are in live->ports.
 */
int dp_exception_start(struct dp_live *live, uint16_t mtu, struct rte_mempool *pool, char *err,
		       size_t err_size);

/* Many times a second: the TAP has a carrier where its port has a link. */
void dp_exception_mirror(struct dp_live *live);

#endif
