/* SPDX-License-Identifier: BSD-3-Clause */
#include "live.h"
#include "status.h"

#define PROBLEMS 100

static void show_problems(const json_t *status, const struct to_looks *looks, time_t now)
{
	struct to_problem problem[PROBLEMS];
	size_t count = to_status_problems(status, now, problem, PROBLEMS);
	struct to_grid *g;

	if (!count)
		return;
	printf("\n%sNOT RIGHT%s\n", to_tint_on(looks, TO_RED), to_tint_off(looks, TO_RED));
	g = to_grid_new("lrl");
	for (size_t i = 0; i < count; i++) {
		to_grid_cell(g, TO_RED, "%s", problem[i].name);
		to_grid_cell(g, TO_PLAIN, "%s%s", *problem[i].since ? "for " : "",
			     problem[i].since);
		to_grid_cell(g, TO_PLAIN, "%s", problem[i].text);
	}
	to_live_print(g);
}

static void show_ports(const json_t *ports)
{
	json_t *port;
	size_t i;

	json_array_foreach(ports, i, port)
	{
		const char *mode = to_json_text(port, "mode");

		printf("%s%s (%s%s%s%s)", i ? ", " : "ports ", to_word(port, "name"),
		       to_word(port, "zone"), mode ? ", " : "", mode ? mode : "",
		       json_is_true(json_object_get(port, "up")) ? "" : ", DOWN");
	}
	if (json_array_size(ports))
		putchar('\n');
}

static void show_engine(const json_t *engine, time_t now)
{
	size_t workers = json_array_size(json_object_get(engine, "workers"));
	char span[TO_WORDS];
	double since;

	if (!json_is_object(engine))
		return;
	printf("engine %s (%s), pid %lld, %zu worker%s", to_word(engine, "build"),
	       to_word(engine, "kind"), (long long)to_json_int(engine, "pid"), workers,
	       workers == 1 ? "" : "s");
	if (to_when(json_object_get(engine, "connected_since"), &since))
		printf(", connected for %s", to_span_words((double)now - since, span));
	putchar('\n');
	show_ports(json_object_get(engine, "ports"));
}

static void show_head(const json_t *status, const struct to_looks *looks, time_t now)
{
	const char *next = to_json_text(status, "next"), *back = to_json_text(status, "previous");
	char line[256], span[TO_WORDS];

	printf("%s%s: %s%s\n", to_tint_on(looks, TO_BOLD), to_word(status, "site"),
	       to_status_line(status, now, line, sizeof(line)), to_tint_off(looks, TO_BOLD));
	printf("next %s, back %s; plan %s; turnoutd up for %s\n", next ? next : "none",
	       back ? back : "none", to_word(status, "plan"),
	       to_span_words((double)to_json_int(status, "uptime"), span));
}

static enum to_exit show(struct to_live *l, const json_t *status)
{
	struct to_looks looks = to_looks_of(stdout);
	time_t now = time(NULL);
	enum to_exit code;

	(void)l;
	show_head(status, &looks, now);
	show_problems(status, &looks, now);
	putchar('\n');
	show_engine(json_object_get(status, "engine"), now);
	putchar('\n');
	to_live_print(to_services_grid(json_object_get(status, "services")));
	putchar('\n');
	to_live_print(to_pools_grid(json_object_get(status, "pools")));
	putchar('\n');
	code = to_live_print(to_edges_grid(json_object_get(status, "edges"), now));
	return code;
}

static enum to_exit run(const struct to_args *args)
{
	return to_live_view(args, json_pack("{s:s}", "do", "status"), show);
}

static const struct to_option options[] = {TO_OPTION_JSON, TO_OPTION_SOCKET, TO_OPTION_TIMEOUT,
					   TO_OPTION_END};

const struct to_command to_cmd_status = {
	.words = "status",
	.arguments = "",
	.summary = "Says what is live on this gateway, what is not right first.",
	.options = options,
	.run = run,
};
