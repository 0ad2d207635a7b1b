/* SPDX-License-Identifier: BSD-3-Clause */
/* The page that Prometheus reads, made of what turnoutd would tell a viewer. Pure. */
#ifndef TURNOUT_DAEMON_METRICS_TEXT_H
#define TURNOUT_DAEMON_METRICS_TEXT_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include <turnout/region.h>

/* Upper bounds of the switches' histograms, seconds; the last bucket has none. */
#define TO_METRICS_BOUNDS                                                                          \
	{                                                                                          \
		0.001, 0.01, 0.05, 0.1, 0.5, 1, 5, 30                                              \
	}
#define TO_METRICS_BUCKETS 9

struct to_metrics_took {
	uint64_t bucket[TO_METRICS_BUCKETS]; /* each by itself, not added up */
	double sum;                          /* seconds */
};

void to_metrics_took_add(struct to_metrics_took *took, uint64_t microseconds);

/* One moment. What is NULL is not on the page. */
struct to_metrics_moment {
	const char *version;
	const json_t *status;           /* the answer to "status" */
	const json_t *counters;         /* to "counters" */
	const struct to_region *region; /* its counts within bounds */
	uint64_t now_ns;                /* CLOCK_BOOTTIME */
	struct to_metrics_took prepare, live;
};

/* The page in text format 0.0.4, to be free()d; NULL: no memory. */
char *to_metrics_text(const struct to_metrics_moment *moment, size_t *size);

#endif
