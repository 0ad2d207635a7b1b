/* SPDX-License-Identifier: BSD-3-Clause */
#include "live.h"
#include "status.h"

static enum to_exit show(struct to_live *l, const json_t *answer)
{
	(void)l;
	return to_live_print(to_edges_grid(json_object_get(answer, "edges"), time(NULL)));
}

static enum to_exit run(const struct to_args *args)
{
	return to_live_view(args, json_pack("{s:s}", "do", "edges"), show);
}

static const struct to_option options[] = {TO_OPTION_JSON, TO_OPTION_SOCKET, TO_OPTION_TIMEOUT,
					   TO_OPTION_END};

const struct to_command to_cmd_edges = {
	.words = "edges",
	.arguments = "",
	.summary =
		"Lists the edges: state, health, what is live on each, whether it may be stopped.",
	.options = options,
	.run = run,
};
