/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A screen of character cells: drawn aside, then written as what differs from the one before, so
 * that nothing flickers.
 */
#ifndef TURNOUT_SCREEN_H
#define TURNOUT_SCREEN_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "grid.h"

struct to_cell {
	char text[5]; /* one character, one column wide */
	uint8_t tint; /* enum to_tint */
};

struct to_screen {
	unsigned rows, columns;
	struct to_cell *cell;
	bool utf8; /* else what is not ASCII is '?' */
};

/* Empty. Returns 0 or -ENOMEM. */
int to_screen_make(struct to_screen *s, unsigned rows, unsigned columns, bool utf8);
void to_screen_free(struct to_screen *s);

/* Text at a place; what is beyond the edges is not there. Returns the column after it. */
unsigned to_screen_put(struct to_screen *s, unsigned row, unsigned column, enum to_tint tint,
		       const char *format, ...) __attribute__((format(printf, 5, 6)));
/* With its last character in the column before `end`. */
void to_screen_put_right(struct to_screen *s, unsigned row, unsigned end, enum to_tint tint,
			 const char *format, ...) __attribute__((format(printf, 5, 6)));

/* What makes a terminal that shows `before` show `after`. `before` NULL, or of another size:
 * everything. */
void to_screen_write(const struct to_screen *before, const struct to_screen *after,
		     const struct to_looks *looks, FILE *out);
/* As lines of text. */
void to_screen_print(const struct to_screen *s, const struct to_looks *looks, FILE *out);

#endif
