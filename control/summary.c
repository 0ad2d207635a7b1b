/* SPDX-License-Identifier: BSD-3-Clause */
#include "summary.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

json_int_t to_json_int(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

const char *to_json_text(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

const char *to_text_count(json_int_t n, char *out)
{
	char digits[TO_TEXT];
	int len = snprintf(digits, sizeof(digits), "%lld", (long long)n);
	char *p = out;

	for (int i = 0; i < len; i++) {
		*p++ = digits[i];
		if (digits[i] != '-' && (len - i) % 3 == 1 && i + 1 < len)
			*p++ = ',';
	}
	*p = '\0';
	return out;
}

const char *to_text_time(double seconds, char *out)
{
	long s = lround(floor(seconds + 1e-6));

	if (seconds < 0)
		snprintf(out, TO_TEXT, "-%ld s", lround(-seconds));
	else if (s >= 3600)
		snprintf(out, TO_TEXT, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
	else if (s >= 60)
		snprintf(out, TO_TEXT, "%ld:%02ld", s / 60, s % 60);
	else
		snprintf(out, TO_TEXT, "%.3g s", seconds);
	return out;
}

const char *to_text_bytes(json_int_t bytes, char *out)
{
	static const char *const units[] = {"bytes", "kB", "MB", "GB", "TB"};
	double v = (double)bytes;
	unsigned unit = 0;

	while (v >= 1000 && unit < 4) {
		v /= 1000;
		unit++;
	}
	snprintf(out, TO_TEXT, unit && v < 100 ? "%.1f %s" : "%.0f %s", v, units[unit]);
	return out;
}

static const char *base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static void print_head(const json_t *s, const char *plan, const char *capture,
		       const struct to_looks *looks, FILE *out)
{
	time_t start = (time_t)strtoll(to_json_text(s, "first"), NULL, 10);
	char frames[TO_TEXT], bytes[TO_TEXT], duration[TO_TEXT], when[TO_TEXT];
	struct tm tm;

	strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S UTC", gmtime_r(&start, &tm));
	fprintf(out, "%s%s%s: %s frames, %s, %s of traffic from %s\n", to_tint_on(looks, TO_BOLD),
		base(capture), to_tint_off(looks, TO_BOLD),
		to_text_count(to_json_int(s, "frames"), frames),
		to_text_bytes(to_json_int(s, "bytes"), bytes),
		to_text_time(json_real_value(json_object_get(s, "duration")), duration), when);
	fprintf(out, "%s%s%s, engine %s, %lld worker%s\n\n", to_tint_on(looks, TO_BOLD), base(plan),
		to_tint_off(looks, TO_BOLD), to_json_text(s, "engine"),
		(long long)to_json_int(s, "workers"), to_json_int(s, "workers") == 1 ? "" : "s");
}

static void print_verdicts(const json_t *s, const struct to_looks *looks, FILE *out)
{
	static const struct {
		const char *verdict;
		const char *text;
	} verdicts[] = {{"steer", "to an edge"},
			{"reply", "answers of edges"},
			{"out", "opened by edges"},
			{"kernel", "the kernel's"},
			{"drop", "dropped"}};
	const json_t *counts = json_object_get(s, "verdicts");
	char text[TO_TEXT];

	for (size_t i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++) {
		fprintf(out, "%s%s%s%s %s", i ? ", " : "", to_tint_on(looks, TO_BOLD),
			to_text_count(to_json_int(counts, verdicts[i].verdict), text),
			to_tint_off(looks, TO_BOLD), verdicts[i].text);
	}
	fputs("\n\n", out);
}

/* Events that a person should know of: what was proven and reclaimed is the normal course. */
static void print_events(const json_t *s, const struct to_looks *looks, FILE *out)
{
	static const struct {
		const char *event;
		const char *text;
	} events[] = {
		{"entry-lost", "flows without an entry: the tables were full"},
		{"unproven-displaced", "unproven entries made room for newer ones"},
		{"proven-full", "entries stayed unproven: the table of proven ones is full"},
		{"owner-conflict", "claims on a port that another edge has were refused"},
		{"icmp-sent", "ICMP errors sent to senders"},
		{"icmp-unsent", "ICMP errors that could not be sent"},
		{"reset-sent", "TCP resets sent to clients"},
		{"reset-unsent", "TCP resets that could not be sent"},
	};
	const json_t *counts = json_object_get(s, "events");
	char text[TO_TEXT];
	bool any = false;

	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		json_int_t n = to_json_int(counts, events[i].event);

		if (!n)
			continue;
		fprintf(out, "%s%s%s %s\n", to_tint_on(looks, TO_YELLOW), to_text_count(n, text),
			to_tint_off(looks, TO_YELLOW), events[i].text);
		any = true;
	}
	if (to_json_int(s, "truncated")) {
		fprintf(out, "%s%s%s frames were captured in part only\n",
			to_tint_on(looks, TO_YELLOW),
			to_text_count(to_json_int(s, "truncated"), text),
			to_tint_off(looks, TO_YELLOW));
		any = true;
	}
	if (any)
		fputc('\n', out);
}

static void print_lost(const json_t *flows, const char *key, const char *first, const char *text,
		       const struct to_looks *looks, FILE *out)
{
	json_int_t n = to_json_int(flows, key);
	enum to_tint tint = n ? TO_RED : TO_GREEN;
	char count[TO_TEXT];

	fprintf(out, "  %s%s %s%s", to_tint_on(looks, tint), n ? to_text_count(n, count) : "none",
		text, to_tint_off(looks, tint));
	if (n)
		fprintf(out, " (the first at frame %lld)", (long long)to_json_int(flows, first));
	fputc('\n', out);
}

static void print_flows(const json_t *s, const struct to_looks *looks, FILE *out)
{
	const json_t *flows = json_object_get(s, "flows");
	char text[TO_TEXT];

	fprintf(out, "%s%s%s flows were established; of them\n", to_tint_on(looks, TO_BOLD),
		to_text_count(to_json_int(flows, "established"), text),
		to_tint_off(looks, TO_BOLD));
	print_lost(flows, "moved", "first_moved_frame", "moved to another edge", looks, out);
	print_lost(flows, "cut", "first_cut_frame", "lost packets for want of an edge", looks, out);
	if (to_json_int(flows, "retired"))
		fprintf(out, "  %s lost their edge because it was retired\n",
			to_text_count(to_json_int(flows, "retired"), text));
}

int to_summary_print(const json_t *s, const char *plan, const char *capture, FILE *out)
{
	const struct to_looks looks = to_looks_of(out);
	int ret;

	print_head(s, plan, capture, &looks, out);
	ret = to_summary_clients(s, &looks, out);
	if (ret == 0)
		ret = to_summary_traffic(s, &looks, out);
	if (ret == 0)
		ret = to_summary_drops(s, &looks, out);
	if (ret < 0)
		return ret;
	print_verdicts(s, &looks, out);
	print_events(s, &looks, out);
	print_flows(s, &looks, out);
	return 0;
}
