/* SPDX-License-Identifier: BSD-3-Clause */
/* What a person asks of an edge, or of every edge of a pool. */
#include <stdlib.h>
#include <string.h>

#include "drain.h"
#include "live.h"
#include "status.h"

/* The edges that are meant: one of that name, or those of the pool of that name. New array. */
static json_t *edges_meant(const struct to_args *args, const json_t *edges, bool *pool)
{
	const char *name = args->positional[0];
	json_t *meant = json_array(), *edge;
	size_t i;

	*pool = to_has(args, "pool") || !to_live_find(edges, "name", name);
	json_array_foreach(edges, i, edge)
	{
		if (!strcmp(to_word(edge, *pool ? "pool" : "name"), name))
			json_array_append(meant, edge);
	}
	return meant;
}

/* "412 live entries: access 400 (3 of them not yet answered), …" */
static void print_entries(const json_t *edge, FILE *out)
{
	json_t *counts;
	const char *service, *comma = ": ";
	char words[TO_WORDS];

	fprintf(out, "edge %s, %s, has %s live entries", to_word(edge, "name"),
		to_word(edge, "state"), to_count_words(json_object_get(edge, "total"), words));
	json_object_foreach(json_object_get(edge, "entries"), service, counts)
	{
		json_int_t proven = to_json_int(counts, "proven");
		json_int_t unproven = to_json_int(counts, "unproven");

		if (!proven && !unproven)
			continue;
		fprintf(out, "%s%s %s", comma, service, to_text_count(proven + unproven, words));
		if (unproven)
			fprintf(out, " (%s not answered yet)", to_text_count(unproven, words));
		comma = ", ";
	}
	fputc('\n', out);
}

static json_int_t total_of(const json_t *edges)
{
	json_int_t total = 0;
	json_t *edge;
	size_t i;

	json_array_foreach(edges, i, edge)
	{
		total += to_json_int(edge, "total");
	}
	return total;
}

/* What it will do, and a person's word. */
static enum to_exit confirm(const struct to_live *l, const json_t *meant)
{
	json_int_t total = total_of(meant);
	bool force = to_has(l->args, "force");
	json_t *edge;
	size_t i;

	json_array_foreach(meant, i, edge)
	{
		print_entries(edge, to_live_out(l));
		if (!force && !strcmp(to_word(edge, "state"), "up")) {
			to_complain("edge %s takes new flows: 'turnout drain %s' first",
				    to_word(edge, "name"), l->args->positional[0]);
			return TO_EXIT_NO;
		}
	}
	if (total && !force) {
		to_complain(
			"something is live there: 'turnout drain %s' and wait, or --force, which "
			"forgets it and may cut calls",
			l->args->positional[0]);
		return TO_EXIT_NO;
	}
	return to_live_confirm(l, "%s %s%s?", l->args->command->words, l->args->positional[0],
			       total ? ", and forget what is live there" : "");
}

static bool is_reset(const struct to_args *args)
{
	return to_has(args, "reset");
}

static json_t *verb_request(const struct to_args *args, bool pool)
{
	const char *verb = is_reset(args) ? "reset" : args->command->words;
	json_t *request = json_pack("{s:s, s:s, s:s}", "do", "edge", pool ? "pool" : "edge",
				    args->positional[0], "verb", verb);
	uint32_t deadline;

	if (request && to_drain_deadline(args, &deadline) && deadline)
		json_object_set_new(request, "deadline", json_integer(deadline));
	if (to_has(args, "force") && request) {
		json_object_set_new(request, "force", json_true());
		json_object_set_new(request, "release", json_true());
	}
	return request;
}

/* "generation 4 is live, 9.1 ms after the commit", as far as the answer says so. */
static void show_outcome(const json_t *answer)
{
	const json_t *took = json_object_get(answer, "live_us");
	const json_t *released = json_object_get(answer, "released");
	const char *not_released = to_json_text(answer, "not_released");
	char words[TO_WORDS];

	if (json_is_integer(took))
		printf("generation %lld is live, %s after the commit\n",
		       (long long)to_json_int(answer, "generation"),
		       to_took_words((double)json_integer_value(took), words));
	if (json_is_integer(released))
		printf("%s entries were forgotten\n", to_count_words(released, words));
	if (not_released)
		printf("what is live there was not forgotten: %s\n", not_released);
}

/* The edges as they are now. */
static enum to_exit show_after(struct to_live *l)
{
	json_t *answer, *meant;
	enum to_exit code = to_live_ask(l, json_pack("{s:s}", "do", "edges"), &answer);
	bool pool;

	if (code)
		return code;
	meant = edges_meant(l->args, json_object_get(answer, "edges"), &pool);
	code = to_live_print(to_edges_grid(meant, time(NULL)));
	json_decref(meant);
	json_decref(answer);
	return code;
}

static enum to_exit go(struct to_live *l)
{
	json_t *answer, *meant;
	enum to_exit code = to_live_ask(l, json_pack("{s:s}", "do", "edges"), &answer);
	bool pool;

	if (code)
		return code;
	meant = edges_meant(l->args, json_object_get(answer, "edges"), &pool);
	if (!json_array_size(meant))
		code = to_live_unknown("edge or pool", l->args->positional[0],
				       json_object_get(answer, "edges"));
	if (!code && !strcmp(l->args->command->words, "retire"))
		code = confirm(l, meant);
	if (!code && is_reset(l->args))
		code = to_reset_confirm(l, meant);
	json_decref(meant);
	json_decref(answer);
	if (!code)
		code = to_live_change(l, verb_request(l->args, pool), &answer);
	if (code)
		return code;
	if (l->json)
		return to_print_json(answer, code);
	show_outcome(answer);
	json_decref(answer);
	return show_after(l);
}

static enum to_exit run(const struct to_args *args)
{
	struct to_live l;
	uint32_t deadline;
	enum to_exit code;

	if (!to_drain_deadline(args, &deadline))
		return TO_EXIT_USAGE;
	code = to_live_open(&l, args);
	if (code)
		return code;
	code = go(&l);
	to_live_close(&l);
	return code;
}

#define OPTION_POOL                                                                                \
	{                                                                                          \
		"pool", NULL, "the name is a pool's, though an edge has it too"                    \
	}

static const struct to_option options[] = {OPTION_POOL,      TO_OPTION_WHY,     TO_OPTION_JSON,
					   TO_OPTION_SOCKET, TO_OPTION_TIMEOUT, TO_OPTION_END};
static const struct to_option drain_options[] = {
	OPTION_POOL,
	{"deadline", "TIME", "when it should be over, from now (30m, 2h): an alarm then"},
	{"reset", NULL, "of an edge that drains: close the TCP connections that are left"},
	TO_OPTION_WHY,
	TO_OPTION_YES,
	TO_OPTION_JSON,
	TO_OPTION_SOCKET,
	TO_OPTION_TIMEOUT,
	TO_OPTION_END};
static const struct to_option retire_options[] = {
	OPTION_POOL,       {"force", NULL, "forget what is live there, which may cut calls"},
	TO_OPTION_WHY,     TO_OPTION_YES,
	TO_OPTION_JSON,    TO_OPTION_SOCKET,
	TO_OPTION_TIMEOUT, TO_OPTION_END};

/* A verb is the command's word. */
#define VERB(verb, opts, about)                                                                    \
	const struct to_command to_cmd_##verb = {                                                  \
		.words = #verb,                                                                    \
		.arguments = "EDGE|POOL",                                                          \
		.summary = (about),                                                                \
		.options = (opts),                                                                 \
		.run = run,                                                                        \
	}

VERB(drain, drain_options, "Gives an edge no new flows; what it has goes on to its end.");
VERB(undrain, options, "Ends a drain.");
VERB(retire, retire_options, "Takes an edge out for good, when nothing is live there.");
VERB(readmit, options, "Brings a retired edge back.");
VERB(down, options, "Takes an edge out by hand, as a failed health check would.");
VERB(up, options, "Ends what down has begun: health decides again.");
