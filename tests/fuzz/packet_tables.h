/* SPDX-License-Identifier: BSD-3-Clause */
/* The tables that the packet fuzzer switches between: of real plans, so that seeds match them. */
#ifndef TURNOUT_FUZZ_PACKET_TABLES_H
#define TURNOUT_FUZZ_PACKET_TABLES_H

#include <turnout/table.h>

/* What is known of a plan's edges beside the stage; odd generations. */
enum { FUZZ_ALL_UP, FUZZ_MIXED, FUZZ_STATES };

#define FUZZ_MAX_STAGES 16

struct fuzz_site {
	unsigned stages;
	const struct to_table *table[FUZZ_MAX_STAGES][FUZZ_STATES];
};

/* Aborts when a plan of the project cannot be loaded: that is no finding about packets. */
unsigned fuzz_sites(const struct fuzz_site **sites);

#endif
