/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the engine shows of itself, as turnoutd reads it: the newest copy of the region, living
 * entries by edge and service, new flows, and since when nothing lives at an edge.
 */
#ifndef TURNOUT_DAEMON_VIEW_H
#define TURNOUT_DAEMON_VIEW_H

#include <turnout/limits.h>
#include <turnout/region_read.h>

#define TO_VIEW_SERVICES (TO_MAX_SERVICES + 1) /* the last: entries of no service */
#define TO_VIEW_NONE     TO_MAX_SERVICES
#define TO_VIEW_SAMPLES  16

struct to_sample {
	uint64_t at; /* CLOCK_BOOTTIME, ns; 0: there is none */
	uint64_t new_flows[TO_MAX_SERVICES][TO_MAX_EDGES];
};

struct to_view {
	const struct to_region *region; /* the engine's; NULL: none */
	struct to_region *copy;
	bool fresh;      /* the copy is of this connection */
	uint64_t copied; /* CLOCK_BOOTTIME, ns */
	int error;       /* of the last copy */

	/* Of the last census: pins, dialogs, owners, but for those that are over; [proven]. */
	uint32_t flows[TO_MAX_EDGES][TO_VIEW_SERVICES][2];
	uint32_t pins[TO_MAX_EDGES][TO_VIEW_SERVICES]; /* of these, pins: connections, over TCP */
	uint64_t census; /* when it began, CLOCK_BOOTTIME; 0: none yet */
	/* Likewise: pins and dialogs that nobody has answered yet, by service. */
	uint32_t unanswered[TO_MAX_SERVICES][TO_MAX_EDGES];
	bool cut; /* it had more rows than fit: nothing can be said */
	/* When the first began of an unbroken row of censuses that found nothing; 0: something. */
	uint64_t quiet_since[TO_MAX_EDGES][TO_VIEW_SERVICES];

	/* Decided by route, affinity or fallback, since the engine's state began. */
	uint64_t new_flows[TO_MAX_SERVICES][TO_MAX_EDGES];
	/* Likewise, with those that were steered in mid-flow or to a port's owner: whatever makes
	 * an entry that waits for an answer. */
	uint64_t tried[TO_MAX_SERVICES][TO_MAX_EDGES];
	struct to_sample *samples; /* TO_VIEW_SAMPLES, a ring */
	unsigned next_sample;
};

int to_view_init(struct to_view *v);
void to_view_free(struct to_view *v);

/* An engine came, with its region; it went. */
int to_view_attach(struct to_view *v, int fd);
void to_view_detach(struct to_view *v);

/* Copies the region unless the copy is younger than `age` ns. 0, or negative errno: the copy is the
 * one before, or (-ENOTCONN) there is none. */
int to_view_refresh(struct to_view *v, uint64_t age);

/* Seconds since the last census began; UINT64_MAX: there is none, or no engine. */
uint64_t to_view_census_age(const struct to_view *v);

/* Keeps the new flows as they are now, for to_view_new_since(). */
void to_view_sample(struct to_view *v);
/* New flows of a service at an edge since the youngest sample that is at least `ns` old. False: it
 * was not watched for that long. */
bool to_view_new_since(const struct to_view *v, uint64_t ns, uint8_t service, uint8_t edge,
		       uint64_t *count);

#endif
