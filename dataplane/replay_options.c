/* SPDX-License-Identifier: BSD-3-Clause */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "number.h"
#include "replay_options.h"

#define NS          1000000000u
#define MTU_MIN     576u /* RFC 791 */
#define MTU_DEFAULT 1500u
#define ENTRIES_MAX (1u << 26)

/* printf formats: the program, then what its replay needs, then its own options. */
static const char help_begin[] =
	"Usage: %s replay --pcap FILE --table IMAGE [OPTION]...\n"
	"\n"
	"Runs a capture through the %s engine, with the capture's own time as the clock. %s\n"
	"`turnout replay` is the comfortable way here.\n"
	"\n"
	"  --pcap FILE         the capture: pcap or pcapng; Ethernet, raw IP, Linux cooked, "
	"loopback\n"
	"  --table IMAGE       the first generation's table\n"
	"  --at SECONDS[.FRACTION]:IMAGE\n"
	"                      the table that becomes the generation at that time (since 1970);\n"
	"                      may be given again\n"
	"%s"
	"  --out DIR           writes verdicts.jsonl, and the captures edge-NAME.pcap, "
	"kernel.pcap,\n"
	"                      replies.pcap and errors.pcap there\n"
	"  --summary FILE      writes what was found, as JSON\n"
	"  --mtu N             bytes of the largest IP packet (default 1500)\n"
	"  --sip-rate N        kB a second that SIP messages of strangers may be read (default 0: "
	"any)\n";
static const char help_end[] =
	"  --proven N          most proven entries of each kind (default %u)\n"
	"  --unproven N        most unproven ones\n"
	"  --progress          shows on stderr how far a long capture is\n"
	"  --help              this\n"
	"\n"
	"Exit status: 0 done; 1 a file cannot be written, or the capture ends within a frame; 2 "
	"usage,\n"
	"or the capture cannot be read; 3 the engine cannot start; 4 a table was refused (the\n"
	"generation before went on).\n";
static const char help_workers[] =
	"  --workers N         1 to 64; the verdicts do not depend on it, but with --sip-rate\n"
	"                      (default 1)\n";
static const char help_keep[] =
	"  --keep DIR          keeps the loaded program in this directory of the BPF file system,\n"
	"                      and uses what an earlier replay has left there: the kernel needs\n"
	"                      about half a second to verify it\n";

enum {
	OPT_PCAP = 256,
	OPT_TABLE,
	OPT_AT,
	OPT_WORKERS,
	OPT_OUT,
	OPT_SUMMARY,
	OPT_MTU,
	OPT_SIP_RATE,
	OPT_PROVEN,
	OPT_UNPROVEN,
	OPT_PROGRESS,
	OPT_KEEP,
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
	{"sip-rate", required_argument, NULL, OPT_SIP_RATE},
	{"proven", required_argument, NULL, OPT_PROVEN},
	{"unproven", required_argument, NULL, OPT_UNPROVEN},
	{"progress", no_argument, NULL, OPT_PROGRESS},
	{"keep", required_argument, NULL, OPT_KEEP},
	{"help", no_argument, NULL, OPT_HELP},
	{0},
};

static const char *program; /* as messages call it */

static bool bad(const char *option, const char *value, const char *expected)
{
	fprintf(stderr, "%s: --%s %s: expected %s\n", program, option, value, expected);
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

	if (to_number(optarg, low, high, out))
		return true;
	snprintf(expected, sizeof(expected), "a number from %llu to %llu", (unsigned long long)low,
		 (unsigned long long)high);
	return bad(name, optarg, expected);
}

static bool set_number(int option, struct to_replay_setup *o)
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
	case OPT_SIP_RATE:
		if (!read_number("sip-rate", 0, TO_SIP_RATE_MAX, &n))
			return false;
		o->sip_rate = (uint32_t)n;
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

static bool set(int option, struct to_replay_setup *o)
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
	case OPT_KEEP:
		o->keep = optarg;
		return true;
	default:
		return set_number(option, o);
	}
}

static void print_help(const struct to_replay_program *p)
{
	printf(help_begin, p->name, p->engine, p->needs, p->workers ? help_workers : help_keep);
	printf(help_end, p->entries);
}

/* --workers is one engine's, --keep the other's. */
static bool is_foreign(const struct to_replay_program *p, int option)
{
	if (option != (p->workers ? OPT_KEEP : OPT_WORKERS))
		return false;
	fprintf(stderr, "%s: the %s engine's replay has no --%s\n", program, p->engine,
		p->workers ? "keep" : "workers");
	return true;
}

int to_replay_setup(int argc, char **argv, const struct to_replay_program *p,
		    struct to_replay_setup *o)
{
	char name[32];
	int option;

	*o = (struct to_replay_setup){
		.workers = 1, .mtu = MTU_DEFAULT, .proven = p->entries, .unproven = p->entries};
	program = p->name;
	snprintf(name, sizeof(name), "%s", p->name);
	argv[0] = name; /* getopt's messages begin with it */
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == OPT_HELP) {
			print_help(p);
			to_replay_setup_free(o);
			return TO_EXIT_DONE;
		}
		if (is_foreign(p, option) || !set(option, o))
			goto usage;
	}
	if (optind < argc)
		fprintf(stderr, "%s: unexpected argument '%s'\n", program, argv[optind]);
	else if (!o->replay.pcap || !o->table)
		fprintf(stderr, "%s: replay needs --pcap and --table\n", program);
	else
		return -1;
usage:
	fprintf(stderr, "Try `%s replay --help`.\n", program);
	to_replay_setup_free(o);
	return TO_EXIT_USAGE;
}

void to_replay_setup_free(struct to_replay_setup *o)
{
	free(o->replay.events);
	o->replay.events = NULL;
}
