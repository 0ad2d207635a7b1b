/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TURNOUT_DAEMON_OPTIONS_H
#define TURNOUT_DAEMON_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define TO_NO_GROUP ((gid_t)-1)

struct to_options {
	const char *plan;
	const char *engine;
	const char *state;
	const char *api;
	const char *metrics; /* NULL: none */
	gid_t operators;     /* TO_NO_GROUP: none, likewise below */
	gid_t viewers;
	double engine_timeout; /* seconds */
	uint32_t quiet;        /* seconds */
};

/* 0: go on; 1: all was said, exit with 0; -EINVAL: complained of. */
int to_options_read(int argc, char **argv, struct to_options *out);

#endif
