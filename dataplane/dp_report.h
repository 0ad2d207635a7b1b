/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TURNOUT_DP_REPORT_H
#define TURNOUT_DP_REPORT_H

#include <stdio.h>

#include "dp_live.h"

/* The counters of a running engine, as one JSON object: docs/replay.md. Returns 0 or -EIO. */
int dp_report(const struct dp_live *live, const struct dp_live_worker *workers, double seconds,
	      FILE *out);

#endif
