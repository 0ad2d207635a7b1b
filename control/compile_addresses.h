/* SPDX-License-Identifier: BSD-3-Clause */
/* The table's addresses and what lies behind them: part of the compiler. */
#ifndef TURNOUT_COMPILE_ADDRESSES_H
#define TURNOUT_COMPILE_ADDRESSES_H

#include <turnout/table.h>

#include "plan.h"

struct to_addresses {
	struct to_address *slots; /* mask + 1 of them */
	struct to_bind *binds;
	uint64_t seed;
	uint32_t mask;
	uint32_t bind_count;
};

int to_addresses_build(const struct to_plan *plan, struct to_addresses *out);
void to_addresses_free(struct to_addresses *addresses);

#endif
