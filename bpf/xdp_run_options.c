/* SPDX-License-Identifier: BSD-3-Clause */
#include "xdp_run_options.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <turnout/packet.h>

#include "dataplane/number.h"
#include "dataplane/replay.h"

#define PINS_MAX (1u << 26)
#define PIN_MOST 127u

static const char help[] =
	"Usage: turnout-xdp run --table IMAGE --port NAME:ZONE... [OPTION]...\n"
	"       turnout-xdp run --control PATH --port NAME:ZONE... [OPTION]...\n"
	"\n"
	"Steers live traffic in the kernel, by an XDP program. What it needs to go on is pinned: "
	"when\n"
	"this process ends, or is killed, steering goes on, and the next one takes it over without "
	"a\n"
	"packet or an entry lost. `turnout-xdp detach` ends it.\n"
	"\n"
	"  --table IMAGE       the table; read again at SIGHUP, as the next generation\n"
	"  --control PATH      listens there for the control process. Without --table, and with "
	"nothing to\n"
	"                      take over, all packets are the kernel's until it publishes a table\n"
	"  --control-group GROUP\n"
	"                      whose members may connect too, beside root and the process's user\n"
	"  --port NAME:ZONE    a network interface and what it leads to: outside, edges or both; "
	"may\n"
	"                      be given again\n"
	"  --nexthop outside=WHERE, --nexthop EDGE=WHERE, --nexthop edges=WHERE (all other edges)\n"
	"                      WHERE is the next hop's address, or its MAC. Without it: as the "
	"kernel\n"
	"                      routes the edge's address; outside, by the default route of that "
	"port\n"
	"  --pin DIR           where maps and links are pinned (default " TO_XDP_PIN ")\n"
	"  --pins N            about how many flows (default 262144, or as they are pinned)\n"
	"  --mode MODE         native: in the driver, or not at all; generic: after the driver, on "
	"any\n"
	"                      interface, slower; auto (default): native where the driver has it\n"
	"  --sip-rate N        kB a second and CPU that SIP messages of strangers may be read; 0: "
	"any\n"
	"                      (default 20000)\n"
	"  --help              this\n"
	"\n"
	"SIGUSR1 prints the counters as JSON. Exit status: 0 done, 2 usage, 3 the program or an\n"
	"interface cannot be had, 4 the table was refused and there is none to go on with.\n";

enum {
	OPT_TABLE = 256,
	OPT_CONTROL,
	OPT_CONTROL_GROUP,
	OPT_PORT,
	OPT_NEXTHOP,
	OPT_PIN,
	OPT_PINS,
	OPT_MODE,
	OPT_SIP_RATE,
	OPT_HELP
};

static const struct option options[] = {
	{"table", required_argument, NULL, OPT_TABLE},
	{"control", required_argument, NULL, OPT_CONTROL},
	{"control-group", required_argument, NULL, OPT_CONTROL_GROUP},
	{"port", required_argument, NULL, OPT_PORT},
	{"nexthop", required_argument, NULL, OPT_NEXTHOP},
	{"pin", required_argument, NULL, OPT_PIN},
	{"pins", required_argument, NULL, OPT_PINS},
	{"mode", required_argument, NULL, OPT_MODE},
	{"sip-rate", required_argument, NULL, OPT_SIP_RATE},
	{"help", no_argument, NULL, OPT_HELP},
	{0},
};

static bool bad(const char *option, const char *expected)
{
	fprintf(stderr, "turnout-xdp: --%s %s: expected %s\n", option, optarg, expected);
	return false;
}

bool to_xdp_pin_is_good(const char *path)
{
	const char *expected = !*path                    ? "a directory"
			       : strlen(path) > PIN_MOST ? "a shorter path"
							 : "";

	if (*expected)
		fprintf(stderr, "turnout-xdp: --pin %s: expected %s\n", path, expected);
	return !*expected;
}

static bool add_port(struct to_xdp_run_options *o)
{
	static const char *const zones[] = {
		[TO_ZONE_OUTSIDE] = "outside", [TO_ZONE_EDGES] = "edges", [TO_ZONE_BOTH] = "both"};
	const char *colon = strrchr(optarg, ':');
	struct to_xdp_port_option *p = &o->port[o->ports];

	if (o->ports == TO_XDP_MAX_PORTS)
		return bad("port", "fewer of them");
	if (!colon || colon == optarg || (size_t)(colon - optarg) >= sizeof(p->name))
		return bad("port", "NAME:outside, NAME:edges or NAME:both");
	for (unsigned z = TO_ZONE_OUTSIDE; z <= TO_ZONE_BOTH; z++) {
		if (!strcmp(colon + 1, zones[z]))
			p->zone = (uint8_t)z;
	}
	if (!p->zone)
		return bad("port", "a zone: outside, edges or both");
	memcpy(p->name, optarg, (size_t)(colon - optarg));
	p->name[colon - optarg] = '\0';
	for (unsigned i = 0; i < o->ports; i++) {
		if (!strcmp(o->port[i].name, p->name))
			return bad("port", "each interface once");
	}
	o->ports++;
	return true;
}

static bool add_nexthop(struct to_xdp_run_options *o)
{
	const char *expected = "fewer of them";

	if (o->nexthops < TO_NEXTHOP_OPTIONS)
		expected = to_nexthop_option_read(optarg, &o->nexthop[o->nexthops]);
	if (expected)
		return bad("nexthop", expected);
	o->nexthops++;
	return true;
}

static bool set_mode(struct to_xdp_run_options *o)
{
	static const char *const modes[] = {"auto", "native", "generic"};

	for (int i = TO_XDP_AUTO; i <= TO_XDP_GENERIC; i++) {
		if (!strcmp(optarg, modes[i])) {
			o->mode = i;
			return true;
		}
	}
	return bad("mode", "native, generic or auto");
}

static bool set(int option, struct to_xdp_run_options *o)
{
	uint64_t n;

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
	case OPT_PORT:
		return add_port(o);
	case OPT_NEXTHOP:
		return add_nexthop(o);
	case OPT_PIN:
		o->pin = optarg;
		return to_xdp_pin_is_good(optarg);
	case OPT_PINS:
		if (!to_number(optarg, 1, PINS_MAX, &n))
			return bad("pins", "a number from 1 to 67108864");
		o->pins = (uint32_t)n;
		return true;
	case OPT_MODE:
		return set_mode(o);
	case OPT_SIP_RATE:
		if (!to_number(optarg, 0, TO_SIP_RATE_MAX, &n))
			return bad("sip-rate", "a number from 0 to 10000000");
		o->sip_rate = (uint32_t)n;
		return true;
	default: /* getopt has said what is wrong */
		return false;
	}
}

/* Where all ports together lead. */
static unsigned zones_of(const struct to_xdp_run_options *o)
{
	unsigned zones = 0;

	for (unsigned i = 0; i < o->ports; i++)
		zones |= o->port[i].zone;
	return zones;
}

int to_xdp_run_options(int argc, char **argv, struct to_xdp_run_options *o)
{
	char name[] = "turnout-xdp";
	int option;

	*o = (struct to_xdp_run_options){.pin = TO_XDP_PIN, .sip_rate = TO_SIP_RATE};
	argv[0] = name; /* getopt's messages begin with it */
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == OPT_HELP) {
			fputs(help, stdout);
			return TO_EXIT_DONE;
		}
		if (!set(option, o))
			goto usage;
	}
	if (optind < argc)
		fprintf(stderr, "turnout-xdp: unexpected argument '%s'\n", argv[optind]);
	else if (!(o->table || o->control) || !o->ports)
		fprintf(stderr, "turnout-xdp: run needs --port, and --table or --control\n");
	else if (zones_of(o) != TO_ZONE_BOTH)
		fprintf(stderr, "turnout-xdp: no --port leads %s\n",
			zones_of(o) & TO_ZONE_EDGES ? "outside" : "to the edges");
	else
		return -1;
usage:
	fprintf(stderr, "Try `turnout-xdp run --help`.\n");
	return TO_EXIT_USAGE;
}
