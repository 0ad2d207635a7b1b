/* SPDX-License-Identifier: BSD-3-Clause */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dp_number.h"
#include "dp_replay_options.h"

#define NS          1000000000u
#define MTU_MIN     576u /* RFC 791 */
#define MTU_DEFAULT 1500u
#define ENTRIES     (1u << 20)
#define ENTRIES_MAX (1u << 26)

static const char help[] =
	"Usage: turnout-dp replay --pcap FILE --table IMAGE [OPTION]...\n"
	"\n"
	"Runs a capture through the DPDK engine, with the capture's own time as the clock. Needs\n"
	"no hugepages, no device and no privilege. `turnout replay` is the comfortable way here.\n"
	"\n"
	"  --pcap FILE         the capture: pcap or pcapng; Ethernet, raw IP, Linux cooked, "
	"loopback\n"
	"  --table IMAGE       the first generation's table\n"
	"  --at SECONDS[.FRACTION]:IMAGE\n"
	"                      the table that becomes the generation at that time (since 1970);\n"
	"                      may be given again\n"
	"  --workers N         1 to 64; the verdicts do not depend on it (default 1)\n"
	"  --out DIR           writes verdicts.jsonl, and the captures edge-NAME.pcap, "
	"kernel.pcap,\n"
	"                      replies.pcap and errors.pcap there\n"
	"  --summary FILE      writes what was found, as JSON\n"
	"  --mtu N             bytes of the largest IP packet (default 1500)\n"
	"  --proven N          most proven entries of each kind (default 1048576)\n"
	"  --unproven N        most unproven ones\n"
	"  --progress          shows on stderr how far a long capture is\n"
	"  --help              this\n"
	"\n"
	"Exit status: 0 done; 1 a file cannot be written, or the capture ends within a frame; 2 "
	"usage,\n"
	"or the capture cannot be read; 3 the engine cannot start; 4 a table was refused (the\n"
	"generation before went on).\n";

enum {
	OPT_PCAP = 256,
	OPT_TABLE,
	OPT_AT,
	OPT_WORKERS,
	OPT_OUT,
	OPT_SUMMARY,
	OPT_MTU,
	OPT_PROVEN,
	OPT_UNPROVEN,
	OPT_PROGRESS,
	OPT_HELP
};

static const struct option options[] = {
	{"pcap", required_argument, NULL, OPT_PCAP},
	{"table", required_argument, NULL, OPT_TABLE},
	{"at", required_argument, NULL, OPT_AT},
	{"workers", required_argument, NULL, OPT_WORKERS},
	{"out", required_argument, NULL, OPT_OUT},
	{"summary", required_argument, NULL, OPT_SUMMARY},
	{"mtu", required_argument, NULL, OPT_MTU},
	{"proven", required_argument, NULL, OPT_PROVEN},
	{"unproven", required_argument, NULL, OPT_UNPROVEN},
	{"progress", no_argument, NULL, OPT_PROGRESS},
	{"help", no_argument, NULL, OPT_HELP},
	{0},
};

static bool bad(const char *option, const char *value, const char *expected)
{
	fprintf(stderr, "turnout-dp: --%s %s: expected %s\n", option, value, expected);
	return false;
}

/* "1767261600.25" to nanoseconds; stops at the colon. */
static bool read_time(const char *text, uint64_t *ns, const char **rest)
{
	uint64_t seconds = 0, nanos = 0, unit = NS / 10;
	const char *p = text;

	for (; *p >= '0' && *p <= '9'; p++) {
		seconds = seconds * 10 + (uint64_t)(*p - '0');
		if (seconds > UINT32_MAX)
			return false;
	}
	if (p == text)
		return false;
	if (*p == '.') {
		for (p++; *p >= '0' && *p <= '9'; p++, unit /= 10) {
			if (!unit)
				return false;
			nanos += (uint64_t)(*p - '0') * unit;
		}
	}
	*ns = seconds * NS + nanos;
	*rest = p;
	return *p == ':' && p[1];
}

static bool add_event(struct to_replay_options *o, const char *text)
{
	struct to_replay_event *more = realloc(o->events, (o->event_count + 1) * sizeof(*more));
	struct to_replay_event e;
	unsigned i = o->event_count;

	if (!more)
		return false;
	o->events = more;
	if (!read_time(text, &e.at, &e.path))
		return bad("at", text, "SECONDS[.FRACTION]:IMAGE");
	e.path++;
	/* by time; those of one time in the order given */
	for (; i > 0 && o->events[i - 1].at > e.at; i--)
		o->events[i] = o->events[i - 1];
	o->events[i] = e;
	o->event_count++;
	return true;
}

static bool read_number(const char *name, uint64_t low, uint64_t high, uint64_t *out)
{
	char expected[64];

	if (dp_number(optarg, low, high, out))
		return true;
	snprintf(expected, sizeof(expected), "a number from %llu to %llu", (unsigned long long)low,
		 (unsigned long long)high);
	return bad(name, optarg, expected);
}

static bool set_number(int option, struct dp_replay_options *o)
{
	uint64_t n;

	switch (option) {
	case OPT_WORKERS:
		if (!read_number("workers", 1, TO_REPLAY_MAX_WORKERS, &n))
			return false;
		o->workers = (unsigned)n;
		return true;
	case OPT_MTU:
		if (!read_number("mtu", MTU_MIN, UINT16_MAX, &n))
			return false;
		o->mtu = (uint16_t)n;
		return true;
	case OPT_PROVEN:
		if (!read_number("proven", 1, ENTRIES_MAX, &n))
			return false;
		o->proven = (uint32_t)n;
		return true;
	case OPT_UNPROVEN:
		if (!read_number("unproven", 1, ENTRIES_MAX, &n))
			return false;
		o->unproven = (uint32_t)n;
		return true;
	default: /* getopt has said what is wrong */
		return false;
	}
}

static bool set(int option, struct dp_replay_options *o)
{
	switch (option) {
	case OPT_PCAP:
		o->replay.pcap = optarg;
		return true;
	case OPT_TABLE:
		o->table = optarg;
		return true;
	case OPT_AT:
		return add_event(&o->replay, optarg);
	case OPT_OUT:
		o->replay.out = optarg;
		return true;
	case OPT_SUMMARY:
		o->replay.summary = optarg;
		return true;
	case OPT_PROGRESS:
		o->replay.progress = true;
		return true;
	default:
		return set_number(option, o);
	}
}

int dp_replay_options(int argc, char **argv, struct dp_replay_options *o)
{
	char name[] = "turnout-dp";
	int option;

	*o = (struct dp_replay_options){
		.workers = 1, .mtu = MTU_DEFAULT, .proven = ENTRIES, .unproven = ENTRIES};
	argv[0] = name; /* getopt's messages begin with it */
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == OPT_HELP) {
			fputs(help, stdout);
			dp_replay_options_free(o);
			return TO_EXIT_DONE;
		}
		if (!set(option, o))
			goto usage;
	}
	if (optind < argc)
		fprintf(stderr, "turnout-dp: unexpected argument '%s'\n", argv[optind]);
	else if (!o->replay.pcap || !o->table)
		fprintf(stderr, "turnout-dp: replay needs --pcap and --table\n");
	else
		return -1;
usage:
	fprintf(stderr, "Try `turnout-dp replay --help`.\n");
	dp_replay_options_free(o);
	return TO_EXIT_USAGE;
}

void dp_replay_options_free(struct dp_replay_options *o)
{
	free(o->replay.events);
	o->replay.events = NULL;
}
