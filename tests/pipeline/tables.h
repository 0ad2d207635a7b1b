/* SPDX-License-Identifier: BSD-3-Clause */
/* Tables out of plans that a test writes in memory. */
#ifndef TESTS_TABLES_H
#define TESTS_TABLES_H

#include <turnout/table.h>

struct to_plan;

/* Ends the program with the report when the plan is refused: the tests' plans are good ones. */
struct to_plan *tables_plan(const char *yaml);
void tables_plan_free(struct to_plan *plan);

/* `states`: enum to_edge_state of each edge, NULL: all up. Checked; tables_free() it. */
const struct to_table *tables_compile(const struct to_plan *plan, uint32_t stage,
				      const uint8_t *states, uint64_t generation, uint32_t now,
				      const struct to_table *previous);
void tables_free(const struct to_table *table);

#endif
