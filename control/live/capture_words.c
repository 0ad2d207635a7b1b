/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>

#include "capture.h"

static const char *const verdicts[] = {TO_NAMES(TO_VERDICTS)};
static const char *const reasons[] = {TO_NAMES(TO_REASONS)};
static const char *const classes[] = {TO_NAMES(TO_CLASSES)};

/* " edge=n1"; of a plan that is newer than the names, its number; nothing where there is none. */
static int put_name(char *out, size_t size, const char *what, const json_t *names, uint8_t number)
{
	const char *name = json_string_value(json_array_get(names, number));

	if (number == TO_NO_INDEX)
		return 0;
	if (name)
		return snprintf(out, size, " %s=%.*s", what, TO_MAX_NAME, name);
	return snprintf(out, size, " %s=#%u", what, number);
}

const char *to_capture_comment(const struct to_captured *p, const json_t *answer,
			       char out[TO_CAPTURE_WORDS])
{
	const size_t size = TO_CAPTURE_WORDS;
	int n = snprintf(out, size, "%s %s", verdicts[p->verdict], reasons[p->reason]);

	n += put_name(out + n, size - (size_t)n, "service", json_object_get(answer, "services"),
		      p->service);
	n += snprintf(out + n, size - (size_t)n, " class=%s", classes[p->class]);
	n += put_name(out + n, size - (size_t)n, "edge", json_object_get(answer, "edges"), p->edge);
	snprintf(out + n, size - (size_t)n, " generation=%llu worker=%u",
		 (unsigned long long)p->generation, p->worker);
	return out;
}

void to_capture_say(const struct to_capture_run *r)
{
	unsigned long long over = r->end.over_rate, full = r->end.full;

	fprintf(stderr, "%llu packet%s, %llu bytes in %s: %s\n", (unsigned long long)r->packets,
		r->packets == 1 ? "" : "s", (unsigned long long)r->out.written,
		*r->path == '-' ? "the output" : r->path, r->ended);
	if (over)
		fprintf(stderr, "%llu were not captured: more a second than --rate\n", over);
	if (full)
		fprintf(stderr, "%llu were not captured: they came faster than they were read\n",
			full);
}

json_t *to_capture_json(const struct to_capture_run *r)
{
	return json_pack("{s:s, s:I, s:I, s:s, s:I, s:I}", "file", r->path, "packets",
			 (json_int_t)r->packets, "bytes", (json_int_t)r->out.written, "ended",
			 r->ended, "over_rate", (json_int_t)r->end.over_rate, "full",
			 (json_int_t)r->end.full);
}
