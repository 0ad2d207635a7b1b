/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "compile.h"

static enum to_exit write_stage(const struct to_plan *plan, int stage, const char *path)
{
	const struct to_compile_input input = {.stage = (uint32_t)stage, .generation = 1};
	struct to_image image;
	int err = to_compile(plan, &input, &image);

	if (err) {
		to_complain("cannot compile the stage: %s", strerror(-err));
		return TO_EXIT_NO;
	}
	err = to_image_write(&image, path);
	if (err)
		to_complain("cannot write %s: %s", path, strerror(-err));
	else
		printf("%s: stage %s, generation 1, %zu bytes\n", path, plan->stage[stage].name,
		       image.size);
	to_image_free(&image);
	return err ? TO_EXIT_USAGE : TO_EXIT_DONE;
}

static enum to_exit run(const struct to_args *args)
{
	const char *out = to_value(args, "out");
	struct to_plan *plan;
	enum to_exit code;
	int stage;

	if (!out) {
		to_complain("'table write' needs --out FILE");
		return TO_EXIT_USAGE;
	}
	if (!to_open_plan(args->positional[0], &plan, &code))
		return code;
	stage = to_open_stage(plan, to_value(args, "stage"));
	code = stage < 0 ? TO_EXIT_USAGE : write_stage(plan, stage, out);
	to_plan_free(plan);
	return code;
}

static const struct to_option options[] = {
	{"stage", "STAGE", "the stage to compile (default: the first)"},
	{"out", "FILE", "where the image goes"},
	TO_OPTION_END,
};

const struct to_command to_cmd_table_write = {
	.words = "table write",
	.arguments = "PLAN",
	.summary = "Compiles a stage, all edges up, into a table image.",
	.options = options,
	.run = run,
};
