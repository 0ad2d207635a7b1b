/* SPDX-License-Identifier: BSD-3-Clause */
/* A table of sums with a row for each label and a column for each sort, biggest column first. */
#ifndef TURNOUT_PIVOT_H
#define TURNOUT_PIVOT_H

#include <jansson.h>
#include <stdio.h>

#include "grid.h"

#define TO_PIVOT_LABELS 3

struct to_pivot;

/* `labels`: how many each row has. NULL: no memory. */
struct to_pivot *to_pivot_new(unsigned labels);
void to_pivot_free(struct to_pivot *p);

/* Texts are not copied. Rows come in the order in which they are first added to. */
int to_pivot_add(struct to_pivot *p, const char *const *labels, const char *column, json_int_t n);
bool to_pivot_is_empty(const struct to_pivot *p);

/* `headings` of the labels. Columns that the width has no room for are added up in "other". A label
 * that is the same as in the row above is not repeated. Returns 0 or -ENOMEM. */
int to_pivot_print(struct to_pivot *p, const char *const *headings, const struct to_looks *looks,
		   FILE *out);

#endif
