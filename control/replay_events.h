/* SPDX-License-Identifier: BSD-3-Clause */
/* What happens during a replay, and the table images that make it happen. */
#ifndef TURNOUT_REPLAY_EVENTS_H
#define TURNOUT_REPLAY_EVENTS_H

#include "plan.h"

enum to_edge_event {
	TO_EVENT_DOWN,
	TO_EVENT_UP,
	TO_EVENT_DRAIN,
	TO_EVENT_RETIRE,
	TO_EVENT_READMIT,
	TO_EVENT_RESET,
	TO_EDGE_EVENT_COUNT
};

struct to_replay_event {
	uint64_t at;  /* nanoseconds since 1970 */
	int stage;    /* index, or -1: an edge's event */
	uint8_t verb; /* enum to_edge_event */
	uint8_t edge;
	char text[2 * TO_MAX_NAME]; /* as a person wrote it, without the time */
	int image;                  /* memfd of the generation, sealed; -1: not compiled */
};

struct to_replay_events {
	struct to_replay_event *event; /* by time; [0] is the stage that the replay begins with */
	unsigned count;
};

/* Both: 0, or a negative errno after complaining. `start`: time of the first frame. */
int to_events_begin(struct to_replay_events *events, const struct to_plan *plan, int stage,
		    uint64_t start);
/* "TIME=EVENT"; `where` names its place in a complaint. */
int to_events_add(struct to_replay_events *events, const struct to_plan *plan, const char *text,
		  const char *where);
/* A file of them, one a line; blank lines and what follows # do not count. */
int to_events_read(struct to_replay_events *events, const struct to_plan *plan, const char *path);

/* The images of all, numbered from generation 1 on. */
int to_events_compile(struct to_replay_events *events, const struct to_plan *plan);
void to_events_free(struct to_replay_events *events);

#endif
