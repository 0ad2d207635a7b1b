/* SPDX-License-Identifier: BSD-3-Clause */
#include "xdp_table_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <turnout/table_follow.h>

#include "dataplane/table_load.h"

int to_xdp_table_refuse(const char *path, const struct to_table *running, int ret, const char *why)
{
	fprintf(stderr, "turnout-xdp: %s: refused: %s", path, why);
	if (running)
		fprintf(stderr, "; generation %llu goes on",
			(unsigned long long)running->generation);
	fputc('\n', stderr);
	return ret;
}

int to_xdp_table_file(const char *path, const struct to_table *running, bool tell,
		      struct to_table **t)
{
	char err[512] = "";
	bool same;
	int ret;

	*t = NULL;
	if (!path) {
		fprintf(stderr, "turnout-xdp: there is no --table to be read\n");
		return -ENOENT;
	}
	ret = to_table_load(path, t, err, sizeof(err));
	if (ret < 0)
		return to_xdp_table_refuse(path, running, ret, err);
	same = running && (*t)->generation == running->generation &&
	       (*t)->checksum == running->checksum;
	if (running && !same)
		ret = to_table_can_follow(running, *t, err, sizeof(err));
	if (ret == 0 && !same)
		return 0;
	free(*t);
	*t = NULL;
	if (ret < 0)
		return to_xdp_table_refuse(path, running, ret, err);
	if (tell)
		fprintf(stderr, "turnout-xdp: generation %llu runs already\n",
			(unsigned long long)running->generation);
	return 0;
}
