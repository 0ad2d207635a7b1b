/* SPDX-License-Identifier: BSD-3-Clause */
/* Live entries, page by page until there are as many as were asked for. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "live.h"

#define PAGE       1000 /* most that turnoutd gives at once */
#define MOST       1000000
#define BY_DEFAULT 100

static bool read_limit(const struct to_args *args, json_int_t *limit)
{
	const char *text = to_value(args, "limit");
	char *end;

	*limit = BY_DEFAULT;
	if (!text)
		return true;
	errno = 0;
	*limit = strtoll(text, &end, 10);
	if (!errno && end != text && !*end && *limit >= 1 && *limit <= MOST)
		return true;
	to_complain("--limit is 1 to %d, not '%s'", MOST, text);
	return false;
}

static json_t *page_request(const struct to_args *args, json_int_t limit, json_t *after)
{
	json_t *request =
		json_pack("{s:s, s:s*, s:s*, s:s*, s:s*, s:s*, s:I}", "do", "flows", "edge",
			  to_value(args, "edge"), "service", to_value(args, "service"), "pool",
			  to_value(args, "pool"), "client", to_value(args, "client"), "kind",
			  to_value(args, "kind"), "limit", limit < PAGE ? limit : (json_int_t)PAGE);

	if (request && to_has(args, "proven"))
		json_object_set_new(request, "proven", json_true());
	if (request && to_has(args, "unproven"))
		json_object_set_new(request, "proven", json_false());
	if (request && after)
		json_object_set(request, "after", after);
	return request;
}

/* The first answer, with the flows of the others at its end and the last one's `after`. */
static enum to_exit collect(struct to_live *l, json_int_t limit, json_t **all)
{
	json_t *after = NULL, *page;

	*all = NULL;
	do {
		json_int_t have = (json_int_t)json_array_size(json_object_get(*all, "flows"));
		enum to_exit code;

		if (have >= limit)
			break;
		code = to_live_ask(l, page_request(l->args, limit - have, after), &page);
		if (code)
			return code;
		after = json_object_get(page, "after");
		if (*all) {
			json_array_extend(json_object_get(*all, "flows"),
					  json_object_get(page, "flows"));
			json_object_set(*all, "after", after);
			json_decref(page);
			after = json_object_get(*all, "after");
		} else {
			*all = page;
		}
	} while (after && !json_is_null(after));
	return TO_EXIT_DONE;
}

/* "198.51.100.7:5061", "[2001:db8::7]:5061"; "-" where the kind has no such address */
static const char *end_text(const json_t *flow, const char *address, const char *port, char *out)
{
	const char *text = to_json_text(flow, address);
	long long number = to_json_int(flow, port);

	if (!text)
		return "-";
	if (number)
		snprintf(out, 64, strchr(text, ':') ? "[%s]:%lld" : "%s:%lld", text, number);
	else
		snprintf(out, 64, "%s", text);
	return out;
}

static void headings(struct to_grid *g)
{
	static const char *const names[] = {"kind", "client", "vip",   "proto", "service",
					    "edge", "pool",   "state", "left"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		to_grid_cell(g, TO_DIM, "%s", names[i]);
	to_grid_rule(g);
}

static enum to_exit show(const json_t *answer)
{
	const json_t *after = json_object_get(answer, "after");
	struct to_grid *g = to_grid_new("llllllllr");
	enum to_exit code;
	json_t *flow;
	size_t i;

	headings(g);
	json_array_foreach(json_object_get(answer, "flows"), i, flow)
	{
		bool proven = json_is_true(json_object_get(flow, "proven"));
		const char *state = to_json_text(flow, "state");
		char client[64], vip[64], left[TO_WORDS];

		to_grid_cell(g, TO_PLAIN, "%s", to_word(flow, "kind"));
		to_grid_cell(g, TO_PLAIN, "%s", end_text(flow, "client", "client_port", client));
		to_grid_cell(g, TO_PLAIN, "%s", end_text(flow, "vip", "vip_port", vip));
		to_grid_cell(g, TO_PLAIN, "%s", to_word(flow, "proto"));
		to_grid_cell(g, TO_PLAIN, "%s", to_word(flow, "service"));
		to_grid_cell(g, TO_BOLD, "%s", to_word(flow, "edge"));
		to_grid_cell(g, TO_PLAIN, "%s", to_word(flow, "pool"));
		to_grid_cell(g, proven ? TO_GREEN : TO_YELLOW, "%s%s%s",
			     proven ? "proven" : "unproven", state ? ", " : "", state ? state : "");
		to_grid_cell(g, TO_PLAIN, "%s",
			     to_span_words((double)to_json_int(flow, "left"), left));
	}
	code = to_live_print(g);
	if (after && !json_is_null(after))
		puts("there are more: --limit");
	return code;
}

static enum to_exit run(const struct to_args *args)
{
	struct to_live l;
	json_int_t limit;
	json_t *answer;
	enum to_exit code;

	if (to_has(args, "proven") && to_has(args, "unproven")) {
		to_complain("--proven and --unproven exclude one another; with neither, all are "
			    "listed");
		return TO_EXIT_USAGE;
	}
	if (!read_limit(args, &limit))
		return TO_EXIT_USAGE;
	code = to_live_open(&l, args);
	if (code)
		return code;
	code = collect(&l, limit, &answer);
	if (!code)
		code = l.json ? to_print_json(json_incref(answer), code) : show(answer);
	json_decref(answer);
	to_live_close(&l);
	return code;
}

static const struct to_option options[] = {
	{"edge", "EDGE", "only what this edge has"},
	{"service", "SERVICE", "only this service's"},
	{"pool", "POOL", "only what this pool's edges have"},
	{"client", "ADDRESS", "only this client's, or those of a prefix"},
	{"kind", "KIND", "pin4, pin6, dialog, transaction, affinity, owner or fragment"},
	{"proven", NULL, "only those that an edge has answered"},
	{"unproven", NULL, "only those that no edge has answered"},
	{"limit", "N", "how many (default: 100)"},
	TO_OPTION_JSON,
	TO_OPTION_SOCKET,
	TO_OPTION_TIMEOUT,
	TO_OPTION_END};

const struct to_command to_cmd_flows = {
	.words = "flows",
	.arguments = "",
	.summary = "Lists live flows and what else is remembered of clients.",
	.options = options,
	.run = run,
};
