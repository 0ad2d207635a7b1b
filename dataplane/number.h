/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TURNOUT_NUMBER_H
#define TURNOUT_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

/* A decimal number and nothing else, between `low` and `high`. */
bool to_number(const char *text, uint64_t low, uint64_t high, uint64_t *out);

#endif
