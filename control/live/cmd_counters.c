/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "live.h"

#define PATH 200

static struct to_grid *rows_grid(const json_t *rows)
{
	static const char *const names[] = {"service", "pool",    "edge", "class",
					    "reason",  "packets", "bytes"};
	struct to_grid *g = to_grid_new("lllllrr");
	json_t *row;
	size_t i;

	for (i = 0; i < 7; i++)
		to_grid_cell(g, TO_DIM, "%s", names[i]);
	to_grid_rule(g);
	json_array_foreach(rows, i, row)
	{
		char words[TO_WORDS];

		for (size_t k = 0; k < 5; k++)
			to_grid_cell(g, TO_PLAIN, "%s", to_word(row, names[k]));
		for (size_t k = 5; k < 7; k++)
			to_grid_cell(g, TO_PLAIN, "%s",
				     to_count_words(json_object_get(row, names[k]), words));
	}
	return g;
}

/* "entries pins-ipv4 proven used   1,204": an object's numbers, however deep they are. */
static void flatten(struct to_grid *g, const char *path, const json_t *value)
{
	char below[PATH], words[TO_WORDS];
	const char *key;
	json_t *member;

	if (json_is_integer(value)) {
		to_grid_cell(g, TO_PLAIN, "%s", path);
		to_grid_cell(g, TO_PLAIN, "%s", to_count_words(value, words));
	}
	json_object_foreach((json_t *)value, key, member)
	{
		if (snprintf(below, sizeof(below), "%s %s", path, key) < PATH)
			flatten(g, below, member);
	}
}

static enum to_exit show(struct to_live *l, const json_t *answer)
{
	static const char *const parts[] = {"verdicts", "events", "entries", "named", "rows_lost"};
	struct to_grid *g;

	(void)l;
	to_live_print(rows_grid(json_object_get(answer, "rows")));
	putchar('\n');
	g = to_grid_new("lr");
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		flatten(g, parts[i], json_object_get(answer, parts[i]));
	return to_live_print(g);
}

static enum to_exit run(const struct to_args *args)
{
	return to_live_view(args, json_pack("{s:s}", "do", "counters"), show);
}

static const struct to_option options[] = {TO_OPTION_JSON, TO_OPTION_SOCKET, TO_OPTION_TIMEOUT,
					   TO_OPTION_END};

const struct to_command to_cmd_counters = {
	.words = "counters",
	.arguments = "",
	.summary = "Prints every counter of the engine.",
	.options = options,
	.run = run,
};
