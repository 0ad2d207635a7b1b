/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <string.h>

#include "dataplane/replay.h"
#include "xdp_replay.h"
#include "xdp_run.h"

static const char help[] = "Usage: turnout-xdp COMMAND [OPTION]...\n"
			   "\n"
			   "The XDP engine of Turnout: steers in the kernel, without DPDK.\n"
			   "\n"
			   "  run        steers live traffic\n"
			   "  status     what is attached, and what it remembers\n"
			   "  detach     ends the steering\n"
			   "  replay     runs a capture through the program\n"
			   "\n"
			   "`turnout-xdp COMMAND --help` says more. --version, --help.\n";

static const struct {
	const char *name;
	int (*main)(int argc, char **argv);
} commands[] = {
	{"replay", to_xdp_replay_main},
	{"run", to_xdp_run_main},
	{"status", to_xdp_status_main},
	{"detach", to_xdp_detach_main},
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
			printf("turnout-xdp " TURNOUT_VERSION "\n");
			return TO_EXIT_DONE;
		}
		fprintf(stderr, "turnout-xdp: unknown command '%s'\n", argv[1]);
	}
	fputs(help, stderr);
	return TO_EXIT_USAGE;
}
