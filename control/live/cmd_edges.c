/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "drain.h"
#include "live.h"
#include "status.h"

/* Those of the name that was given, as an edge's or a pool's; without one all. New array. */
static json_t *edges_meant(const struct to_args *args, const json_t *edges)
{
	const char *name = args->count ? args->positional[0] : NULL;
	json_t *meant = json_array(), *edge;
	size_t i;

	json_array_foreach(edges, i, edge)
	{
		if (!name || !strcmp(to_word(edge, "name"), name) ||
		    !strcmp(to_word(edge, "pool"), name))
			json_array_append(meant, edge);
	}
	return meant;
}

static void show_entries(const json_t *edge)
{
	const char *service;
	json_t *counts;

	json_object_foreach(json_object_get(edge, "entries"), service, counts)
	{
		char proven[TO_WORDS], unproven[TO_WORDS];

		printf("  %s: %s live, and %s not answered yet\n", service,
		       to_count_words(json_object_get(counts, "proven"), proven),
		       to_count_words(json_object_get(counts, "unproven"), unproven));
	}
}

/* What stands behind an edge's row. */
static void show_details(const json_t *edge, time_t now)
{
	const char *text;
	json_t *one;
	size_t i;

	printf("\n%s: %ssafe to stop\n", to_word(edge, "name"),
	       json_is_true(json_object_get(edge, "safe_to_stop")) ? "" : "not ");
	json_array_foreach(json_object_get(edge, "evidence"), i, one)
	{
		text = json_string_value(one);
		printf("  %s\n", text ? text : "-");
	}
	show_entries(edge);
	json_array_foreach(json_object_get(edge, "checks"), i, one)
	{
		char ago[TO_WORDS];

		printf("  check of %s (%s): %s, %s: %s\n", to_word(one, "service"),
		       to_word(one, "kind"), to_word(one, "state"),
		       to_ago_words(json_object_get(one, "last"), now, ago),
		       to_word(one, "message"));
	}
}

static enum to_exit show(struct to_live *l, const json_t *answer)
{
	const json_t *edges = json_object_get(answer, "edges");
	json_t *meant = edges_meant(l->args, edges), *edge;
	time_t now = time(NULL);
	enum to_exit code;
	size_t i;

	if (l->args->count && !json_array_size(meant)) {
		json_decref(meant);
		return to_live_unknown("edge or pool", l->args->positional[0], edges);
	}
	code = to_live_print(to_edges_grid(meant, now));
	if (l->args->count)
		json_array_foreach(meant, i, edge)
		{
			show_details(edge, now);
			if (!code && json_is_true(json_object_get(edge, "overdue")) &&
			    to_json_int(edge, "total") > 0)
				code = to_survivors_show(l, edge);
		}
	json_decref(meant);
	return code;
}

static enum to_exit run(const struct to_args *args)
{
	return to_live_view(args, json_pack("{s:s}", "do", "edges"), show);
}

static const struct to_option options[] = {TO_OPTION_JSON, TO_OPTION_SOCKET, TO_OPTION_TIMEOUT,
					   TO_OPTION_END};

const struct to_command to_cmd_edges = {
	.words = "edges",
	.arguments = "[EDGE|POOL]",
	.summary = "Lists the edges: state, health, what is live. Of one edge or pool: may it be "
		   "stopped, why.",
	.options = options,
	.run = run,
};
