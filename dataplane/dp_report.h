/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TURNOUT_DP_REPORT_H
#define TURNOUT_DP_REPORT_H

#include <stdio.h>

#include "dp_live.h"

/* A count of struct dp_live_count, of all workers. */
#define DP_LIVE_COUNTS 9
struct dp_live_sum {
	const char *name;
	uint64_t value;
};
void dp_live_sums(const struct dp_live *live, const struct dp_live_worker *workers,
		  struct dp_live_sum sum[DP_LIVE_COUNTS]);

/* The counters of a running engine, as one JSON object: docs/replay.md. Returns 0 or -EIO. */
int dp_report(const struct dp_live *live, const struct dp_live_worker *workers, double seconds,
	      FILE *out);

#endif
