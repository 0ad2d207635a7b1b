/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The pipeline: a burst of frames in, decided and rewritten frames out. No DPDK type in it, so
 * that tests and benchmarks run it as it is; the DPDK worker wraps mbufs in struct to_frame.
 *
 * One to_worker is used by one thread. Nothing here allocates, locks, logs or makes a system call.
 */
#ifndef TURNOUT_PIPELINE_H
#define TURNOUT_PIPELINE_H

#include <turnout/packet.h>
#include <turnout/table.h>

struct to_capture_ring;
struct to_state;
struct to_worker;

/* Room that a frame needs before its first byte: an outer IPv6 header and an ICMPv6 one. */
#define TO_FRAME_HEADROOM 96
#define TO_BURST          64

struct to_frame {
	uint8_t *data;  /* in: the frame. out: moved when a header was added or padding cut */
	uint32_t len;   /* bytes */
	uint8_t zone;   /* in: enum to_zone of the port it came from */
	uint8_t egress; /* out: enum to_egress */
	uint8_t port;   /* in: the port it came from. out: the one it leaves by */
	uint8_t reserved;
	struct to_decision decision; /* out */
	void *cookie;                /* the caller's, untouched (an mbuf, a frame number) */
};

#define TO_MAX_PORTS 16
#define TO_NO_PORT   0xff

struct to_nexthop {
	uint8_t mac[6];
	uint8_t own[6]; /* source MAC of what leaves */
	uint16_t mtu;   /* bytes of an IP packet */
	uint8_t port;   /* less than TO_MAX_PORTS; TO_NO_PORT: it cannot be used */
	uint8_t reserved;
};

/* Where frames go on the wire. Read by workers; replaced whole, like a table. */
struct to_nexthops {
	uint64_t serial; /* other than that of any before it at the same address */
	struct to_nexthop edge[TO_MAX_EDGES];
	struct to_nexthop outside4; /* towards clients */
	struct to_nexthop outside6;
	uint8_t own[TO_MAX_PORTS][6]; /* source MAC of the ICMP errors that leave by a port */
};

/* The next hops of a replay, where there is no neighbour to ask: locally administered addresses,
 * 02:54:4f:00:00:01 own, 02:54:4f:00:00:02 outside, 02:54:4f:00:01:NN edge number NN. All are
 * reached by port 0. */
void to_nexthops_replay(struct to_nexthops *nh, uint16_t mtu);

/*
 * Counters of one worker, written by it alone, read by anyone at any time.
 * cell = ((service * TO_CLASS_COUNT + class) * (TO_MAX_EDGES + 1) + edge) * TO_REASON_COUNT +
 * reason with service TO_MAX_SERVICES and edge TO_MAX_EDGES for "none"; see to_counters_cell().
 */
struct to_counters {
	uint64_t events[TO_EVENT_COUNT];
	uint64_t verdicts[TO_VERDICT_COUNT];
	struct to_count __attribute__((aligned(64)))
	cell[(TO_MAX_SERVICES + 1) * TO_CLASS_COUNT * (TO_MAX_EDGES + 1) * TO_REASON_COUNT];
};

#define TO_COUNTERS_CLASS ((TO_MAX_EDGES + 1) * TO_REASON_COUNT) /* from a class to the next */

static inline uint32_t to_counters_cell(uint8_t service, uint8_t class, uint8_t edge,
					uint8_t reason)
{
	uint32_t s = service < TO_MAX_SERVICES ? service : TO_MAX_SERVICES;
	uint32_t e = edge < TO_MAX_EDGES ? edge : TO_MAX_EDGES;

	return ((s * TO_CLASS_COUNT + class) * (TO_MAX_EDGES + 1) + e) * TO_REASON_COUNT + reason;
}

/*
 * `state` as opened by to_state_open() with at least index + 1 workers; not owned. Returns NULL
 * when there is no memory.
 */
struct to_worker *to_worker_new(struct to_state *state, unsigned index,
				const struct to_nexthops *nexthops);
void to_worker_free(struct to_worker *w);

/* The counters: mapped lazily, most of them never touched. */
const struct to_counters *to_worker_counters(const struct to_worker *w);

/*
 * The table to decide by, checked by to_table_check(). Takes effect at the next burst, whole: the
 * caller calls it between two bursts of this worker, from the worker's own thread. Not owned: it
 * must live until the worker has been given another one.
 */
void to_worker_set_table(struct to_worker *w, const struct to_table *table);
/* Likewise. What is given stays as it is: other next hops are another struct, or another serial. */
void to_worker_set_nexthops(struct to_worker *w, const struct to_nexthops *nexthops);
const struct to_table *to_worker_table(const struct to_worker *w);

/* Where packets of a capture go (capture_ring.h), as the table by the worker's own thread; NULL:
 * nobody captures. */
void to_worker_set_capture(struct to_worker *w, struct to_capture_ring *ring);

/* The guard of SIP messages (turnout/sip_guard.h): kB a second, at most TO_SIP_RATE_MAX; 0, as in
 * the beginning: none. Before the first burst. Returns 0, or -ENOMEM. */
int to_worker_set_sip_rate(struct to_worker *w, uint32_t rate);
/* Its clock, between two bursts: nanoseconds that do not go back by much. */
void to_worker_set_nanoseconds(struct to_worker *w, uint64_t now);

/*
 * Decides and rewrites `n` (at most TO_BURST) frames in their order. `now`: clock seconds, the same
 * for the burst, never less than in the burst before. Each frame has TO_FRAME_HEADROOM writable
 * bytes before data.
 */
void to_pipeline_run(struct to_worker *w, struct to_frame *frames, unsigned n, uint32_t now);

/* Reclaims dead entries in a bounded number of buckets of each table. For the worker's loop. */
void to_pipeline_sweep(struct to_worker *w, uint32_t now, unsigned buckets);

/*
 * Which of `workers` workers a frame belongs to: by the outside address (docs/state.md; the
 * design's sharding). Any worker may have a frame that has none. 0 when workers is 1.
 */
unsigned to_frame_shard(const struct to_table *table, const uint8_t *data, uint32_t len,
			unsigned workers);
/* Likewise by the worker's table, faster. For the worker's own thread. */
unsigned to_worker_shard(struct to_worker *w, const uint8_t *data, uint32_t len, unsigned workers);

#endif
