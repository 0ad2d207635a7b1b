/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A switch: what it will change, a person's word, then the switch. It is asked for by the stage's
 * name, also for `next` and `back`, so that what happens is what was shown, whoever else has
 * switched meanwhile.
 */
#include "gates.h"
#include "live.h"

enum direction { NEXT, BACK, TO };

static void print_changes(const json_t *changes, FILE *out)
{
	struct to_looks looks = to_looks_of(out);
	struct to_grid *g = to_grid_new("llrlr");
	json_t *change;
	size_t i;

	json_array_foreach(changes, i, change)
	{
		char from[TO_WORDS], to[TO_WORDS];

		to_grid_cell(g, TO_PLAIN, "  %s", to_word(change, "service"));
		to_grid_cell(g, TO_PLAIN, "%s", to_word(change, "who"));
		to_grid_cell(g, TO_PLAIN, "%s",
			     to_percent_words(json_object_get(change, "from"), from));
		to_grid_cell(g, TO_DIM, "->");
		to_grid_cell(g, TO_BOLD, "%s new",
			     to_percent_words(json_object_get(change, "to"), to));
	}
	to_grid_print(g, &looks, out);
	to_grid_free(g);
}

static void print_gates(const json_t *gates, FILE *out)
{
	struct to_looks looks = to_looks_of(out);
	struct to_grid *g = to_grid_new("lll");

	if (json_array_size(gates))
		fputs("gates on the way\n", out);
	to_gates_rows(g, gates);
	to_grid_print(g, &looks, out);
	to_grid_free(g);
}

static void print_preview(const json_t *preview, FILE *out)
{
	const json_t *changes = json_object_get(preview, "changes");

	const char *from = to_json_text(preview, "from");

	fprintf(out, "from %s to %s: ", from ? from : "no stage", to_word(preview, "to"));
	if (json_array_size(changes))
		fputs("new flows, established ones stay where they are\n", out);
	else
		fputs("no change for new flows\n", out);
	print_changes(changes, out);
	print_gates(json_object_get(preview, "gates"), out);
}

/* The number of the stage that is live, or -1. */
static int live_stage(const json_t *stages)
{
	json_t *stage;
	size_t i;

	json_array_foreach(stages, i, stage)
	{
		if (json_is_true(json_object_get(stage, "live")))
			return (int)i;
	}
	return -1;
}

static int named_stage(const json_t *stages, const char *name)
{
	json_t *wanted = to_live_find(stages, "name", name), *stage;
	size_t i;

	json_array_foreach(stages, i, stage)
	{
		if (stage == wanted)
			return (int)i;
	}
	return -1;
}

/* To the stage that is live is a way out, and else none, where what runs is not what turnoutd would
 * have: docs/operations.md, "Recovery". */
static enum to_exit may_repeat(struct to_live *l, const char *name)
{
	json_t *answer, *alarms;
	enum to_exit code = to_live_ask(l, json_pack("{s:s}", "do", "status"), &answer);

	if (code)
		return code;
	alarms = json_object_get(answer, "alarms");
	if (!to_live_find(alarms, "name", "foreign") && !to_live_find(alarms, "name", "recovery")) {
		to_complain("stage %s is live already", name);
		code = TO_EXIT_NO;
	}
	json_decref(answer);
	return code;
}

/* The stage to go to. */
static enum to_exit choose(struct to_live *l, enum direction way, const json_t *stages, int *from,
			   int *to)
{
	int count = (int)json_array_size(stages);
	const char *name = way == TO ? l->args->positional[0] : NULL;

	*from = live_stage(stages);
	*to = name ? named_stage(stages, name) : way == NEXT ? *from + 1 : *from - 1;
	if (name && *to < 0)
		return to_live_unknown("stage", name, stages);
	if (*to >= count || *to < 0) {
		to_complain(way == NEXT ? "the last stage is live: there is no next one"
					: "there is no stage to go back to");
		return TO_EXIT_NO;
	}
	return *to == *from ? may_repeat(l, name) : TO_EXIT_DONE;
}

static enum to_exit preview(struct to_live *l, const char *to, bool forward)
{
	json_t *answer;
	enum to_exit code =
		to_live_ask(l, json_pack("{s:s, s:s}", "do", "preview", "to", to), &answer);
	size_t closed;

	if (code)
		return code;
	to_client_clean(answer, false);
	print_preview(answer, to_live_out(l));
	closed = forward ? to_gates_closed(json_object_get(answer, "gates")) : 0;
	json_decref(answer);
	if (closed && !to_has(l->args, "force")) {
		to_complain("%zu gate%s closed; --force passes %s, and that is written down",
			    closed, closed == 1 ? " is" : "s are", closed == 1 ? "it" : "them");
		return TO_EXIT_NO;
	}
	return to_live_confirm(l, "switch to %s%s?", to,
			       closed ? ", though not every gate is open" : "");
}

static enum to_exit do_switch(struct to_live *l, const char *to)
{
	json_t *request = json_pack("{s:s, s:s}", "do", "switch", "to", to), *answer;
	char prepared[TO_WORDS], live[TO_WORDS];
	enum to_exit code;

	if (to_has(l->args, "force"))
		json_object_set_new(request, "force", json_true());
	code = to_live_change(l, request, &answer);
	if (code)
		return code;
	if (l->json)
		return to_print_json(answer, code);
	printf("stage %s is live, generation %lld: %s after the commit (prepared in %s)\n",
	       to_word(answer, "stage"), (long long)to_json_int(answer, "generation"),
	       to_took_words((double)to_json_int(answer, "live_us"), live),
	       to_took_words((double)to_json_int(answer, "prepare_us"), prepared));
	json_decref(answer);
	return TO_EXIT_DONE;
}

static enum to_exit go(struct to_live *l, enum direction way)
{
	json_t *answer;
	const json_t *stages;
	const char *name;
	enum to_exit code = to_live_ask(l, json_pack("{s:s}", "do", "stages"), &answer);
	int from = -1, to = -1;

	if (code)
		return code;
	stages = json_object_get(answer, "stages");
	code = choose(l, way, stages, &from, &to);
	name = code ? NULL : to_word(json_array_get(stages, (size_t)to), "name");
	if (!code)
		code = preview(l, name, to > from);
	if (!code)
		code = do_switch(l, name);
	json_decref(answer);
	return code;
}

static enum to_exit run(const struct to_args *args, enum direction way)
{
	struct to_live l;
	enum to_exit code = to_live_open(&l, args);

	if (code)
		return code;
	code = go(&l, way);
	to_live_close(&l);
	return code;
}

static enum to_exit run_next(const struct to_args *args)
{
	return run(args, NEXT);
}

static enum to_exit run_back(const struct to_args *args)
{
	return run(args, BACK);
}

static enum to_exit run_to(const struct to_args *args)
{
	return run(args, TO);
}

#define OPTION_FORCE                                                                               \
	{                                                                                          \
		"force", NULL, "pass gates that are closed; it is written down"                    \
	}

static const struct to_option forward_options[] = {
	OPTION_FORCE,     TO_OPTION_WHY,     TO_OPTION_YES, TO_OPTION_JSON,
	TO_OPTION_SOCKET, TO_OPTION_TIMEOUT, TO_OPTION_END};
static const struct to_option back_options[] = {TO_OPTION_WHY,    TO_OPTION_YES,     TO_OPTION_JSON,
						TO_OPTION_SOCKET, TO_OPTION_TIMEOUT, TO_OPTION_END};

const struct to_command to_cmd_stage_next = {
	.words = "stage next",
	.arguments = "",
	.summary = "Switches to the next stage, when its gates are open.",
	.options = forward_options,
	.run = run_next,
};

const struct to_command to_cmd_stage_back = {
	.words = "stage back",
	.arguments = "",
	.summary = "Switches back to the stage before: always allowed.",
	.options = back_options,
	.run = run_back,
};

const struct to_command to_cmd_stage_to = {
	.words = "stage to",
	.arguments = "STAGE",
	.summary = "Switches to a stage; forward, the gates that are passed must be open.",
	.options = forward_options,
	.run = run_to,
};
