/* SPDX-License-Identifier: BSD-3-Clause */
/* turnoutd's answers in a person's words. */
#ifndef TURNOUT_WORDS_H
#define TURNOUT_WORDS_H

#include <jansson.h>
#include <stdbool.h>
#include <time.h>

#define TO_WORDS 48 /* bytes of each `out` below, which is returned */

/* "12 s", "5 min", "3 h 12 min", "2 d 4 h" */
const char *to_span_words(double seconds, char *out);
/* "0.4 ms", "20 ms", "1.2 s" */
const char *to_took_words(double microseconds, char *out);
/* "3 h 12 min ago"; "-" for what is no time */
const char *to_ago_words(const json_t *when, time_t now, char *out);
/* "14:02:11" today, "2026-03-02 14:02:11" before, in local time; "-" */
const char *to_clock_words(const json_t *when, time_t now, char *out);
/* "25 %" of a number; "-" of what is none */
const char *to_percent_words(const json_t *percent, char *out);
/* "12,345"; "-" of what is no number */
const char *to_count_words(const json_t *number, char *out);

/* A time of turnoutd: seconds since 1970. False: there is none. */
bool to_when(const json_t *when, double *seconds);

/* A string, or "-" */
const char *to_word(const json_t *object, const char *key);

#endif
