/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <string.h>

#include "cli.h"

static json_t *messages_json(const struct to_report *report)
{
	json_t *list = json_array();

	for (size_t i = 0; i < report->count; i++) {
		const struct to_complaint *m = &report->messages[i];

		/* it quotes the file: a text cut inside a character is null */
		json_array_append_new(list,
				      json_pack("{s:i, s:i, s:s, s:o}", "line", (int)m->at.line,
						"column", (int)m->at.column, "severity",
						to_severity_name(m->severity), "message",
						json_string(m->text) ?: json_null()));
	}
	return list;
}

static json_t *summary_json(const struct to_plan *plan)
{
	return json_pack("{s:s, s:i, s:i, s:i, s:i, s:i}", "site", plan->site, "pools",
			 (int)plan->pools, "edges", (int)plan->edges, "services",
			 (int)plan->services, "partners", (int)plan->partners, "stages",
			 (int)plan->stages);
}

static enum to_exit print_json(const char *path, const struct to_report *report,
			       const struct to_plan *plan)
{
	json_t *json = json_pack("{s:s, s:b, s:o}", "plan", path, "ok", plan != NULL, "messages",
				 messages_json(report));

	if (json && plan)
		json_object_set_new(json, "summary", summary_json(plan));
	return to_print_json(json, plan ? TO_EXIT_DONE : TO_EXIT_NO);
}

static enum to_exit print_text(const char *path, const struct to_report *report,
			       const struct to_plan *plan)
{
	to_report_print(report, path, stderr);
	if (!plan)
		return TO_EXIT_NO;
	printf("%s: ok: site %s, %u pools, %u edges, %u services, %u partners, %u stages\n", path,
	       plan->site, plan->pools, plan->edges, plan->services, plan->partners, plan->stages);
	return TO_EXIT_DONE;
}

static enum to_exit run(const struct to_args *args)
{
	const char *path = args->positional[0];
	struct to_report report = {0};
	struct to_plan *plan;
	enum to_exit code = TO_EXIT_USAGE;
	int err = to_plan_load(path, &report, &plan);

	if (err && !report.errors)
		to_complain("cannot read %s: %s", path, strerror(-err));
	else if (to_has(args, "json"))
		code = print_json(path, &report, plan);
	else
		code = print_text(path, &report, plan);
	to_plan_free(plan);
	to_report_free(&report);
	return code;
}

static const struct to_option options[] = {TO_OPTION_JSON, TO_OPTION_END};

const struct to_command to_cmd_check = {
	.words = "check",
	.arguments = "PLAN",
	.summary = "Reads a plan strictly and says everything that is wrong with it.",
	.options = options,
	.run = run,
};
