/* SPDX-License-Identifier: BSD-3-Clause */
#include "report.h"

#include <stdarg.h>
#include <stdlib.h>

const char *to_severity_name(enum to_severity severity)
{
	return severity == TO_ERROR ? "error" : "warning";
}

static struct to_complaint *new_message(struct to_report *report)
{
	size_t room = report->room ? report->room * 2 : 16;
	struct to_complaint *messages;

	if (report->count == report->room) {
		messages = realloc(report->messages, room * sizeof(*messages));
		if (!messages)
			return NULL;
		report->messages = messages;
		report->room = room;
	}
	return &report->messages[report->count];
}

void to_report_add(struct to_report *report, enum to_severity severity, struct to_place at,
		   const char *format, ...)
{
	struct to_complaint *message;
	va_list args;
	int length;

	if (severity == TO_ERROR)
		report->errors++;
	message = new_message(report);
	if (!message)
		return;
	va_start(args, format);
	length = vasprintf(&message->text, format, args);
	va_end(args);
	if (length < 0)
		return;
	message->at = at;
	message->severity = severity;
	message->order = (uint32_t)report->count++;
}

static int by_place(const void *a, const void *b)
{
	const struct to_complaint *x = a, *y = b;

	if (x->at.line != y->at.line)
		return x->at.line < y->at.line ? -1 : 1;
	if (x->at.column != y->at.column)
		return x->at.column < y->at.column ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

void to_report_sort(struct to_report *report)
{
	if (report->count)
		qsort(report->messages, report->count, sizeof(*report->messages), by_place);
}

void to_report_print(const struct to_report *report, const char *file, FILE *out)
{
	for (size_t i = 0; i < report->count; i++) {
		const struct to_complaint *m = &report->messages[i];

		fprintf(out, "%s:%u:%u: %s: %s\n", file, m->at.line, m->at.column,
			to_severity_name(m->severity), m->text);
	}
}

void to_report_free(struct to_report *report)
{
	for (size_t i = 0; i < report->count; i++)
		free(report->messages[i].text);
	free(report->messages);
	*report = (struct to_report){0};
}
