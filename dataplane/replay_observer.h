/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Watches a replay from outside: which edge each established flow had. It shares the parser with
 * the engine but none of its state, so that "no established flow moved" is a measurement.
 *
 * A flow is (client, port, VIP, port, protocol), for SIP over UDP the Call-ID. It is established
 * from an edge's answer on (in a DSR mode from the client's second packet on) until it has been
 * silent for its life, as docs/state.md counts it. It has *moved* when a packet of it goes to
 * another edge than before, and was *cut* when one is dropped because there is no state or no
 * edge. Flows whose edge was retired are counted apart.
 */
#ifndef TURNOUT_REPLAY_OBSERVER_H
#define TURNOUT_REPLAY_OBSERVER_H

#include "pipeline.h"
#include "replay_clients.h"
#include "replay_reader.h"

struct to_observer;

struct to_flow_count {
	uint64_t established;
	uint64_t moved;
	uint64_t cut;
	uint64_t retired;     /* lost their edge because it was retired */
	uint64_t first_moved; /* frame number; 0: none */
	uint64_t first_cut;
};

/* What a frame was before it was rewritten. */
struct to_observed {
	struct to_packet packet;
	struct to_call call;
	uint32_t lifetime; /* of a TURN answer */
	bool has_lifetime;
};

struct to_observer *to_observer_new(void);
void to_observer_free(struct to_observer *o);

/* A generation begins. Returns 0 or -ENOMEM. */
int to_observer_generation(struct to_observer *o, const struct to_table *table);

/* Before the engine has the frame. */
void to_observer_before(const struct to_frame *f, struct to_observed *seen);
/* When it has been decided and rewritten. Returns 0 or -ENOMEM. */
int to_observer_after(struct to_observer *o, const struct to_frame *f,
		      const struct to_observed *seen, uint64_t number, uint32_t now);

const struct to_flow_count *to_observer_flows(const struct to_observer *o);
const struct to_clients *to_observer_clients(const struct to_observer *o);

#endif
