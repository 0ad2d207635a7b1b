/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TURNOUT_REPLAY_OPTIONS_H
#define TURNOUT_REPLAY_OPTIONS_H

#include "replay.h"

/* Whose replay it is. */
struct to_replay_program {
	const char *name;   /* "turnout-dp" */
	const char *engine; /* "DPDK" */
	const char *needs;  /* a sentence for --help */
	uint32_t entries;   /* default of --proven and --unproven */
	bool workers;       /* has --workers; else --keep */
};

struct to_replay_setup {
	struct to_replay_options replay;
	const char *table;
	unsigned workers;
	uint16_t mtu;
	uint32_t proven; /* most entries of each kind, a worker's or all workers' */
	uint32_t unproven;
	uint32_t sip_rate; /* kB a second, a worker's; 0: any */
	const char *keep;  /* directory of pinned objects, or NULL */
};

/* Returns -1 to go on (then to_replay_setup_free() it), or an exit code. */
int to_replay_setup(int argc, char **argv, const struct to_replay_program *p,
		    struct to_replay_setup *o);
void to_replay_setup_free(struct to_replay_setup *o);

#endif
