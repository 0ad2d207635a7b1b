/* SPDX-License-Identifier: BSD-3-Clause */
/* Without turnoutd: what this host can run, and what to do about what is missing. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "cli.h"
#include "doctor.h"
#include "grid.h"
#include "summary.h"

static void show_about(const struct to_doctor *d, const char *about, const char *title)
{
	struct to_looks looks = to_looks_of(stdout);
	json_t *finding;
	size_t i;

	printf("%s%s%s\n", to_tint_on(&looks, TO_BOLD), title, to_tint_off(&looks, TO_BOLD));
	json_array_foreach(d->findings, i, finding)
	{
		const char *level = to_json_text(finding, "level");
		const char *todo = to_json_text(finding, "do");
		enum to_tint tint = *level == 'o' ? TO_GREEN : *level == 'n' ? TO_YELLOW : TO_RED;

		if (strcmp(to_json_text(finding, "about"), about) != 0)
			continue;
		printf("  %s%-7s%s  %s\n", to_tint_on(&looks, tint), level,
		       to_tint_off(&looks, tint), to_json_text(finding, "what") ?: "?");
		if (todo)
			printf("           %sdo: %s%s\n", to_tint_on(&looks, TO_DIM), todo,
			       to_tint_off(&looks, TO_DIM));
	}
}

static enum to_exit show(const struct to_doctor *d, bool xdp, bool dpdk, bool json)
{
	enum to_exit code = xdp || dpdk ? TO_EXIT_DONE : TO_EXIT_NO;

	if (json)
		return to_print_json(json_pack("{s:{s:b, s:b}, s:O}", "engines", "xdp", xdp, "dpdk",
					       dpdk, "findings", d->findings),
				     code);
	show_about(d, "xdp", xdp ? "turnout-xdp can run" : "turnout-xdp CANNOT run");
	show_about(d, "dpdk", dpdk ? "turnout-dp can run" : "turnout-dp CANNOT run");
	show_about(d, "host", "either way");
	return code;
}

static enum to_exit run(const struct to_args *args)
{
	const char *root = to_value(args, "root");
	struct to_doctor d = {.root = root ? root : "", .findings = json_array()};
	struct stat st;
	enum to_exit code;

	if (!d.findings) {
		to_complain("no memory");
		return TO_EXIT_USAGE;
	}
	if (root && (stat(root, &st) < 0 || !S_ISDIR(st.st_mode))) {
		to_complain("%s is no directory", root);
		json_decref(d.findings);
		return TO_EXIT_USAGE;
	}
	to_doctor_xdp(&d);
	to_doctor_ports(&d, to_value(args, "port"));
	to_doctor_dpdk(&d);
	to_doctor_host(&d);
	code = show(&d, !d.missing[TO_ABOUT_XDP], !d.missing[TO_ABOUT_DPDK], to_has(args, "json"));
	json_decref(d.findings);
	return code;
}

static const struct to_option options[] = {
	{"port", "INTERFACE", "look at this interface only"},
	{"root", "DIR", "look at the copies of /proc, /sys and /usr/lib in there"},
	TO_OPTION_JSON,
	TO_OPTION_END};

const struct to_command to_cmd_doctor = {
	.words = "doctor",
	.arguments = "",
	.summary = "Says which engines this host can run, and what to do about what is missing.",
	.options = options,
	.run = run,
};
