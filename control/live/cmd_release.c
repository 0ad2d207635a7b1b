/* SPDX-License-Identifier: BSD-3-Clause */
#include "live.h"

static enum to_exit confirm(struct to_live *l, const char *name, const char *service)
{
	json_t *answer, *edge, *counts;
	enum to_exit code = to_live_ask(l, json_pack("{s:s}", "do", "edges"), &answer);
	json_int_t live;
	char words[TO_WORDS];

	if (code)
		return code;
	edge = to_live_find(json_object_get(answer, "edges"), "name", name);
	if (!edge) {
		code = to_live_unknown("edge", name, json_object_get(answer, "edges"));
		goto out;
	}
	live = to_json_int(edge, "total");
	if (service) {
		counts = json_object_get(json_object_get(edge, "entries"), service);
		live = to_json_int(counts, "proven") + to_json_int(counts, "unproven");
	}
	fprintf(to_live_out(l), "edge %s, %s, has %s live entries%s%s\n", name,
		to_word(edge, "state"), to_text_count(live, words), service ? " of " : "",
		service ? service : "");
	fputs("forgotten, their flows are decided anew: calls and connections there may be cut\n",
	      to_live_out(l));
	code = to_live_confirm(l, "release %s?", name);
out:
	json_decref(answer);
	return code;
}

static enum to_exit release(struct to_live *l)
{
	const char *name = l->args->positional[0], *service = to_value(l->args, "service");
	enum to_exit code = confirm(l, name, service);
	json_t *request, *answer;
	char words[TO_WORDS];

	if (code)
		return code;
	request = json_pack("{s:s, s:s, s:s*}", "do", "release", "edge", name, "service", service);
	code = to_live_change(l, request, &answer);
	if (code)
		return code;
	if (l->json)
		return to_print_json(answer, code);
	printf("%s entries were forgotten\n",
	       to_count_words(json_object_get(answer, "entries"), words));
	json_decref(answer);
	return TO_EXIT_DONE;
}

static enum to_exit run(const struct to_args *args)
{
	struct to_live l;
	enum to_exit code = to_live_open(&l, args);

	if (code)
		return code;
	code = release(&l);
	to_live_close(&l);
	return code;
}

static const struct to_option options[] = {{"service", "SERVICE", "only what is this service's"},
					   TO_OPTION_WHY,
					   TO_OPTION_YES,
					   TO_OPTION_JSON,
					   TO_OPTION_SOCKET,
					   TO_OPTION_TIMEOUT,
					   TO_OPTION_END};

const struct to_command to_cmd_release = {
	.words = "release",
	.arguments = "EDGE",
	.summary = "Forgets what an edge has: its flows are decided anew, which may cut them.",
	.options = options,
	.run = run,
};
