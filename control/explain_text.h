/* SPDX-License-Identifier: BSD-3-Clause */
/* Parts of the explanation for a person. */
#ifndef TURNOUT_EXPLAIN_TEXT_H
#define TURNOUT_EXPLAIN_TEXT_H

#include "explain.h"

/* A line with its label in the first column; "" goes on with the label above. */
void to_explain_line(FILE *out, const char *label, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* State, mid-flow rule, route, choice of the edge; each only where the flow comes to it. */
void to_explain_steps(const struct to_explained *e, FILE *out);
/* What is written down, and how the packet leaves. */
void to_explain_leaving(const struct to_explained *e, FILE *out);

#endif
