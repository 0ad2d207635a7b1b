/* SPDX-License-Identifier: BSD-3-Clause */
/* How long the observer of a replay takes a flow for established: docs/state.md, 2, 5.1, 5.2. */
#ifndef TURNOUT_REPLAY_FLOW_H
#define TURNOUT_REPLAY_FLOW_H

#include <turnout/parse.h>

#include "replay_reader.h"

enum to_flow_flags {
	TO_FLOW_ANSWERED = 1,
	TO_FLOW_TURN_LIFE = 2, /* the life is a TURN LIFETIME */
	TO_FLOW_CALL_UP = 4,   /* a call with a 2xx */
	TO_FLOW_CALL_OVER = 8,
	TO_FLOW_OPENING = 16, /* TCP, opened by the edge: the client has not answered */
};

enum to_flow_side { TO_FLOW_CLIENT = 1, TO_FLOW_EDGE = 2 };

struct to_flow {
	uint64_t expires; /* seconds */
	uint32_t life;
	uint8_t edge;
	uint8_t flags; /* enum to_flow_flags */
	uint8_t fin;   /* enum to_flow_side: who sent one */
	uint8_t rst;   /* 1: seen; and enum to_flow_side, doubled: who talked on since */
};

/* A TCP connection that ends: after 60 s its flow is gone. */
bool to_flow_closing(const struct to_flow *w);

void to_flow_tcp(struct to_flow *w, const struct to_packet *k, enum to_flow_side side);
void to_flow_call(struct to_flow *w, const struct to_call *call, uint32_t idle, uint32_t now);
void to_flow_renew(struct to_flow *w, uint32_t now);

#endif
