/* SPDX-License-Identifier: BSD-3-Clause */
/* A worker from the inside: shared by the files of the pipeline only. */
#ifndef TURNOUT_WORKER_H
#define TURNOUT_WORKER_H

#include <turnout/packet.h>
#include <turnout/sdp.h>
#include <turnout/sip_guard.h>

#include "pipeline.h"
#include "state.h"

/* What a packet of one side of a pin's flow needs, ready for use. */
struct to_turn {
	struct to_decision decision; /* but for the class */
	uint32_t cell;               /* its counter's, of class 0 */
	uint32_t to;                 /* the new address, as in a packet */
	uint32_t at;                 /* where it lies in the IP header */
	uint16_t mtu;                /* 0: it takes the long way */
	uint8_t port;
	uint8_t egress;
	uint8_t macs[12];
	uint32_t long_way; /* classes that take it: bits 1 << enum to_class */
};

/* What the table and the next hops say of a service at an edge, for quick.h; made when the first
 * packet asks for it. */
struct to_way {
	struct to_turn turn[2]; /* of the client, of the edge */
	uint32_t epoch;         /* the worker's at which it was made */
	bool media;             /* the service expects media */
} __attribute__((aligned(64)));
_Static_assert(TO_CLASS_COUNT <= 32, "long_way has a bit for each");
_Static_assert(sizeof(struct to_way) == 128, "a turn is a cache line or two");

/* What quick.h needs to know of a packet. */
struct to_quick {
	uint64_t hash;
	struct to_key key;
	bool is;
	bool answer;
	uint8_t edge;    /* an answer's */
	uint8_t service; /* that its source port answers for */
	uint16_t payload;
	uint16_t payload_len;
};
_Static_assert(sizeof(struct to_quick) == 32, "two a cache line");

/* Where the table has our IPv4 addresses, by a hash of them: 1 + slot. 0: none of ours has this
 * hash, so a stranger's address mostly costs one load. Of several of one hash one is here. */
#define TO_OURS_BITS 11
struct to_ours {
	uint32_t slot[1 << TO_OURS_BITS];
};

/* Buckets that a packet's keys have been fetched into the cache from (ahead.h). */
struct to_ahead {
	const union to_bucket *bucket[4];
	uint32_t n;
};

struct to_worker {
	const struct to_table *table;
	const uint8_t *data; /* of the frame being decided */
	const uint8_t *end;
	struct to_worker_state *state;
	const struct to_nexthops *nexthops;
	struct to_capture_ring *capture; /* NULL: nobody captures */
	struct to_counters *counters;
	struct to_packet *packets; /* TO_BURST of them */
	struct to_way *ways;       /* [service][edge] */
	uint32_t epoch;
	uint64_t serial; /* of the next hops */
	struct to_ours ours;
	struct to_quick quick[TO_BURST];
	struct to_frame *frames;           /* the burst's */
	uint32_t burst;                    /* how many */
	uint32_t ahead;                    /* the first of them that nobody has looked ahead at, */
	uint32_t ahead_more;               /* and the first whose next buckets nobody has fetched */
	struct to_ahead fetched[TO_BURST]; /* of those before `ahead` */
	struct to_claims claims;
	struct to_budget icmp;
	struct to_budget resets;
	uint32_t sip_rate; /* kB a second; 0: no guard, and `known` is not looked at */
	uint64_t nanoseconds;
	struct to_sip_buckets sip;
	struct to_known_set *known; /* [TO_KNOWN_SETS] */
} __attribute__((aligned(64)));     /* written with each packet: on lines of its own */

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
