/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A capture of live packets: which of them, and what is told of each. Host byte order. What takes
 * part is decided, once for both engines, in capture_take.h.
 */
#ifndef TURNOUT_CAPTURE_H
#define TURNOUT_CAPTURE_H

#include "lists.h"
#include "types.h"

#define TO_CAPTURE_SNAP    2048   /* most bytes of a frame */
#define TO_CAPTURE_RATE    100000 /* most packets a second */
#define TO_CAPTURE_SECONDS 3600

/* Which packets. All that is set must hold; a field that is "any" does not choose. */
struct to_capture_filter {
	uint64_t edges;       /* bits 1 << number; 0: any */
	uint64_t services;    /* likewise */
	uint64_t reasons;     /* bits 1 << enum to_reason; 0: any */
	uint32_t verdicts;    /* bits 1 << enum to_verdict; 0: any */
	uint32_t sample;      /* one in so many, a worker (XDP: a CPU): 1 is all of them */
	union to_addr client; /* source or destination, also of what an ICMP error is about */
	uint16_t port;        /* source or destination; 0: any */
	uint8_t prefix;       /* bits of `client`, of 128 (96 more than of IPv4); 0: any */
	uint8_t proto;        /* enum to_proto; TO_NO_INDEX: any */
	uint8_t reserved[4];
};
_Static_assert(sizeof(struct to_capture_filter) == 56, "layout");
_Static_assert(TO_REASON_COUNT <= 64 && TO_VERDICT_COUNT <= 32, "bits");

/* What is told of a packet; `captured` bytes of its frame follow, as it came, and zeros up to a
 * multiple of 8. */
struct to_captured {
	uint64_t time_ns; /* since 1970; between worker and engine: CLOCK_BOOTTIME */
	uint64_t generation;
	uint32_t length; /* of the frame */
	uint32_t port;   /* that it came by: number in the region (region.h); within XDP: ifindex */
	uint16_t captured; /* bytes */
	uint16_t worker;   /* XDP: the CPU */
	uint8_t verdict;   /* enum to_verdict */
	uint8_t reason;    /* enum to_reason */
	uint8_t class;     /* enum to_class */
	uint8_t service;   /* TO_NO_INDEX: none; likewise below */
	uint8_t edge;
	uint8_t reserved[7];
};
_Static_assert(sizeof(struct to_captured) == 40, "layout");

/* Why it ended. */
#define TO_CAPTURE_ENDS(X)                                                                         \
	X(COUNT, "as many packets as asked for")                                                   \
	X(TIME, "its time was over")                                                               \
	X(ASKED, "it was asked to end")

#define TO_ENUM_CAPTURE_END(c, n) TO_CAPTURE_##c,
enum to_capture_why { TO_CAPTURE_ENDS(TO_ENUM_CAPTURE_END) TO_CAPTURE_END_COUNT };

/* What became of the packets that the filter took. */
struct to_capture_counts {
	uint64_t taken;
	uint64_t over_rate; /* not captured: more a second than asked for */
	uint64_t full;      /* likewise: whoever reads did not keep up */
};

#endif
