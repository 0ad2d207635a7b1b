/* SPDX-License-Identifier: BSD-3-Clause */
#include "support.h"

#include <stdio.h>
#include <string.h>

#include <turnout/hash.h>

static struct to_plan *good(struct to_plan *plan, int err, struct to_report *report)
{
	if (err)
		to_report_print(report, "plan", stderr);
	assert_int_equal(err, 0);
	assert_non_null(plan);
	to_report_free(report);
	return plan;
}

struct to_plan *load_example(const char *name)
{
	struct to_report report = {0};
	struct to_plan *plan;
	char path[512];
	int err;

	snprintf(path, sizeof(path), "%s/%s", EXAMPLES, name);
	err = to_plan_load(path, &report, &plan);
	return good(plan, err, &report);
}

struct to_plan *load_text(const char *text)
{
	struct to_report report = {0};
	struct to_plan *plan;
	int err = to_plan_parse(text, strlen(text), &report, &plan);

	return good(plan, err, &report);
}

struct to_image compile_stage(const struct to_plan *plan, struct to_compile_input input)
{
	struct to_image image;

	if (!input.generation)
		input.generation = 1;
	assert_int_equal(to_compile(plan, &input, &image), 0);
	return image;
}

uint64_t next_random(uint64_t *state)
{
	return to_mix(*state += 0x9e3779b97f4a7c15ULL);
}
