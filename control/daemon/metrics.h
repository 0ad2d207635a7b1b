/* SPDX-License-Identifier: BSD-3-Clause */
/* Metrics over HTTP, for --metrics ADDR:PORT: what turnoutd gives to whoever serves them. */
#ifndef TURNOUT_DAEMON_METRICS_H
#define TURNOUT_DAEMON_METRICS_H

#include <jansson.h>

#include <turnout/region.h>

struct event_base;
struct to_metrics;

/* All on the event loop's thread. */
struct to_metrics_source {
	void *context;
	/* The answer that a viewer would get to {"do": what}: docs/api.md. To be json_decref()ed;
	 * NULL: no memory. */
	json_t *(*ask)(void *context, const char *what);
	/* The newest copy of the engine's region, one moment's, and its counts within bounds; NULL:
	 * no engine. Good until the event loop goes on. */
	const struct to_region *(*region)(void *context);
};

/* Listens; `source` is copied. Negative errno: it does not, and `err` says why in words. -ENOTSUP:
 * this build cannot. */
int to_metrics_open(struct event_base *base, const char *address,
		    const struct to_metrics_source *source, struct to_metrics **out, char *err,
		    size_t err_size);
void to_metrics_close(struct to_metrics *metrics);

/* A generation has become live: what it took to prepare, and from the commit on. NULL: nobody wants
 * to know. */
void to_metrics_switched(struct to_metrics *metrics, uint64_t prepare_us, uint64_t live_us);

#endif
