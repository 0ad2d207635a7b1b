/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "compile.h"
#include "show.h"

static enum to_exit from_image(const char *path, struct to_image *image)
{
	const char *why;
	int err = to_image_read(path, image, &why);

	if (!err)
		return TO_EXIT_DONE;
	to_complain("%s: %s", path, why ? why : strerror(-err));
	return why ? TO_EXIT_NO : TO_EXIT_USAGE;
}

static enum to_exit from_plan(const struct to_args *args, struct to_image *image)
{
	struct to_compile_input input = {.generation = 1};
	struct to_plan *plan;
	enum to_exit code;
	int stage, err;

	if (!to_open_plan(args->positional[0], &plan, &code))
		return code;
	stage = to_open_stage(plan, to_value(args, "stage"));
	input.stage = (uint32_t)stage;
	err = stage < 0 ? 0 : to_compile(plan, &input, image);
	if (err)
		to_complain("cannot compile the stage: %s", strerror(-err));
	to_plan_free(plan);
	return stage < 0 ? TO_EXIT_USAGE : err ? TO_EXIT_NO : TO_EXIT_DONE;
}

static enum to_exit run(const struct to_args *args)
{
	const char *path = args->positional[0];
	struct to_image image = {0};
	enum to_exit code;

	if (to_image_is(path) && to_has(args, "stage")) {
		to_complain("%s is an image: it has one stage", path);
		return TO_EXIT_USAGE;
	}
	code = to_image_is(path) ? from_image(path, &image) : from_plan(args, &image);
	if (code == TO_EXIT_DONE && to_has(args, "json"))
		code = to_print_json(to_show_json(image.data), code);
	else if (code == TO_EXIT_DONE)
		to_show_text(image.data, stdout);
	to_image_free(&image);
	return code;
}

static const struct to_option options[] = {
	{"stage", "STAGE", "of a plan: the stage to compile (default: the first)"},
	TO_OPTION_JSON,
	TO_OPTION_END,
};

const struct to_command to_cmd_table_show = {
	.words = "table show",
	.arguments = "IMAGE|PLAN",
	.summary = "Prints a table image, or that of a plan's stage with all edges up.",
	.options = options,
	.run = run,
};
