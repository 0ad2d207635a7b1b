/* SPDX-License-Identifier: BSD-3-Clause */
#include "gates.h"

#include <stdlib.h>

#include "words.h"

size_t to_gates_closed(const json_t *gates)
{
	size_t closed = 0, i;
	json_t *gate;

	json_array_foreach(gates, i, gate)
	{
		closed += !json_is_true(json_object_get(gate, "open"));
	}
	return closed;
}

static void cell_now(struct to_grid *g, const json_t *now)
{
	char *text;

	if (json_is_string(now)) {
		to_grid_cell(g, TO_PLAIN, "now %s", json_string_value(now));
		return;
	}
	text = now && !json_is_null(now) ? json_dumps(now, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
	to_grid_cell(g, TO_PLAIN, "%s%s", text ? "now " : "", text ? text : "");
	free(text);
}

void to_gates_rows(struct to_grid *g, const json_t *gates)
{
	for (int open = 0; open < 2; open++) {
		json_t *gate;
		size_t i;

		json_array_foreach(gates, i, gate)
		{
			const char *stage = json_string_value(json_object_get(gate, "stage"));

			if (json_is_true(json_object_get(gate, "open")) != open)
				continue;
			to_grid_cell(g, open ? TO_GREEN : TO_RED, "  %s", open ? "open" : "CLOSED");
			to_grid_cell(g, TO_PLAIN, "%s%s%s", stage ? stage : "", stage ? ": " : "",
				     to_word(gate, "text"));
			cell_now(g, json_object_get(gate, "now"));
		}
	}
}
