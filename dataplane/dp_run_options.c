/* SPDX-License-Identifier: BSD-3-Clause */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dp_run_options.h"
#include "number.h"
#include "replay.h"
#include "state.h"

#define MTU_MIN     576u
#define MTU_MAX     9216u
#define PINS        (1u << 20)
#define PINS_MAX    (1u << 26)
#define MBUFS       16383u
#define MBUFS_LEAST 4095u
#define MBUFS_MAX   ((1u << 22) - 1)

static const char help[] =
	"Usage: turnout-dp run [EAL OPTION]... -- --table IMAGE --port NAME:ZONE... [OPTION]...\n"
	"       turnout-dp run [EAL OPTION]... -- --control PATH --port NAME:ZONE... "
	"[OPTION]...\n"
	"\n"
	"Steers live traffic. What comes before the -- is DPDK's: lcores (one for each worker\n"
	"beside the main one), memory and devices.\n"
	"\n"
	"  --table IMAGE          the table; read again at SIGHUP, as the next generation\n"
	"  --control PATH         listens there for the control process; what it publishes goes "
	"on\n"
	"                         after a restart, from FILE.table beside the state. Without "
	"--table\n"
	"                         all packets are the kernel's until a table is published\n"
	"  --control-group GROUP  whose members may connect too, beside root and the user\n"
	"  --port NAME:ZONE[:KERNEL]\n"
	"                         a DPDK port and what it leads to: outside, edges or both; what "
	"is\n"
	"                         the kernel's goes to the interface KERNEL, a TAP that is made, "
	"and\n"
	"                         comes back from there; net_af_packet needs none, nor does\n"
	"                         net_af_xdp with turnout-intake.bpf.o; may be given "
	"again\n"
	"  --nexthop outside=WHERE, --nexthop EDGE=WHERE, --nexthop edges=WHERE (all other edges)\n"
	"                         WHERE is the next hop's address, or its MAC. Without it: as the\n"
	"                         kernel routes the edge's address; outside, by the default route "
	"of\n"
	"                         a port that leads there\n"
	"  --no-guard             does not keep the kernel off VIPs and edges' frames on ports "
	"that\n"
	"                         it sees as well\n"
	"  --workers N            1 to 64 (default 1)\n"
	"  --state FILE           remembers flows there, over the death of the process\n"
	"  --pins N               about how many flows (default 1048576)\n"
	"  --mtu N                bytes of the largest IP packet (default 1500)\n"
	"  --sip-rate N           kB a second and worker that SIP messages of strangers may be "
	"read;\n"
	"                         0: any (default 20000)\n"
	"  --mbufs N              frames under way at a time (default 16383)\n"
	"  --packets N            ends when so many frames were received\n"
	"  --seconds N            ends so long after the first frame\n"
	"  --help                 this\n"
	"\n"
	"SIGUSR1 prints the counters as JSON, and so does the end, which SIGTERM and SIGINT "
	"bring.\n"
	"Exit status: 0 done, 2 usage, 3 DPDK or a port does not start, 4 the table was refused.\n";

enum {
	OPT_TABLE = 256,
	OPT_CONTROL,
	OPT_CONTROL_GROUP,
	OPT_PORT,
	OPT_NEXTHOP,
	OPT_NO_GUARD,
	OPT_WORKERS,
	OPT_STATE,
	OPT_PINS,
	OPT_MTU,
	OPT_SIP_RATE,
	OPT_MBUFS,
	OPT_PACKETS,
	OPT_SECONDS,
	OPT_HELP
};

static const struct option options[] = {
	{"table", required_argument, NULL, OPT_TABLE},
	{"control", required_argument, NULL, OPT_CONTROL},
	{"control-group", required_argument, NULL, OPT_CONTROL_GROUP},
	{"port", required_argument, NULL, OPT_PORT},
	{"nexthop", required_argument, NULL, OPT_NEXTHOP},
	{"no-guard", no_argument, NULL, OPT_NO_GUARD},
	{"workers", required_argument, NULL, OPT_WORKERS},
	{"state", required_argument, NULL, OPT_STATE},
	{"pins", required_argument, NULL, OPT_PINS},
	{"mtu", required_argument, NULL, OPT_MTU},
	{"sip-rate", required_argument, NULL, OPT_SIP_RATE},
	{"mbufs", required_argument, NULL, OPT_MBUFS},
	{"packets", required_argument, NULL, OPT_PACKETS},
	{"seconds", required_argument, NULL, OPT_SECONDS},
	{"help", no_argument, NULL, OPT_HELP},
	{0},
};

void dp_run_help(void)
{
	fputs(help, stdout);
}

static bool bad(const char *option, const char *expected)
{
	fprintf(stderr, "turnout-dp: --%s %s: expected %s\n", option, optarg, expected);
	return false;
}

static uint8_t zone_of(const char *text, size_t n)
{
	static const struct {
		const char *name;
		uint8_t zone;
	} zones[] = {
		{"outside", TO_ZONE_OUTSIDE}, {"edges", TO_ZONE_EDGES}, {"both", TO_ZONE_BOTH}};

	for (size_t i = 0; i < 3; i++) {
		if (strlen(zones[i].name) == n && !memcmp(zones[i].name, text, n))
			return zones[i].zone;
	}
	return 0;
}

/* NAME:ZONE or NAME:ZONE:KERNEL; a PCI address as NAME has colons itself. */
static bool add_port(struct dp_run_options *o)
{
	struct dp_port *p = &o->port[o->ports];
	const char *at = optarg, *end = "";

	/* one place stays free for each port's kernel's port */
	if (o->ports == DP_MAX_PORTS / 2)
		return bad("port", "8 ports at most");
	*p = (struct dp_port){.kernel = DP_NO_PORT};
	while ((at = strchr(at, ':'))) {
		end = at + 1 + strcspn(at + 1, ":");
		p->zone = zone_of(at + 1, (size_t)(end - at - 1));
		if (p->zone)
			break;
		at++;
	}
	if (!p->zone || at == optarg || (size_t)(at - optarg) >= sizeof(p->name) ||
	    strlen(end) > sizeof(p->kernel_name) || !strcmp(end, ":"))
		return bad("port", "NAME:outside, NAME:edges or NAME:both, and perhaps :KERNEL");
	snprintf(p->name, sizeof(p->name), "%.*s", (int)(at - optarg), optarg);
	snprintf(p->kernel_name, sizeof(p->kernel_name), "%s", *end ? end + 1 : "");
	o->ports++;
	return true;
}

static bool add_nexthop(struct dp_run_options *o)
{
	const char *expected = "fewer of them";

	if (o->nexthops < TO_NEXTHOP_OPTIONS)
		expected = to_nexthop_option_read(optarg, &o->nexthop[o->nexthops]);
	if (expected)
		return bad("nexthop", expected);
	o->nexthops++;
	return true;
}

static bool number(const char *name, uint64_t low, uint64_t high, uint64_t *out)
{
	char expected[64];

	if (to_number(optarg, low, high, out))
		return true;
	snprintf(expected, sizeof(expected), "a number from %llu to %llu", (unsigned long long)low,
		 (unsigned long long)high);
	return bad(name, expected);
}

static bool set_number(int option, struct dp_run_options *o)
{
	uint64_t n = 0;
	bool good;

	switch (option) {
	case OPT_WORKERS:
		good = number("workers", 1, TO_STATE_MAX_WORKERS, &n);
		o->workers = (unsigned)n;
		return good;
	case OPT_PINS:
		good = number("pins", 1, PINS_MAX, &n);
		o->pins = (uint32_t)n;
		return good;
	case OPT_MTU:
		good = number("mtu", MTU_MIN, MTU_MAX, &n);
		o->mtu = (uint16_t)n;
		return good;
	case OPT_SIP_RATE:
		good = number("sip-rate", 0, TO_SIP_RATE_MAX, &n);
		o->sip_rate = (uint32_t)n;
		return good;
	case OPT_MBUFS:
		good = number("mbufs", MBUFS_LEAST, MBUFS_MAX, &n);
		o->mbufs = (uint32_t)n;
		return good;
	case OPT_PACKETS:
		return number("packets", 1, UINT64_MAX, &o->packets);
	case OPT_SECONDS:
		return number("seconds", 1, UINT32_MAX, &o->seconds);
	default: /* getopt has said what is wrong */
		return false;
	}
}

static bool set(int option, struct dp_run_options *o)
{
	switch (option) {
	case OPT_TABLE:
		o->table = optarg;
		return true;
	case OPT_CONTROL:
		o->control = optarg;
		return true;
	case OPT_CONTROL_GROUP:
		o->control_group = optarg;
		return true;
	case OPT_STATE:
		o->state = optarg;
		return true;
	case OPT_PORT:
		return add_port(o);
	case OPT_NEXTHOP:
		return add_nexthop(o);
	case OPT_NO_GUARD:
		o->no_guard = true;
		return true;
	default:
		return set_number(option, o);
	}
}

/* Where all ports together lead. */
static unsigned zones_of(const struct dp_run_options *o)
{
	unsigned zones = 0;

	for (unsigned i = 0; i < o->ports; i++)
		zones |= o->port[i].zone;
	return zones;
}

int dp_run_options(int argc, char **argv, struct dp_run_options *o)
{
	char name[] = "turnout-dp";
	int option;

	*o = (struct dp_run_options){
		.workers = 1, .mtu = 1500, .pins = PINS, .mbufs = MBUFS, .sip_rate = TO_SIP_RATE};
	argv[0] = name; /* getopt's messages begin with it */
	optind = 1;     /* EAL has used getopt as well */
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == OPT_HELP) {
			dp_run_help();
			return TO_EXIT_DONE;
		}
		if (!set(option, o))
			goto usage;
	}
	if (optind < argc)
		fprintf(stderr, "turnout-dp: unexpected argument '%s'\n", argv[optind]);
	else if (!(o->table || o->control) || !o->ports)
		fprintf(stderr, "turnout-dp: run needs --port, and --table or --control\n");
	else if (zones_of(o) != TO_ZONE_BOTH)
		fprintf(stderr, "turnout-dp: no --port leads %s\n",
			zones_of(o) & TO_ZONE_EDGES ? "outside" : "to the edges");
	else
		return -1;
usage:
	fprintf(stderr, "Try `turnout-dp run --help`.\n");
	return TO_EXIT_USAGE;
}
