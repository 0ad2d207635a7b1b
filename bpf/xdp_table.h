/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Generations: a table is prepared in the slot that no packet is decided by, made the generation by
 * one store, and live when no CPU is within a packet any more that the one before decides.
 */
#ifndef TURNOUT_XDP_TABLE_H
#define TURNOUT_XDP_TABLE_H

#include <turnout/table.h>

#include "xdp_object.h"

/* Does the program hold a checked table? 0 or -EFBIG, with a message in `err`. */
int to_xdp_holds(const struct to_xdp *x, const struct to_table *t, char *err, size_t err_size);

/* Copies a checked table (table_load.h) into the idle slot. The running generation does not
 * notice. -EFBIG: it is larger than the program holds. */
int to_xdp_prepare(struct to_xdp *x, const struct to_table *t, char *err, size_t err_size);

/* Copies a checked table to where the running one is: into maps that no program reads yet. */
int to_xdp_restore(struct to_xdp *x, const struct to_table *t, char *err, size_t err_size);

/* The rows of counters are new, and the running generation is not: it has its own again. */
int to_xdp_rows_restore(struct to_xdp *x);

/* The prepared table decides every packet that begins from now on. */
void to_xdp_commit(struct to_xdp *x);

/* Returns when every packet that began before is done: the slot before is idle from then on. */
int to_xdp_await(struct to_xdp *x);

/* The generation that decides, as it is in the kernel; NULL: there is none, or what is there is
 * damaged. Good until the next to_xdp_prepare(). */
const struct to_table *to_xdp_running(const struct to_xdp *x);

#endif
