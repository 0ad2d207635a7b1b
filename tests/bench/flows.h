/* SPDX-License-Identifier: BSD-3-Clause */
/* The flows of a benchmark: UDP media through a dnat VIP, in frames of 64 bytes. */
#ifndef TURNOUT_BENCH_FLOWS_H
#define TURNOUT_BENCH_FLOWS_H

#include <dataplane/pipeline.h>

#define BENCH_FRAME 60 /* 64 on the wire with its checksum */

/* What its client and its edge send. Network order. */
struct bench_flow {
	uint32_t client;
	uint32_t edge;
	uint16_t port;
	uint16_t vip_port;
};

struct bench_flows {
	struct bench_flow *flow;
	uint32_t n;
	uint32_t vip; /* network order */
};

/* Zeroed and not open yet. Returns 0 or -ENOMEM. */
int bench_flows_new(struct bench_flows *flows, uint32_t n);
/* Gives the flows [from, to) clients in `routes` prefixes of 22 bits, from 11.0.0.0 on; `upper`: in
 * the upper half of each. */
void bench_flows_route(struct bench_flows *flows, uint32_t from, uint32_t to, uint32_t routes,
		       bool upper);
void bench_flows_free(struct bench_flows *flows);

/*
 * Proves every flow: a request, and the answer of the edge that the decision named. Returns 0 or
 * -EPROTO when one of them is decided otherwise than an open flow of dnat has to be.
 */
int bench_flows_open(struct bench_flows *flows, struct to_worker *worker, uint32_t now);

/* The edge that a new flow of the client has to go to, of the first service: its route by the
 * prefix, the pool by its share, then the edge, as docs/state.md says. By going through all edges.
 */
uint32_t bench_edge_of(const struct to_table *t, to_be32 client);

/* One frame through the pipeline, not measured. True: it was sent on. */
bool bench_steer(struct to_worker *worker, uint8_t *data, uint32_t len, uint32_t now,
		 struct to_decision *out);

/* A request of flow `i`, or where `answer` its edge's answer, into BENCH_FRAME bytes at `p`. */
void bench_flow_put(const struct bench_flows *flows, uint32_t i, bool answer, uint8_t *p);

#endif
