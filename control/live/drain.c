/* SPDX-License-Identifier: BSD-3-Clause */
#include "drain.h"

#include <string.h>

#include "duration.h"

#define MOST_DEADLINE (30u * 86400) /* that turnoutd takes */
#define SHOWN         20            /* survivors of an edge */
#define PAGES         50            /* that are asked for them: each costs the engine a little */

bool to_drain_deadline(const struct to_args *args, uint32_t *seconds)
{
	const char *text = to_value(args, "deadline");

	*seconds = 0;
	if (!text)
		return true;
	if (to_has(args, "reset")) {
		to_complain("--deadline and --reset exclude one another");
		return false;
	}
	if (to_duration(text, MOST_DEADLINE, seconds) && *seconds)
		return true;
	to_complain("--deadline is a time from now, 1s to 30d, as in 30m or 2h; not '%s'", text);
	return false;
}

static void print_reset(const json_t *edge, FILE *out)
{
	json_int_t closed = to_json_int(edge, "resettable"), all = to_json_int(edge, "total");
	char closed_words[TO_WORDS], stay_words[TO_WORDS];

	fprintf(out,
		"edge %s, %s: %s TCP connections will be closed by a reset, each at its "
		"client's next segment",
		to_word(edge, "name"), to_word(edge, "state"), to_text_count(closed, closed_words));
	if (all > closed)
		fprintf(out, "; %s other flows cannot be reset, and stay",
			to_text_count(all - closed, stay_words));
	fputc('\n', out);
}

enum to_exit to_reset_confirm(const struct to_live *l, const json_t *edges)
{
	const char *name = l->args->positional[0];
	json_t *edge;
	size_t i;

	json_array_foreach(edges, i, edge)
	{
		const char *asked = to_word(edge, "asked");

		print_reset(edge, to_live_out(l));
		if (strcmp(asked, "draining") != 0 && strcmp(asked, "resetting") != 0) {
			to_complain("edge %s does not drain: 'turnout drain %s' first, and wait",
				    to_word(edge, "name"), name);
			return TO_EXIT_NO;
		}
	}
	return to_live_confirm(l, "reset the connections of %s?", name);
}

/* As turnoutd counts: no memory of a client, no call that is over. (Connections that close are
 * shown, half-closed or whole.) */
static bool is_survivor(const json_t *flow)
{
	static const char *const kinds[] = {"pin4", "pin6", "dialog", "owner"};
	const char *state = to_json_text(flow, "state");

	if (state && !strcmp(state, "ended"))
		return false;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strcmp(kinds[i], to_word(flow, "kind")))
			return true;
	return false;
}

/* Puts it behind those of its service that are there already. */
static void insert(json_t *found, json_t *flow)
{
	size_t at = json_array_size(found);

	for (size_t i = json_array_size(found); i-- > 0;) {
		if (!strcmp(to_word(json_array_get(found, i), "service"),
			    to_word(flow, "service"))) {
			at = i + 1;
			break;
		}
	}
	json_array_insert(found, at, flow);
}

/* The first SHOWN, by service. */
static enum to_exit find(struct to_live *l, const char *edge, json_t *found)
{
	json_t *after = NULL, *page = NULL, *flow;
	enum to_exit code = TO_EXIT_DONE;
	size_t i;

	for (int n = 0; n < PAGES && json_array_size(found) < SHOWN; n++) {
		json_t *request = json_pack("{s:s, s:s, s:i, s:O*}", "do", "flows", "edge", edge,
					    "limit", 1000, "after", after);

		json_decref(page);
		code = to_live_ask(l, request, &page);
		if (code)
			return code;
		json_array_foreach(json_object_get(page, "flows"), i, flow)
		{
			if (is_survivor(flow) && json_array_size(found) < SHOWN)
				insert(found, flow);
		}
		after = json_object_get(page, "after");
		if (!after || json_is_null(after))
			break;
	}
	json_decref(page);
	return TO_EXIT_DONE;
}

static struct to_grid *grid_of(const json_t *found)
{
	struct to_grid *g = to_grid_new("llllr");
	json_t *flow;
	size_t i;

	json_array_foreach(found, i, flow)
	{
		const char *client = to_json_text(flow, "client"), *state;
		char left[TO_WORDS];

		state = to_json_text(flow, "state");
		to_grid_cell(g, TO_PLAIN, "  %s", to_word(flow, "service"));
		to_grid_cell(g, TO_PLAIN, "%s", to_word(flow, "kind"));
		if (client)
			to_grid_cell(g, TO_PLAIN, strchr(client, ':') ? "[%s]:%lld" : "%s:%lld",
				     client, (long long)to_json_int(flow, "client_port"));
		else
			to_grid_cell(g, TO_PLAIN, "-");
		to_grid_cell(g, TO_PLAIN, "%s", state ? state : "-");
		to_grid_cell(g, TO_PLAIN, "%s left",
			     to_span_words((double)to_json_int(flow, "left"), left));
	}
	return g;
}

enum to_exit to_survivors_show(struct to_live *l, const json_t *edge)
{
	const char *name = to_word(edge, "name");
	json_int_t total = to_json_int(edge, "total");
	json_t *found = json_array();
	enum to_exit code = find(l, name, found);

	if (!code && json_array_size(found)) {
		printf("  what is still there:\n");
		code = to_live_print(grid_of(found));
		if (total > (json_int_t)json_array_size(found))
			printf("  of %lld; 'turnout flows --edge %s' lists all\n", (long long)total,
			       name);
	}
	json_decref(found);
	return code;
}
