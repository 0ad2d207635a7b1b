/* SPDX-License-Identifier: BSD-3-Clause */
/* What several commands need. */
#include "cli.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "plan_names.h"

bool to_has(const struct to_args *args, const char *option)
{
	for (int i = 0; i < args->given_count; i++)
		if (!strcmp(args->given[2 * i], option))
			return true;
	return false;
}

const char *to_value(const struct to_args *args, const char *option)
{
	const char *value = NULL;

	for (int i = 0; i < args->given_count; i++)
		if (!strcmp(args->given[2 * i], option))
			value = args->given[2 * i + 1];
	return value;
}

void to_complain(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("turnout: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
}

bool to_open_plan(const char *path, struct to_plan **plan, enum to_exit *code)
{
	struct to_report report = {0};
	int err = to_plan_load(path, &report, plan);

	to_report_print(&report, path, stderr);
	if (err && !report.errors)
		to_complain("cannot read %s: %s", path, strerror(-err));
	*code = report.errors ? TO_EXIT_NO : TO_EXIT_USAGE;
	to_report_free(&report);
	return err == 0;
}

int to_open_stage(const struct to_plan *plan, const char *name)
{
	const char *names[TO_PLAN_MAX_STAGES];
	const char *near;
	int stage;

	if (!name)
		return 0;
	stage = to_plan_find_stage(plan, name);
	if (stage >= 0)
		return stage;
	for (uint32_t i = 0; i < plan->stages; i++)
		names[i] = plan->stage[i].name;
	near = to_nearest(name, names, plan->stages);
	to_complain("the plan has no stage '%s'%s%s%s", name, near ? "; did you mean '" : "",
		    near ? near : "", near ? "'?" : "");
	return -1;
}

enum to_exit to_print_json(json_t *json, enum to_exit code)
{
	int err = json ? json_dumpf(json, stdout, JSON_INDENT(2)) : -1;

	json_decref(json);
	if (err) {
		to_complain("cannot write JSON");
		return TO_EXIT_USAGE;
	}
	putchar('\n');
	return code;
}

const char *to_share_text(uint16_t share, char *out)
{
	if (share % 100 == 0)
		snprintf(out, 8, "%u", share / 100u);
	else if (share % 10 == 0)
		snprintf(out, 8, "%u.%u", share / 100u, share % 100u / 10);
	else
		snprintf(out, 8, "%u.%02u", share / 100u, share % 100u);
	return out;
}

const char *to_address_text(const union to_addr *addr, char *out)
{
	if (to_addr_is_v4(addr))
		return inet_ntop(AF_INET, &addr->b[12], out, INET6_ADDRSTRLEN);
	return inet_ntop(AF_INET6, addr->b, out, INET6_ADDRSTRLEN);
}
