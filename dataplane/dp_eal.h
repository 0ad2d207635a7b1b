/* SPDX-License-Identifier: BSD-3-Clause */
/* DPDK's environment, for a process that needs none of its privileges. */
#ifndef TURNOUT_DP_EAL_H
#define TURNOUT_DP_EAL_H

/* Without hugepages, devices, files or noise, with an lcore for each worker on whatever CPUs the
 * process may use; the calling thread is lcore 0. Returns 0 or a negative errno. */
int dp_eal_bare(unsigned workers);

#endif
