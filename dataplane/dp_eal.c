/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "dp_eal.h"

#define MAX_CPUS CPU_SETSIZE

/* "(0-2)@(0,1,5)": three lcores, each free to run on any of the process's CPUs. */
static int lcores_option(unsigned workers, char *out, size_t size)
{
	int n = snprintf(out, size, "--lcores=(0-%u)@(", workers - 1);
	cpu_set_t cpus;
	bool first = true;

	if (sched_getaffinity(0, sizeof(cpus), &cpus) < 0)
		return -errno;
	for (int i = 0; i < MAX_CPUS; i++) {
		if (!CPU_ISSET(i, &cpus))
			continue;
		n += snprintf(out + n, size - (size_t)n, first ? "%d" : ",%d", i);
		if ((size_t)n + 2 >= size)
			return -E2BIG;
		first = false;
	}
	snprintf(out + n, size - (size_t)n, ")");
	return 0;
}

int dp_eal_bare(unsigned workers)
{
	static char lcores[8192];
	char name[] = "turnout-dp", huge[] = "--no-huge", pci[] = "--no-pci", memory[] = "-m64",
	     telemetry[] = "--no-telemetry", shconf[] = "--no-shconf",
	     log[] = "--log-level=*:error";
	char *argv[] = {name, huge, pci, memory, telemetry, shconf, log, lcores, NULL};
	int ret = lcores_option(workers, lcores, sizeof(lcores));

	if (ret < 0)
		return ret;
	return rte_eal_init(8, argv) < 0 ? -rte_errno : 0;
}
