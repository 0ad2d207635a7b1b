/* SPDX-License-Identifier: BSD-3-Clause */
#include "words.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "summary.h"

#define MINUTE 60
#define HOUR   3600
#define DAY    86400

static const char *two(char *out, long a, const char *unit, long b, const char *smaller)
{
	if (b)
		snprintf(out, TO_WORDS, "%ld %s %ld %s", a, unit, b, smaller);
	else
		snprintf(out, TO_WORDS, "%ld %s", a, unit);
	return out;
}

const char *to_span_words(double seconds, char *out)
{
	long s = seconds > 0 && seconds < 1e12 ? lround(floor(seconds)) : 0;

	if (s < 2 * MINUTE)
		return two(out, s, "s", 0, "");
	if (s < HOUR)
		return two(out, s / MINUTE, "min", 0, "");
	if (s < DAY)
		return two(out, s / HOUR, "h", s % HOUR / MINUTE, "min");
	return two(out, s / DAY, "d", s % DAY / HOUR, "h");
}

const char *to_took_words(double microseconds, char *out)
{
	double ms = microseconds / 1000;

	if (ms < 10)
		snprintf(out, TO_WORDS, "%.1f ms", ms);
	else if (ms < 1000)
		snprintf(out, TO_WORDS, "%.0f ms", ms);
	else
		snprintf(out, TO_WORDS, "%.1f s", ms / 1000);
	return out;
}

static bool read_rfc3339(const char *text, double *seconds)
{
	struct tm tm = {0};
	const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);

	if (!rest)
		return false;
	if (*rest == '.')
		rest += 1 + strspn(rest + 1, "0123456789");
	if (strcmp(rest, "Z") != 0)
		return false;
	*seconds = (double)timegm(&tm);
	return true;
}

bool to_when(const json_t *when, double *seconds)
{
	if (json_is_string(when))
		return read_rfc3339(json_string_value(when), seconds);
	*seconds = json_number_value(when);
	return json_is_number(when) && *seconds > 0 && *seconds < 1e11;
}

const char *to_ago_words(const json_t *when, time_t now, char *out)
{
	char span[TO_WORDS];
	double then;

	if (!to_when(when, &then))
		return "-";
	snprintf(out, TO_WORDS, "%s ago", to_span_words((double)now - then, span));
	return out;
}

const char *to_clock_words(const json_t *when, time_t now, char *out)
{
	struct tm today, tm;
	double then;
	time_t t;

	if (!to_when(when, &then))
		return "-";
	t = (time_t)then;
	localtime_r(&now, &today);
	localtime_r(&t, &tm);
	strftime(out, TO_WORDS,
		 tm.tm_yday == today.tm_yday && tm.tm_year == today.tm_year ? "%H:%M:%S"
									    : "%Y-%m-%d %H:%M:%S",
		 &tm);
	return out;
}

const char *to_percent_words(const json_t *percent, char *out)
{
	if (!json_is_number(percent))
		return "-";
	snprintf(out, TO_WORDS, "%.6g %%", json_number_value(percent));
	return out;
}

const char *to_count_words(const json_t *number, char *out)
{
	if (!json_is_integer(number))
		return "-";
	return to_text_count(json_integer_value(number), out);
}

const char *to_word(const json_t *object, const char *key)
{
	const char *text = to_json_text(object, key);

	return text ? text : "-";
}
