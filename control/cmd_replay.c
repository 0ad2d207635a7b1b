/* SPDX-License-Identifier: BSD-3-Clause */
/* A capture through the real engine, with the plan's stages and edges changing on the way. */
#include <errno.h>
#include <limits.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cli.h"
#include "engine_process.h"
#include "replay_events.h"
#include "summary.h"

#define NS         1000000000ull
#define ARGUMENT   64 /* bytes of one that we make */
#define FIXED_ARGS 18

/* What can replay. `where` may name another executable. */
static const struct engine {
	const char *name;
	const char *program;
	const char *where;
} engines[] = {
	{"dpdk", "turnout-dp", "TURNOUT_DP"},
	{"xdp", "turnout-xdp", "TURNOUT_XDP"},
};

struct replay {
	const struct to_args *args;
	const struct engine *engine;
	const char *plan_path;
	const char *capture;
	struct to_plan *plan;
	struct to_replay_events events;
	int summary; /* memfd that the engine writes its JSON to */
	char **argv;
	char (*text)[ARGUMENT]; /* the arguments that we make, one for each event and one more */
	size_t argc;
};

/* When the capture begins, in nanoseconds since 1970; an empty one begins at 0. */
static bool first_time(const char *path, uint64_t *ns)
{
	char why[PCAP_ERRBUF_SIZE];
	pcap_t *p = pcap_open_offline_with_tstamp_precision(path, PCAP_TSTAMP_PRECISION_NANO, why);
	struct pcap_pkthdr *h;
	const u_char *data;

	if (!p) {
		to_complain("cannot read the capture: %s%s%s", strstr(why, path) ? "" : path,
			    strstr(why, path) ? "" : ": ", why);
		return false;
	}
	*ns = 0;
	if (pcap_next_ex(p, &h, &data) == 1)
		*ns = (uint64_t)h->ts.tv_sec * NS + (uint64_t)h->ts.tv_usec;
	pcap_close(p);
	return true;
}

static bool read_events(struct replay *r)
{
	const struct to_args *args = r->args;
	int stage = to_open_stage(r->plan, to_value(args, "stage"));
	uint64_t start;
	int err = 0;

	if (stage < 0 || !first_time(r->capture, &start) ||
	    to_events_begin(&r->events, r->plan, stage, start) < 0)
		return false;
	for (int i = 0; !err && i < args->given_count; i++) {
		const char *option = args->given[2 * i], *value = args->given[2 * i + 1];

		if (!strcmp(option, "at"))
			err = to_events_add(&r->events, r->plan, value, "--at");
		else if (!strcmp(option, "events"))
			err = to_events_read(&r->events, r->plan, value);
	}
	return !err;
}

static void add(struct replay *r, const char *argument)
{
	r->argv[r->argc++] = (char *)argument;
}

static void add_value(struct replay *r, const char *option)
{
	const char *value = to_value(r->args, option + 2);

	if (value) {
		add(r, option);
		add(r, value);
	}
}

static bool make_arguments(struct replay *r)
{
	unsigned n = r->events.count;

	r->argv = calloc(FIXED_ARGS + 2 * (size_t)n + 1, sizeof(*r->argv));
	r->text = calloc((size_t)n + 1, sizeof(*r->text));
	if (!r->argv || !r->text) {
		to_complain("no memory");
		return false;
	}
	add(r, r->engine->program);
	add(r, "replay");
	add(r, "--pcap");
	add(r, r->capture);
	add_value(r, "--workers");
	add_value(r, "--out");
	add_value(r, "--mtu");
	add_value(r, "--sip-rate");
	add_value(r, "--keep");
	if (!to_has(r->args, "quiet") && isatty(STDERR_FILENO))
		add(r, "--progress");
	snprintf(r->text[n], ARGUMENT, "/dev/fd/%d", r->summary);
	add(r, "--summary");
	add(r, r->text[n]);
	for (unsigned i = 0; i < n; i++) {
		const struct to_replay_event *e = &r->events.event[i];

		if (i == 0)
			snprintf(r->text[i], ARGUMENT, "/dev/fd/%d", e->image);
		else
			snprintf(r->text[i], ARGUMENT, "%llu.%09llu:/dev/fd/%d",
				 (unsigned long long)(e->at / NS), (unsigned long long)(e->at % NS),
				 e->image);
		add(r, i == 0 ? "--table" : "--at");
		add(r, r->text[i]);
	}
	return true;
}

static int run_engine(struct replay *r)
{
	char path[PATH_MAX] = "";
	int *fds = calloc(r->events.count + 1, sizeof(*fds));
	int code;

	if (!fds) {
		to_complain("no memory");
		return TO_EXIT_NO;
	}
	for (unsigned i = 0; i < r->events.count; i++)
		fds[i] = r->events.event[i].image;
	fds[r->events.count] = r->summary;
	code = to_engine_find(r->engine->program, r->engine->where, path, sizeof(path));
	if (code == 0)
		code = to_engine_run(path, r->argv, fds, r->events.count + 1);
	free(fds);
	if (code < 0) {
		to_complain("cannot run the engine %s: %s; %s may name another",
			    *path ? path : r->engine->program, strerror(-code), r->engine->where);
		return TO_EXIT_UNREACHABLE;
	}
	if (code > TO_EXIT_REFUSED) {
		to_complain("the engine %s ended with status %d", path, code);
		return TO_EXIT_UNREACHABLE;
	}
	return code;
}

/* To each generation, what a person calls the event that made it. The engine lists them in the
 * order of the events. */
static void name_events(const struct replay *r, json_t *summary)
{
	json_t *g;
	size_t i;

	json_array_foreach(json_object_get(summary, "generations"), i, g)
	{
		json_object_del(g, "image");
		if (i < r->events.count)
			json_object_set_new(g, "event", json_string(r->events.event[i].text));
	}
}

/* What the engine has found. An engine that gave up has written nothing. */
static int show(struct replay *r, int code)
{
	json_t *summary;
	json_int_t moved;
	int err = 0;

	if (lseek(r->summary, 0, SEEK_END) <= 0)
		return code;
	lseek(r->summary, 0, SEEK_SET);
	summary = json_loadfd(r->summary, 0, NULL);
	if (!summary) {
		to_complain("the engine's summary cannot be read");
		return code ? code : TO_EXIT_NO;
	}
	name_events(r, summary);
	moved = to_json_int(json_object_get(summary, "flows"), "moved");
	if (to_has(r->args, "json"))
		return to_print_json(summary, code ? code : moved ? TO_EXIT_NO : TO_EXIT_DONE);
	if (!to_has(r->args, "quiet"))
		err = to_summary_print(summary, r->plan_path, r->capture, stdout);
	json_decref(summary);
	if (err)
		to_complain("no memory");
	return code ? code : err || moved ? TO_EXIT_NO : TO_EXIT_DONE;
}

static int replay(struct replay *r)
{
	int code;

	if (!read_events(r))
		return TO_EXIT_USAGE;
	if (to_events_compile(&r->events, r->plan) < 0)
		return TO_EXIT_NO;
	r->summary = memfd_create("turnout-summary", MFD_CLOEXEC);
	if (r->summary < 0) {
		to_complain("cannot make room for the summary: %s", strerror(errno));
		return TO_EXIT_NO;
	}
	if (!make_arguments(r))
		return TO_EXIT_NO;
	code = run_engine(r);
	return show(r, code);
}

static const struct engine *find_engine(const char *name)
{
	for (size_t i = 0; i < sizeof(engines) / sizeof(engines[0]); i++) {
		if (!name || !strcmp(engines[i].name, name))
			return &engines[i];
	}
	to_complain("no engine '%s' can replay; 'dpdk' and 'xdp' can", name);
	return NULL;
}

static enum to_exit run(const struct to_args *args)
{
	struct replay r = {.args = args, .summary = -1};
	enum to_exit code;

	r.engine = find_engine(to_value(args, "engine"));
	if (!r.engine)
		return TO_EXIT_USAGE;
	r.plan_path = args->positional[0];
	r.capture = args->positional[1];
	if (!to_open_plan(r.plan_path, &r.plan, &code))
		return code;
	code = replay(&r);
	if (r.summary >= 0)
		close(r.summary);
	free(r.argv);
	free(r.text);
	to_events_free(&r.events);
	to_plan_free(r.plan);
	return code;
}

static const struct to_option options[] = {
	{"stage", "STAGE", "the stage to begin with (default: the first)"},
	{"at", "TIME=EVENT",
	 "a stage's name, or down:EDGE, up:, drain:, retire:, readmit:; TIME is "
	 "90, 15m, 2h after the first frame, or 2026-01-01T10:00:00Z; may be "
	 "given again"},
	{"events", "FILE", "more of them, one TIME=EVENT a line"},
	{"engine", "dpdk|xdp", "which engine steers (default: dpdk); xdp needs root"},
	{"workers", "N",
	 "dpdk: workers, 1 to 64; the verdicts do not depend on it, but with --sip-rate"},
	{"keep", "DIR",
	 "xdp: keeps the loaded program in this directory of the BPF file system, "
	 "and uses what an earlier replay has left there"},
	{"out", "DIR", "writes verdicts.jsonl and a capture for each edge there"},
	{"mtu", "N", "bytes of the largest IP packet (default 1500)"},
	{"sip-rate", "N",
	 "kB a second that SIP messages of strangers may be read (default 0: any)"},
	{"quiet", NULL, "print no summary"},
	TO_OPTION_JSON,
	TO_OPTION_END,
};

const struct to_command to_cmd_replay = {
	.words = "replay",
	.arguments = "PLAN CAPTURE",
	.summary = "Sends a capture through the engine and shows what went where, and why.",
	.options = options,
	.run = run,
};
