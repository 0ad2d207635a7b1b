/* SPDX-License-Identifier: BSD-3-Clause */
/* The live engine, and what it is made of: set up in an order in which whatever fails has changed
 * nothing that another process has, and taken down again. The main thread's. */
#ifndef TURNOUT_DP_START_H
#define TURNOUT_DP_START_H

#include "dp_control.h"
#include "dp_guard.h"
#include "dp_intake.h"
#include "dp_live.h"
#include "dp_run_options.h"
#include "engine_notify.h"
#include "state.h"

struct dp_run {
	struct dp_run_options options;
	struct dp_live live;
	struct dp_guard guard;
	struct dp_intake intake;
	struct rte_mempool *pool;
	struct to_state *state;
	struct dp_live_worker *workers;
	struct dp_control control;
	struct to_engine_notice notice;
	unsigned launched;
	bool alone;         /* no other process has what this one is to have */
	bool table_waits;   /* --table, until the generation of an earlier process is live */
	int signals;        /* a signalfd */
	uint64_t first_tsc; /* when the first frame had come; 0: not yet */
};

/* Says on stderr what cannot be done, and why. Returns an exit code. */
int dp_complain(const char *what, int ret);

/* `r->options` are set, and DPDK is there. Workers run in the end. Returns an exit code, with a
 * message on stderr; dp_stop() is to be called in any case. */
int dp_start(struct dp_run *r);
/* One that hangs ends the process. */
void dp_stop_workers(struct dp_run *r);
void dp_stop(struct dp_run *r);

#endif
