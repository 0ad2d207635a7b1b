/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A client's flow: a TCP connection or a connected UDP socket that asks, reads the answer, checks
 * it byte by byte, and rests a while. A TCP connection waits for each answer; UDP asks on.
 */
#ifndef LIVE_FLOW_H
#define LIVE_FLOW_H

#include "address.h"
#include "block.h"

enum live_flow_state {
	LIVE_FLOW_CONNECTING,
	LIVE_FLOW_OPEN,
	LIVE_FLOW_CLOSING, /* our FIN is sent; the server's is awaited */
	LIVE_FLOW_OVER,
	LIVE_FLOW_BROKEN, /* `why` says why */
};

struct live_flow {
	enum live_flow_state state;
	int type; /* SOCK_STREAM, SOCK_DGRAM */
	int fd;
	union live_address from;
	uint64_t id;
	bool held;     /* talks until it is told to end */
	uint32_t asks; /* how many it is to make; 0: not known yet */
	uint32_t asked, answered;
	uint64_t seen;  /* bit n: the answer to the ask `asked - 1 - n` has come */
	uint32_t mark;  /* the latest that an ask and its answer came after */
	uint64_t next;  /* ms: when it asks again */
	uint64_t moved; /* ms: when it last got something */
	uint32_t begun; /* phase of the client when it was opened */
	bool known;     /* the client has told of its first answer */
	char edge[LIVE_EDGE_NAME + 1];
	char why[64];
	size_t have; /* bytes of `block` */
	struct live_block block;
};

/* All times are milliseconds of one clock. `every`: the mean time between two asks. */
struct live_turn {
	uint64_t now;
	uint32_t mark;
	uint32_t every;
};

/* Opens `f`, whose type, from, id, held, asks and begun are filled in. */
void live_flow_open(struct live_flow *f, const union live_address *to, uint64_t now);

/* The socket can be read, or has an error, or (connecting) can be written. */
void live_flow_event(struct live_flow *f, const struct live_turn *t);

/* Asks when it is time to; finds what has stalled. */
void live_flow_tick(struct live_flow *f, const struct live_turn *t);

/* Ends at the next rest. */
void live_flow_end(struct live_flow *f);

void live_flow_break(struct live_flow *f, const char *why);

/* "tcp held 198.19.0.7 40000 e1" */
void live_flow_print(const struct live_flow *f, char *out, size_t size);

#endif
