/* SPDX-License-Identifier: BSD-3-Clause */
/* What is wrong with a file, each with its place: all of it in one run. */
#ifndef TURNOUT_REPORT_H
#define TURNOUT_REPORT_H

#include <stdint.h>
#include <stdio.h>

/* Both from 1. */
struct to_place {
	uint32_t line;
	uint32_t column;
};

enum to_severity { TO_ERROR, TO_WARNING };

struct to_complaint {
	struct to_place at;
	enum to_severity severity;
	uint32_t order; /* as added: sorting keeps it within a place */
	char *text;
};

struct to_report {
	struct to_complaint *messages;
	size_t count;
	size_t room;
	size_t errors; /* also those that no memory could be had for */
};

const char *to_severity_name(enum to_severity severity);

void to_report_add(struct to_report *report, enum to_severity severity, struct to_place at,
		   const char *format, ...) __attribute__((format(printf, 4, 5)));

/* By place, then as they were added. */
void to_report_sort(struct to_report *report);

/* A line each: FILE:LINE:COLUMN: error: TEXT */
void to_report_print(const struct to_report *report, const char *file, FILE *out);
void to_report_free(struct to_report *report);

#endif
