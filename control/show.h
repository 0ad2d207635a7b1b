/* SPDX-License-Identifier: BSD-3-Clause */
/* A table image for people and for programs. */
#ifndef TURNOUT_SHOW_H
#define TURNOUT_SHOW_H

#include <jansson.h>
#include <stdio.h>

#include <turnout/table.h>

/* Room for "203.0.113.0/24" and the like, also IPv6; a range that is no prefix is FIRST-LAST. */
#define TO_RANGE_TEXT 96

void to_show_text(const struct to_table *table, FILE *out);
json_t *to_show_json(const struct to_table *table);

/* Clients from `first` to `last`, of family index 0 (IPv4) or 1 (IPv6). */
const char *to_range_text(int family_index, uint64_t first, uint64_t last, char *out);

#endif
