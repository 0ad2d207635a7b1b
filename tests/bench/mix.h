/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A mix of flows as an Edge site has them, and their packets. By packets, because calls in progress
 * are most of what passes: G.711 sends 50 packets a second each way, one call in four has video at
 * about 1.1 Mbit/s, more than 100 packets a second; TLS carries signalling, meetings and what calls
 * send over TCP 443. STUN and SIP are a few messages a minute and call: they get more than that.
 */
#ifndef TURNOUT_BENCH_MIX_H
#define TURNOUT_BENCH_MIX_H

#include <dataplane/pipeline.h>

#include "packets.h"

enum bench_kind {
	BENCH_AUDIO,   /* G.711, 20 ms, SRTP: frames of 224 bytes (IPv6: 244) */
	BENCH_VIDEO,   /* SRTP of about 1,150 bytes */
	BENCH_TLS,     /* records in TCP segments, frames of 100 to 1,400 bytes */
	BENCH_STUN,    /* ICE's checks on media, TURN's on 3478: frames of 142 bytes */
	BENCH_SIP_UDP, /* INVITEs in dialogs and their answers, 600 to 1,250 bytes */
	BENCH_SIP_TCP,
	BENCH_KINDS
};

extern const char *const bench_kind_name[BENCH_KINDS];
extern const uint32_t bench_kind_share[BENCH_KINDS]; /* of 1,000 packets */

/* A flow, by its number alone. */
struct bench_mix_flow {
	struct bench_ends ends; /* as its client sends */
	uint8_t kind;           /* enum bench_kind */
	bool six;
};

enum bench_what {
	BENCH_FIRST,        /* its first packet: SYN, INVITE, or STUN as ICE begins with */
	BENCH_FIRST_ANSWER, /* what answers that */
	BENCH_REQUEST,      /* of an established one */
	BENCH_ANSWER,
};

/* Messages that all flows' are made of. Call once, before bench_mix_put(). */
void bench_mix_init(void);

void bench_mix_flow(uint32_t number, struct bench_mix_flow *flow);

/* Writes one packet of the flow, whose edge is at `edge` when it is an answer. `draw`: random; it
 * decides the size. Returns the frame's length, and in `class` what it is to be seen as. */
uint32_t bench_mix_put(const struct bench_mix_flow *flow, uint32_t number, enum bench_what what,
		       const union to_addr *edge, uint64_t draw, uint8_t *p, uint8_t *class);

#endif
