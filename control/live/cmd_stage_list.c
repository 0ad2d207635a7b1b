/* SPDX-License-Identifier: BSD-3-Clause */
#include "gates.h"
#include "live.h"

static enum to_exit show(struct to_live *l, const json_t *answer)
{
	struct to_grid *g = to_grid_new("lll");
	json_t *stage;
	size_t i;

	(void)l;
	json_array_foreach(json_object_get(answer, "stages"), i, stage)
	{
		const json_t *gates = json_object_get(stage, "gates");
		bool live = json_is_true(json_object_get(stage, "live"));
		size_t count = json_array_size(gates), closed = to_gates_closed(gates);

		to_grid_cell(g, live ? TO_BOLD : TO_PLAIN, "%s %s", live ? ">" : " ",
			     to_word(stage, "name"));
		if (closed)
			to_grid_cell(g, TO_RED, "%zu of %zu gates closed", closed, count);
		else
			to_grid_cell(g, TO_DIM, "%s", count ? "gates open" : "no gates");
		to_grid_cell(g, live ? TO_BOLD : TO_PLAIN, "%s", live ? "live" : "");
		if (count) {
			to_grid_end_row(g);
			to_gates_rows(g, gates);
		}
	}
	return to_live_print(g);
}

static enum to_exit run(const struct to_args *args)
{
	return to_live_view(args, json_pack("{s:s}", "do", "stages"), show);
}

static const struct to_option options[] = {TO_OPTION_JSON, TO_OPTION_SOCKET, TO_OPTION_TIMEOUT,
					   TO_OPTION_END};

const struct to_command to_cmd_stage_list = {
	.words = "stage list",
	.arguments = "",
	.summary = "Lists the plan's stages, the one that is live, and the gates of each.",
	.options = options,
	.run = run,
};
