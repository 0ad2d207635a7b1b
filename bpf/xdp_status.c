/* SPDX-License-Identifier: BSD-3-Clause */
/* What is pinned, looked at from another process; and its end. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "dataplane/replay.h"
#include "xdp_adopt.h"
#include "xdp_entries.h"
#include "xdp_losses.h"
#include "xdp_pin.h"
#include "xdp_report.h"
#include "xdp_run.h"
#include "xdp_table.h"

static const char *const kind_names[TO_ENTRY_KIND_COUNT] = {
	[TO_PIN4] = "pins-ipv4",           [TO_PIN6] = "pins-ipv6",      [TO_DIALOG] = "dialogs",
	[TO_TRANSACTION] = "transactions", [TO_AFFINITY] = "affinities", [TO_OWNER] = "owners",
	[TO_FRAGMENT] = "fragments"};

#define HELP_PIN  "  --pin DIR  where maps and links are pinned (default " TO_XDP_PIN ")\n"
#define HELP_HELP "  --help     this\n"

static const char detach_help[] =
	"Usage: turnout-xdp detach [--pin DIR]\n"
	"\n"
	"Takes the program off its interfaces and forgets every flow. From then on the kernel has\n"
	"the packets. Not while a turnout-xdp runs that would attach it again: stop that first.\n"
	"\n" HELP_PIN HELP_HELP;
static const char status_help[] = "Usage: turnout-xdp status [--pin DIR] [--json]\n"
				  "\n"
				  "What is attached, what it decides by, and what it remembers.\n"
				  "\n" HELP_PIN "  --json     print JSON\n" HELP_HELP;

struct options {
	const char *pin;
	bool json;
};

/* Returns -1 to go on, or an exit code. */
static int read_options(int argc, char **argv, const char *help, bool json, struct options *o)
{
	const struct option options[] = {{"pin", required_argument, NULL, 'p'},
					 {"help", no_argument, NULL, 'h'},
					 {json ? "json" : NULL, no_argument, NULL, 'j'},
					 {0}};
	char name[] = "turnout-xdp";
	const char *command = argv[0];
	int option;

	*o = (struct options){.pin = TO_XDP_PIN};
	argv[0] = name; /* getopt's messages begin with it */
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'h') {
			fputs(help, stdout);
			return TO_EXIT_DONE;
		}
		if (option == 'p')
			o->pin = optarg;
		else if (option == 'j')
			o->json = true;
		else /* getopt has said what is wrong */
			goto usage;
	}
	if (optind < argc)
		fprintf(stderr, "turnout-xdp: unexpected argument '%s'\n", argv[optind]);
	else if (to_xdp_pin_is_good(o->pin))
		return -1;
usage:
	fprintf(stderr, "Try `turnout-xdp %s --help`.\n", command);
	return TO_EXIT_USAGE;
}

int to_xdp_detach_main(int argc, char **argv)
{
	struct options o;
	int code = read_options(argc, argv, detach_help, false, &o), ret;
	char dir[160], err[256];

	if (code >= 0)
		return code;
	ret = to_xdp_lock(o.pin, false, err, sizeof(err));
	if (ret == -ENOENT)
		return TO_EXIT_DONE;
	if (ret < 0) {
		fprintf(stderr, "turnout-xdp: %s\n", err);
		return TO_EXIT_UNREACHABLE;
	}
	snprintf(dir, sizeof(dir), "%s/links", o.pin);
	ret = to_xdp_ports_prune(dir, NULL, stderr);
	to_xdp_losses_detach(o.pin);
	rmdir(dir);
	snprintf(dir, sizeof(dir), "%s/maps", o.pin);
	if (ret == 0)
		ret = to_xdp_unpin(dir);
	if (ret < 0) {
		fprintf(stderr, "turnout-xdp: %s: %s\n", dir, strerror(-ret));
		return TO_EXIT_UNREACHABLE;
	}
	rmdir(o.pin);
	return TO_EXIT_DONE;
}

static json_t *entries_json(const struct to_xdp *x)
{
	json_t *all = json_object();
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	for (int kind = 0; kind < TO_ENTRY_KIND_COUNT; kind++) {
		uint64_t proven = 0, unproven = 0;
		int ret = to_xdp_entries_count(x, kind, true, (uint32_t)ts.tv_sec, &proven);

		if (ret == 0 && to_xdp_entries(x, kind, false))
			ret = to_xdp_entries_count(x, kind, false, (uint32_t)ts.tv_sec, &unproven);
		if (ret < 0) {
			fprintf(stderr, "turnout-xdp: cannot count %s: %s\n", kind_names[kind],
				strerror(-ret));
			json_decref(all);
			return NULL;
		}
		json_object_set_new(
			all, kind_names[kind],
			json_pack("{s:I, s:I, s:I}", "proven", (json_int_t)proven, "unproven",
				  (json_int_t)unproven, "most",
				  (json_int_t)bpf_map__max_entries(to_xdp_entries(x, kind, true))));
	}
	return all;
}

/* The pinned links, as ports; what each leads to only the process that attached it knows. */
static json_t *links_json(const char *pin)
{
	json_t *all = json_array();
	struct dirent *e;
	char dir[160];
	DIR *d;

	snprintf(dir, sizeof(dir), "%s/links", pin);
	d = opendir(dir);
	while (d && (e = readdir(d))) {
		char interface[IFNAMSIZ];
		uint32_t ifindex;

		to_xdp_link_interface(interface, e->d_name);
		ifindex = if_nametoindex(interface);
		if (*e->d_name != '.')
			json_array_append_new(all,
					      json_pack("{s:s, s:s}", "name", interface, "mode",
							!ifindex                    ? "absent"
							: to_xdp_is_native(ifindex) ? "native"
										    : "generic"));
	}
	if (d)
		closedir(d);
	return all;
}

static void print_text(json_t *j, FILE *out)
{
	const char *name;
	long long rate;
	json_t *v;
	size_t i;

	fprintf(out, "generation %lld, stage %s; on",
		(long long)json_integer_value(json_object_get(j, "generation")),
		json_string_value(json_object_get(j, "stage")));
	json_array_foreach(json_object_get(j, "ports"), i, v)
		fprintf(out, " %s (%s)", json_string_value(json_object_get(v, "name")),
			json_string_value(json_object_get(v, "mode")));
	rate = (long long)json_integer_value(json_object_get(j, "sip_rate"));
	if (rate)
		fprintf(out, "\nSIP messages of strangers: %lld kB a second and CPU", rate);
	else
		fprintf(out, "\nSIP messages of strangers: all are read");
	fprintf(out, "\n\n%-14s %12s %12s %12s\n", "entries", "proven", "unproven", "most");
	json_object_foreach(json_object_get(j, "entries"), name, v)
		fprintf(out, "%-14s %12lld %12lld %12lld\n", name,
			(long long)json_integer_value(json_object_get(v, "proven")),
			(long long)json_integer_value(json_object_get(v, "unproven")),
			(long long)json_integer_value(json_object_get(v, "most")));
	fprintf(out, "\n");
	json_object_foreach(json_object_get(j, "verdicts"), name, v)
		fprintf(out, "%-20s %12lld\n", name, (long long)json_integer_value(v));
	json_object_foreach(json_object_get(j, "events"), name, v)
		fprintf(out, "%-20s %12lld\n", name, (long long)json_integer_value(v));
}

static int show(const struct to_xdp *x, const struct options *o)
{
	const struct to_table *t = to_xdp_running(x);
	struct to_xdp_ports none = {0};
	json_t *j, *entries;

	if (!t) {
		fprintf(stderr, "turnout-xdp: there is no generation in %s\n", o->pin);
		return TO_EXIT_NO;
	}
	j = to_xdp_report(x, &none, t, 0);
	if (!j)
		return TO_EXIT_NO;
	json_object_del(j, "seconds");
	json_object_set_new(j, "ports", links_json(o->pin));
	entries = entries_json(x);
	if (!entries) {
		json_decref(j);
		return TO_EXIT_NO;
	}
	json_object_set_new(j, "entries", entries);
	if (o->json)
		return to_xdp_print(j, stdout) < 0 ? TO_EXIT_NO : TO_EXIT_DONE;
	print_text(j, stdout);
	json_decref(j);
	return TO_EXIT_DONE;
}

int to_xdp_status_main(int argc, char **argv)
{
	struct to_xdp x = {0};
	struct options o;
	char err[640] = "";
	int code = read_options(argc, argv, status_help, true, &o);

	if (code >= 0)
		return code;
	if (to_xdp_look(&x, o.pin, err, sizeof(err)) < 0) {
		fprintf(stderr, "turnout-xdp: %s\n", err);
		code = TO_EXIT_UNREACHABLE;
	} else {
		code = show(&x, &o);
	}
	to_xdp_close(&x);
	return code;
}
