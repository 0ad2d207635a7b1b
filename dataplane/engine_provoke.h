/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A connection of an edge that is resetting ends at its client's next segment (docs/state.md, 5.4).
 * Silent clients are made to send one: a SYN from the VIP, which an established client answers with
 * an ACK that has its exact numbers (RFC 5961, 4). It is the host's kernel that sends it, by its
 * own routes. By the engine's main thread, in pieces.
 */
#ifndef TURNOUT_ENGINE_PROVOKE_H
#define TURNOUT_ENGINE_PROVOKE_H

#include "engine_ops.h"

struct to_provoke {
	int fd[2];      /* raw sockets, IPv4 and IPv6; -1: there is none */
	int failed;     /* errno of the one that is not there */
	bool said;      /* that there is none */
	uint64_t edges; /* bits: those that are resetting, through dnat */
	bool runs;
	struct to_flow_cursor at;
	uint64_t began_ns; /* this pass */
	uint64_t due_ns;   /* the next pass */
	uint64_t second;
	uint32_t sent; /* in this second */
	uint64_t all;  /* ever */
};

/* Takes CAP_NET_RAW. Without it nothing is provoked, and that is said on stderr when it is wanted.
 */
void to_provoke_open(struct to_provoke *p);
void to_provoke_close(struct to_provoke *p);

/* Does what is due, CLOCK_BOOTTIME. */
void to_provoke_step(struct to_provoke *p, const struct to_engine *e, uint64_t now_ns);
/* When there is something to do again. UINT64_MAX: not before another generation. */
uint64_t to_provoke_due_ns(const struct to_provoke *p, uint64_t now_ns);

#endif
