/* SPDX-License-Identifier: BSD-3-Clause */
#include "tables.h"

#include <control/compile.h>
#include <stdlib.h>
#include <string.h>
#include <turnout/table_check.h>

struct to_plan *tables_plan(const char *yaml)
{
	struct to_report report = {0};
	struct to_plan *plan = NULL;
	int rc = to_plan_parse(yaml, strlen(yaml), &report, &plan);

	if (rc) {
		fprintf(stderr, "%s\n", yaml);
		to_report_print(&report, "plan", stderr);
		exit(2);
	}
	to_report_free(&report);
	return plan;
}

void tables_plan_free(struct to_plan *plan)
{
	to_plan_free(plan);
}

const struct to_table *tables_compile(const struct to_plan *plan, uint32_t stage,
				      const uint8_t *states, uint64_t generation, uint32_t now,
				      const struct to_table *previous)
{
	struct to_compile_input input = {.stage = stage,
					 .edge_states = states,
					 .generation = generation,
					 .now = now,
					 .previous = previous};
	struct to_image image;
	const char *why = NULL;
	int rc = to_compile(plan, &input, &image);

	if (rc) {
		fprintf(stderr, "compile: %s\n", strerror(-rc));
		exit(2);
	}
	if (to_table_check(image.data, image.size, &why)) {
		fprintf(stderr, "the compiled table is refused: %s\n", why);
		exit(2);
	}
	return image.data;
}

void tables_free(const struct to_table *table)
{
	struct to_image image = {.data = (void *)(uintptr_t)table, .size = table ? table->size : 0};

	if (table)
		to_image_free(&image);
}
