/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What operators have asked of the edges, and what health checks say of them: kept apart, and put
 * together to the state that a table has. A stage, or its rollback, changes neither.
 */
#ifndef TURNOUT_DAEMON_EDGES_H
#define TURNOUT_DAEMON_EDGES_H

#include <jansson.h>

#include "health.h"
#include "plan.h"

struct to_table;

struct to_asked {
	uint8_t state[TO_MAX_EDGES];    /* TO_EDGE_UP, _DRAINING, _RESETTING or _RETIRED */
	bool by_hand[TO_MAX_EDGES];     /* taken out with `down`, until `up` */
	int64_t deadline[TO_MAX_EDGES]; /* of its drain, seconds since 1970; 0: none */
};

enum to_edge_verb {
	TO_VERB_DRAIN,
	TO_VERB_UNDRAIN,
	TO_VERB_RETIRE,
	TO_VERB_READMIT,
	TO_VERB_DOWN,
	TO_VERB_UP,
	TO_VERB_RESET,
	TO_VERB_COUNT
};

extern const char *const to_verb_names[TO_VERB_COUNT];

/* Changes what is asked of one edge. Nothing but readmit changes a retired edge, and it changes no
 * other: docs/state.md, section 11. A drain has no deadline until it is given one. NULL: done; else
 * why it cannot be. */
const char *to_asked_apply(struct to_asked *asked, uint32_t edge, enum to_edge_verb verb);

/* What an intent keeps of it, by the edges' names: {"asked": {EDGE: state}, "by_hand": [EDGE],
 * "deadlines": {EDGE: time}} of those that are not up. And back; edges that the plan has not are
 * passed over. */
void to_asked_write(const struct to_asked *asked, const struct to_plan *plan, json_t *record);
void to_asked_read(struct to_asked *asked, const struct to_plan *plan, const json_t *record);
/* As the edges of a running table are: what is down counts as taken out by hand. */
void to_asked_from_table(struct to_asked *asked, const struct to_table *table);

enum to_edge_health { TO_HEALTH_NONE, TO_HEALTH_UNKNOWN, TO_HEALTH_UP, TO_HEALTH_DOWN };
extern const char *const to_health_names[];
extern const char *const to_check_names[];
extern const char *const to_edge_state_names[];

/* Which edges no new flow should go to because of their health. What was down stays down until a
 * check says that it is up: neither a restart nor a new plan heals an edge. */
struct to_unhealthy {
	bool down[TO_MAX_EDGES];
};

enum to_edge_health to_health_of(const struct to_health *health, uint32_t edge);
/* Asks the checks anew. True: some edge has changed. */
bool to_unhealthy_update(struct to_unhealthy *u, const struct to_health *health, uint32_t edges);
void to_unhealthy_write(const struct to_unhealthy *u, const struct to_plan *plan, json_t *record);
void to_unhealthy_read(struct to_unhealthy *u, const struct to_plan *plan, const json_t *record);

/* enum to_edge_state of each edge. A draining edge that fails stays draining: neither takes new
 * flows, and a flapping check is no reason for a generation. */
void to_edge_states(const struct to_asked *asked, const struct to_unhealthy *u, uint32_t edges,
		    uint8_t out[TO_MAX_EDGES]);

#endif
