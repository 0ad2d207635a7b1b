/* SPDX-License-Identifier: BSD-3-Clause */
/* Both ends of the traffic of the live test: see client.h and server.h. */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "client.h"
#include "server.h"

int main(int argc, char **argv)
{
	struct rlimit files;

	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	if (argc > 1 && strcmp(argv[1], "client") == 0)
		return live_client_main(argc - 1, argv + 1);
	if (argc > 2 && strcmp(argv[1], "server") == 0)
		return live_server_main(argc - 2, argv + 2);
	fprintf(stderr, "usage: endpoint client|server ARGUMENT...\n");
	return 2;
}
