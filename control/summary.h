/* SPDX-License-Identifier: BSD-3-Clause */
/* The summary of a replay for a person, from the engine's JSON: docs/replay.md. */
#ifndef TURNOUT_SUMMARY_H
#define TURNOUT_SUMMARY_H

#include <jansson.h>
#include <stdio.h>

#include "grid.h"

/* `plan` and `capture` are the files' names. Each generation of the JSON has an "event", the text
 * of what made it. Returns 0, or -ENOMEM. */
int to_summary_print(const json_t *summary, const char *plan, const char *capture, FILE *out);

/* Parts of it. */
int to_summary_clients(const json_t *summary, const struct to_looks *looks, FILE *out);
int to_summary_traffic(const json_t *summary, const struct to_looks *looks, FILE *out);
int to_summary_drops(const json_t *summary, const struct to_looks *looks, FILE *out);

/* "1,234,567", "1:02:03" or "02:03", "12.3 MB"; into buffers of TO_TEXT bytes. */
#define TO_TEXT 40
const char *to_text_count(json_int_t n, char *out);
const char *to_text_time(double seconds, char *out);
const char *to_text_bytes(json_int_t bytes, char *out);

/* Members of a JSON object that are known to be there. */
json_int_t to_json_int(const json_t *object, const char *key);
const char *to_json_text(const json_t *object, const char *key); /* NULL for null */

#endif
