/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TURNOUT_DP_REPLAY_OPTIONS_H
#define TURNOUT_DP_REPLAY_OPTIONS_H

#include "replay.h"

struct dp_replay_options {
	struct to_replay_options replay;
	const char *table;
	unsigned workers;
	uint16_t mtu;
	uint32_t proven; /* most entries of each kind, a worker's or all workers' */
	uint32_t unproven;
};

/* Returns -1 to go on (then dp_replay_options_free() it), or an exit code. */
int dp_replay_options(int argc, char **argv, struct dp_replay_options *o);
void dp_replay_options_free(struct dp_replay_options *o);

#endif
