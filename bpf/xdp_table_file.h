/* SPDX-License-Identifier: BSD-3-Clause */
/* The file that --table names, and what stderr has of it. */
#ifndef TURNOUT_XDP_TABLE_FILE_H
#define TURNOUT_XDP_TABLE_FILE_H

#include <stdbool.h>
#include <turnout/table.h>

/*
 * Reads and checks a table that can follow `running` (or NULL): *t, to be freed with free(), or
 * NULL when it is that one, which `tell` says on stderr. `path`: NULL: there is no such option.
 * Returns 0 or a negative errno, which stderr has.
 */
int to_xdp_table_file(const char *path, const struct to_table *running, bool tell,
		      struct to_table **t);

/* It was refused, and `running` (or NULL) goes on. Returns `ret`. */
int to_xdp_table_refuse(const char *path, const struct to_table *running, int ret, const char *why);

#endif
