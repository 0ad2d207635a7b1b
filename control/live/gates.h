/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TURNOUT_GATES_H
#define TURNOUT_GATES_H

#include <jansson.h>
#include <stddef.h>

#include "grid.h"

size_t to_gates_closed(const json_t *gates);
/* A row a gate, closed ones first, in a grid of three columns: "open" or "CLOSED", the gate's text,
 * what is measured. */
void to_gates_rows(struct to_grid *g, const json_t *gates);

#endif
