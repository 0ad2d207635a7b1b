/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A copy of the committed image, beside the state: a restarted engine goes on with it before anyone
 * tells it what to do. It is written after the commit, so it may be older than what was committed
 * last, never newer.
 */
#ifndef TURNOUT_TABLE_COPY_H
#define TURNOUT_TABLE_COPY_H

#include <stddef.h>
#include <turnout/table.h>

#define TO_TABLE_COPY_ERR 512

/* Writes STATE.table, whole or not at all. 0 or a negative errno with a message. */
int to_table_copy_write(const char *state, const struct to_table *t, char *err, size_t err_size);

/* Reads and checks it. 0; -ENOENT: there is none; or a negative errno with a message. */
int to_table_copy_read(const char *state, struct to_table **t, char *err, size_t err_size);

#endif
