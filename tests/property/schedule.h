/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A schedule: everything that happens, without what comes of it. An event says who acts and which
 * dice fell; the flow's state decides what the dice mean. So any event can be left out.
 */
#ifndef TESTS_SCHEDULE_H
#define TESTS_SCHEDULE_H

#include "random.h"

enum { MAX_FLOWS = 24, MAX_EVENTS = 400 };

enum event_type {
	EVENT_FLOW,    /* the flow's next packet */
	EVENT_PROBE,   /* a client that no entry knows begins a flow */
	EVENT_OWN,     /* somebody dials an edge's own address */
	EVENT_STAGE,   /* another stage: forwards or back */
	EVENT_HEALTH,  /* an edge's state changes */
	EVENT_RESTART, /* the engine dies, and finds its state again */
	EVENT_SWEEP,
};

struct event {
	uint8_t type;
	uint8_t flow;
	uint32_t wait; /* seconds before it; 0: in one burst with the event before */
	uint32_t dice;
};

struct schedule {
	uint64_t seed; /* of the world and of what the flows are */
	uint32_t start;
	bool file, twin, roomy;
	uint32_t events;
	struct event event[MAX_EVENTS];
};

void schedule_generate(struct schedule *s, uint64_t seed);

#endif
