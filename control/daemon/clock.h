/* SPDX-License-Identifier: BSD-3-Clause */
/* Two clocks: the day's, for people and for what outlives a boot; the boot's, for how long. */
#ifndef TURNOUT_DAEMON_CLOCK_H
#define TURNOUT_DAEMON_CLOCK_H

#include <stdint.h>
#include <stdio.h>
#include <time.h>

#define TO_NS          1000000000ull
#define TO_TIME_TEXT   21 /* "2026-03-02T05:00:00Z" and its NUL */
#define TO_LENGTH_TEXT 40

/* Seconds since 1970. */
static inline int64_t to_today(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec;
}

/* As the engine's region counts. */
static inline uint64_t to_boot_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * TO_NS + (uint64_t)now.tv_nsec;
}

/* RFC 3339, UTC. */
static inline const char *to_time_text(int64_t seconds, char out[TO_TIME_TEXT])
{
	time_t at = seconds;
	struct tm tm;

	if (!gmtime_r(&at, &tm) || !strftime(out, TO_TIME_TEXT, "%Y-%m-%dT%H:%M:%SZ", &tm))
		snprintf(out, TO_TIME_TEXT, "?");
	return out;
}

/* The other way round; -1: it is no such text. */
static inline int64_t to_time_read(const char *text)
{
	struct tm tm = {0};
	const char *end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);

	return end && !*end ? timegm(&tm) : -1;
}

/* "45 s", "3 min 12 s", "3 h 12 min", "2 d 4 h" */
static inline const char *to_length_text(uint64_t s, char out[TO_LENGTH_TEXT])
{
	static const struct {
		const char *name;
		uint64_t seconds;
	} unit[] = {{"d", 86400}, {"h", 3600}, {"min", 60}, {"s", 1}};
	unsigned i = 0;
	uint64_t rest;

	while (i < 3 && s < unit[i].seconds)
		i++;
	rest = i < 3 ? s % unit[i].seconds / unit[i + 1].seconds : 0;
	if (rest)
		snprintf(out, TO_LENGTH_TEXT, "%llu %s %llu %s",
			 (unsigned long long)(s / unit[i].seconds), unit[i].name,
			 (unsigned long long)rest, unit[i + 1].name);
	else
		snprintf(out, TO_LENGTH_TEXT, "%llu %s", (unsigned long long)(s / unit[i].seconds),
			 unit[i].name);
	return out;
}

#endif
