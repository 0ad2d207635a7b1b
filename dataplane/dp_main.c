/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <string.h>

#include "dp_guard.h"
#include "dp_replay.h"
#include "dp_run.h"
#include "replay.h"

static const char help[] = "Usage: turnout-dp COMMAND [OPTION]...\n"
			   "\n"
			   "The DPDK engine of Turnout.\n"
			   "\n"
			   "  replay     runs a capture through the engine; needs no privilege\n"
			   "  run        steers live traffic\n"
			   "  unguard    lets the kernel have what `run` keeps from it\n"
			   "\n"
			   "`turnout-dp COMMAND --help` says more. --version, --help.\n";

static const struct {
	const char *name;
	int (*main)(int argc, char **argv);
} commands[] = {
	{"replay", dp_replay_main},
	{"run", dp_run_main},
	{"unguard", dp_unguard_main},
};

int main(int argc, char **argv)
{
	if (argc > 1) {
		for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
			if (strcmp(argv[1], commands[i].name) == 0)
				return commands[i].main(argc - 1, argv + 1);
		}
		if (strcmp(argv[1], "--help") == 0) {
			fputs(help, stdout);
			return TO_EXIT_DONE;
		}
		if (strcmp(argv[1], "--version") == 0) {
			printf("turnout-dp " TURNOUT_VERSION "\n");
			return TO_EXIT_DONE;
		}
		fprintf(stderr, "turnout-dp: unknown command '%s'\n", argv[1]);
	}
	fputs(help, stderr);
	return TO_EXIT_USAGE;
}
