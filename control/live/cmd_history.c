/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>

#include "live.h"
#include "status.h"

#define MOST 1000

static enum to_exit show(struct to_live *l, const json_t *answer)
{
	struct to_grid *g = to_grid_new("lllll");
	time_t now = time(NULL);
	json_t *record;
	size_t i;

	(void)l;
	json_array_foreach(json_object_get(answer, "records"), i, record)
	{
		const char *why = to_json_text(record, "why");
		char when[TO_WORDS], words[512];

		to_grid_cell(g, TO_DIM, "%s",
			     to_clock_words(json_object_get(record, "time"), now, when));
		to_grid_cell(g, TO_PLAIN, "%s", to_word(record, "who"));
		to_grid_cell(g, TO_BOLD, "%s", to_record_what(record));
		to_grid_cell(g, TO_PLAIN, "%s", to_record_words(record, words, sizeof(words)));
		to_grid_cell(g, TO_PLAIN, "%s", why ? why : "");
	}
	return to_live_print(g);
}

static enum to_exit run(const struct to_args *args)
{
	const char *text = to_value(args, "limit");
	long long limit = 50;
	char *end;

	if (text) {
		errno = 0;
		limit = strtoll(text, &end, 10);
		if (errno || end == text || *end || limit < 1 || limit > MOST) {
			to_complain("--limit is 1 to %d, not '%s'", MOST, text);
			return TO_EXIT_USAGE;
		}
	}
	return to_live_view(
		args, json_pack("{s:s, s:I}", "do", "history", "limit", (json_int_t)limit), show);
}

static const struct to_option options[] = {{"limit", "N", "how many of the last (default: 50)"},
					   TO_OPTION_JSON,
					   TO_OPTION_SOCKET,
					   TO_OPTION_TIMEOUT,
					   TO_OPTION_END};

const struct to_command to_cmd_history = {
	.words = "history",
	.arguments = "",
	.summary = "Lists what was done, when, by whom and why: the journal, oldest first.",
	.options = options,
	.run = run,
};
