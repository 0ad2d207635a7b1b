/* SPDX-License-Identifier: BSD-3-Clause */
/* Tables for people: aligned, with rules and colours where the terminal has them. */
#ifndef TURNOUT_GRID_H
#define TURNOUT_GRID_H

#include <stdbool.h>
#include <stdio.h>

enum to_tint { TO_PLAIN, TO_BOLD, TO_DIM, TO_GREEN, TO_RED, TO_YELLOW };

/* What the stream can show. */
struct to_looks {
	bool colour; /* a terminal, and NO_COLOR is not set */
	bool utf8;   /* a terminal that shows UTF-8 */
	unsigned width;
};

struct to_looks to_looks_of(FILE *out);

/* `tint` on and off; "" without colour. */
const char *to_tint_on(const struct to_looks *looks, enum to_tint tint);
const char *to_tint_off(const struct to_looks *looks, enum to_tint tint);

struct to_grid;

/* `align`: a letter a column, 'l' or 'r'. Columns past the last heading have none. NULL: no memory;
 * the functions below take that, and to_grid_print then says so. */
struct to_grid *to_grid_new(const char *align);
void to_grid_free(struct to_grid *g);

/* The next cell, from left to right, row by row. */
void to_grid_cell(struct to_grid *g, enum to_tint tint, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Empty cells to the end of the row. */
void to_grid_end_row(struct to_grid *g);
/* A line across, before the next row. */
void to_grid_rule(struct to_grid *g);

/* Returns 0 or -ENOMEM. */
int to_grid_print(const struct to_grid *g, const struct to_looks *looks, FILE *out);

#endif
