/* SPDX-License-Identifier: BSD-3-Clause */
/* A worker from the inside: shared by the files of the pipeline only. */
#ifndef TURNOUT_WORKER_H
#define TURNOUT_WORKER_H

#include <turnout/packet.h>
#include <turnout/sdp.h>

#include "pipeline.h"
#include "state.h"

struct to_worker {
	const struct to_table *table;
	const uint8_t *data; /* of the frame being decided */
	const uint8_t *end;
	struct to_worker_state *state;
	const struct to_nexthops *nexthops;
	struct to_capture_ring *capture; /* NULL: nobody captures */
	struct to_counters *counters;
	struct to_packet *packets; /* TO_BURST of them */
	struct to_claims claims;
	struct to_budget icmp;
	struct to_budget resets;
};

/*
 * Turns the frame, which the decision has dropped as `ttl` or `too-big`, into the ICMP error about
 * it: to its sender, from the gateway or the VIP. `mtu`: to report. False when none may be sent.
 */
bool to_icmp_error_build(struct to_worker *w, struct to_frame *f, const struct to_packet *k,
			 uint32_t mtu);

/* Likewise a segment that was dropped as `reset`, into the RST that answers it. */
bool to_tcp_reset_build(struct to_worker *w, struct to_frame *f, const struct to_packet *k);

/* The MACs at `data` of an answer to who sent *f, by the port that it came by. */
void to_answer_macs(const struct to_worker *w, const struct to_frame *f, uint8_t *data);

#endif
