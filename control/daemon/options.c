/* SPDX-License-Identifier: BSD-3-Clause */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>

static const char help[] =
	"Usage: turnoutd --plan FILE --engine SOCKET [OPTION]...\n"
	"\n"
	"Runs the cutover: reads the plan, hands an engine its tables, one generation after\n"
	"another, keeps the journal, and does what turnout(1) asks of it.\n"
	"\n"
	"  --plan FILE           the plan; read again on SIGHUP\n"
	"  --engine SOCKET       the engine's control socket, of turnout-dp or turnout-xdp\n"
	"  --state DIR           the journal and the plan that was accepted (/var/lib/turnout)\n"
	"  --api SOCKET          where to listen for turnout (/run/turnout/turnoutd.sock)\n"
	"  --operators GROUP     who may change what runs, beside root and turnoutd's own user\n"
	"  --viewers GROUP       who may look; without it the socket is closed to others\n"
	"  --metrics ADDR:PORT   serve metrics over HTTP there\n"
	"  --quiet SECONDS       how long nothing must have happened at an edge before that is\n"
	"                        believed, 1 to 3600 (30)\n"
	"  --engine-timeout SECONDS\n"
	"                        how long the engine may take for an answer, 0.1 to 60 (5)\n"
	"  --help                this\n"
	"  --version             the version\n"
	"\n"
	"SIGHUP reads the plan again; SIGTERM and SIGINT end turnoutd, and the engine goes on.\n"
	"\n"
	"Exit status: 0 ended by a signal; 1 it cannot run: the journal is damaged, another\n"
	"turnoutd has the state directory, no plan could be had; 2 usage.\n";

enum {
	OPTION_PLAN = 256,
	OPTION_ENGINE,
	OPTION_STATE,
	OPTION_API,
	OPTION_OPERATORS,
	OPTION_VIEWERS,
	OPTION_METRICS,
	OPTION_QUIET,
	OPTION_TIMEOUT,
	OPTION_HELP,
	OPTION_VERSION,
};

static const struct option options[] = {
	{"plan", required_argument, NULL, OPTION_PLAN},
	{"engine", required_argument, NULL, OPTION_ENGINE},
	{"state", required_argument, NULL, OPTION_STATE},
	{"api", required_argument, NULL, OPTION_API},
	{"operators", required_argument, NULL, OPTION_OPERATORS},
	{"viewers", required_argument, NULL, OPTION_VIEWERS},
	{"metrics", required_argument, NULL, OPTION_METRICS},
	{"quiet", required_argument, NULL, OPTION_QUIET},
	{"engine-timeout", required_argument, NULL, OPTION_TIMEOUT},
	{"help", no_argument, NULL, OPTION_HELP},
	{"version", no_argument, NULL, OPTION_VERSION},
	{NULL, 0, NULL, 0},
};

static int read_group(const char *name, gid_t *out)
{
	const struct group *group = getgrnam(name); // NOLINT(concurrency-mt-unsafe): no threads yet

	if (!group) {
		fprintf(stderr, "turnoutd: there is no group '%s'\n", name);
		return -EINVAL;
	}
	*out = group->gr_gid;
	return 0;
}

static int read_seconds(const char *option, double least, double most, double *out)
{
	char *end;

	*out = strtod(optarg, &end);
	if (end != optarg && !*end && *out >= least && *out <= most)
		return 0;
	fprintf(stderr, "turnoutd: --%s: '%s' is not a number of seconds from %g to %g\n", option,
		optarg, least, most);
	return -EINVAL;
}

static int take(int option, struct to_options *o)
{
	double seconds;
	int err;

	switch (option) {
	case OPTION_PLAN:
		o->plan = optarg;
		return 0;
	case OPTION_ENGINE:
		o->engine = optarg;
		return 0;
	case OPTION_STATE:
		o->state = optarg;
		return 0;
	case OPTION_API:
		o->api = optarg;
		return 0;
	case OPTION_METRICS:
		o->metrics = optarg;
		return 0;
	case OPTION_OPERATORS:
		return read_group(optarg, &o->operators);
	case OPTION_VIEWERS:
		return read_group(optarg, &o->viewers);
	case OPTION_TIMEOUT:
		return read_seconds("engine-timeout", 0.1, 60, &o->engine_timeout);
	case OPTION_QUIET:
		err = read_seconds("quiet", 1, 3600, &seconds);
		o->quiet = err ? 0 : (uint32_t)seconds;
		return err;
	case OPTION_HELP:
		fputs(help, stdout);
		return 1;
	case OPTION_VERSION:
		puts("turnoutd " TURNOUT_VERSION);
		return 1;
	default: /* getopt has said what is wrong */
		return -EINVAL;
	}
}

int to_options_read(int argc, char **argv, struct to_options *o)
{
	int option, ret = 0;

	*o = (struct to_options){.state = "/var/lib/turnout",
				 .api = "/run/turnout/turnoutd.sock",
				 .operators = TO_NO_GROUP,
				 .viewers = TO_NO_GROUP,
				 .engine_timeout = 5,
				 .quiet = 30};
	while (ret == 0 && (option = getopt_long(argc, argv, "", options, NULL)) != -1)
		ret = take(option, o);
	if (ret)
		return ret;
	if (optind < argc)
		fprintf(stderr, "turnoutd: '%s' is not an option; see --help\n", argv[optind]);
	else if (!o->plan || !o->engine)
		fputs("turnoutd: --plan and --engine are needed; see --help\n", stderr);
	else
		return 0;
	return -EINVAL;
}
