/* SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only) */
/*
 * What the XDP program and the process that loads it agree on. Both are built from this file; the
 * pinned maps outlive both, so TO_BPF_LAYOUT counts the meanings of what is in them.
 */
#ifndef TURNOUT_BPF_TURNOUT_H
#define TURNOUT_BPF_TURNOUT_H

#include <turnout/capture_take.h>
#include <turnout/packet.h>
#include <turnout/sip_guard.h>

/*
 * How entries mean what they mean. A new number where fields of struct to_bpf_entry are given
 * another meaning, or anything about a key changes; that an entry's fields move or grow needs none,
 * for the maps' BTF tells (xdp_layout.h).
 */
#define TO_BPF_LAYOUT 1u

/*
 * Bytes of a table that the program can hold; powers of two (engine.h). On any kernel, for with
 * what follows it is below 4 MiB, the largest value of a map on Linux 6.1; and where it takes
 * larger ones, of which only what stands behind the intervals' beginning lies beyond the former.
 */
#ifndef TO_BPF_TABLE_BYTES
#define TO_BPF_TABLE_BYTES (1u << 21)
#endif
#define TO_BPF_TABLE_MOST  (4 * TO_BPF_TABLE_BYTES)
#define TO_BPF_TABLE_SLACK 64 /* behind a table: an element may begin at its last byte */
#define TO_BPF_TABLE_SLOTS 2
#ifdef __bpf__
/* Set before the program is loaded; a constant from then on, to the verifier as well. (engine.h) */
const volatile uint32_t table_mask = TO_BPF_TABLE_BYTES - 1;
#define TO_BPF_TABLE_MASK table_mask
#endif

/* What the maps are, for the process that finds them. The last one pinned, so that a set which has
 * it is whole. */
struct to_bpf_about {
	uint32_t magic; /* TO_BPF_MAGIC */
	uint32_t layout;
	uint64_t object; /* replay: hash of the program that is kept; else of its entries' fields */
	/* Likewise, of the maps NAME_new: entries may have been changed in them already, so that
	 * the move must be finished. 0: such maps are nobody's. */
	uint64_t moving_object;
};
#define TO_BPF_MAGIC 0x54555842u /* "BXUT" as bytes */

/* What a later build might change: tests/xdp-run has builds that do. 1: entries have other fields;
 * 2: the same ones in another order. */
#ifdef TO_BPF_OTHER_LAYOUT
#define TO_BPF_SPARE uint64_t spare;
#else
#define TO_BPF_SPARE
#endif

/* One element. Written by the loader in single aligned stores, read by each packet once. Of every
 * build it begins with these. */
struct to_bpf_control {
	uint32_t slot; /* the table that decides: the commit of a generation is this store */
	uint32_t now;  /* replay: clock seconds */
	uint32_t zone; /* replay: enum to_zone */
	/* Entries move into other maps: until all have, one that is not found may be on its way.
	 * The second at which that is taken to be over if nobody says so; 0: they do not. */
	uint32_t moving;
	uint32_t sip_rate; /* kB a second (turnout/sip_guard.h); 0: no guard */
	uint32_t reserved;
	TO_BPF_SPARE
};

/* A network interface that the program is attached to, by its index. */
struct to_bpf_port {
	uint32_t zone; /* enum to_zone */
	uint8_t own[6];
	uint8_t reserved[2];
};

#define TO_BPF_PORTS 64

/* Where frames leave: by edge, then to outside over IPv4 and over IPv6. */
struct to_bpf_hop {
	uint32_t ifindex; /* 0: they cannot */
	uint16_t mtu;     /* bytes of an IP packet */
	uint8_t mac[6];
	uint8_t own[6];
	uint8_t reserved[2];
};
_Static_assert(sizeof(struct to_bpf_hop) == 20, "layout");
_Static_assert(offsetof(struct to_bpf_hop, own) == offsetof(struct to_bpf_hop, mac) + 6,
	       "a frame's");
#define TO_BPF_HOP_OUTSIDE4 TO_MAX_EDGES
#define TO_BPF_HOP_OUTSIDE6 (TO_MAX_EDGES + 1)
#define TO_BPF_HOPS         (TO_MAX_EDGES + 2)

/*
 * `expires` is what makes an entry live. A proven one is freed by whoever exchanges a time that is
 * past for TO_BPF_FREED, and given a new life likewise: so nobody deletes what another has just
 * revived. An unproven one is the one that its last word names (bpf/entries.h).
 */
struct to_bpf_entry {
#ifdef TO_BPF_OTHER_LAYOUT
	uint32_t ring;
	uint32_t tag;
#if TO_BPF_OTHER_LAYOUT == 1
	TO_BPF_SPARE
#endif
#endif
	struct to_entry e __attribute__((aligned(8))); /* its first 8 bytes are exchanged as one */
#ifndef TO_BPF_OTHER_LAYOUT
	/* Unproven: its place in the order of age; with `tag`, exchanged as one. Proven: what it
	 * was when it was copied (xdp_merge.h), which the program neither reads nor writes. */
	uint32_t ring;
	uint32_t tag; /* of the key: a place that was reused under a reader's eyes shows it */
#endif
};
_Static_assert(offsetof(struct to_bpf_entry, e) % 8 == 0, "exchanged as one");
_Static_assert(offsetof(struct to_bpf_entry, ring) % 8 == 0, "likewise");
_Static_assert(offsetof(struct to_bpf_entry, tag) == offsetof(struct to_bpf_entry, ring) + 4, "");
#define TO_BPF_FREED 0u /* value of `expires`: dead, and somebody's who deletes or fills it */
#define TO_BPF_MOVED (1u << 31) /* bit of `ring`: it was proven, and is in the other map */
#define TO_BPF_GRACE 2u         /* seconds that an entry is dead before it is reclaimed */

/* A CPU's. */
struct to_bpf_tally {
	uint64_t events[TO_EVENT_COUNT];
	uint64_t verdicts[TO_VERDICT_COUNT];
	struct to_budget icmp;
	struct to_budget resets;
	TO_BPF_SPARE
};

/* Counters of one pair of service and edge, a CPU's. Which row is which pair's: rows[]. */
#define TO_BPF_PAIRS (65u * 65u) /* TO_MAX_SERVICES or none, TO_MAX_EDGES or none */
#define TO_BPF_ROWS  1024u       /* the most that can be told apart; row 0 is everybody else's */
struct to_bpf_row {
	struct to_count cell[TO_CLASS_COUNT * TO_REASON_COUNT];
};

TO_INLINE uint32_t to_bpf_pair(uint8_t service, uint8_t edge)
{
	uint32_t s = service < TO_MAX_SERVICES ? service : TO_MAX_SERVICES;
	uint32_t e = edge < TO_MAX_EDGES ? edge : TO_MAX_EDGES;

	return s * (TO_MAX_EDGES + 1) + e;
}

/* Replay: what became of the frame. */
struct to_bpf_result {
	struct to_decision decision;
	uint32_t egress; /* enum to_egress */
	uint32_t slot;   /* whose table decided */
};

/* Room for bytes that move. */
struct to_bpf_room {
	uint8_t head[TO_MAX_HEAD];
	uint8_t quote[2048]; /* a power of two; TO_ICMP_QUOTE_MAX are used */
};

/* For the programs of reclaim.h: keys that may be dead; or keys, what is to be written there, and
 * in the place of which first word. */
#define TO_BPF_RECLAIM 64
struct to_bpf_suspects {
	struct to_key6 key[TO_BPF_RECLAIM]; /* a struct to_key uses its first 12 bytes */
	struct to_bpf_entry value[TO_BPF_RECLAIM];
	uint64_t seen[TO_BPF_RECLAIM];
};
struct to_bpf_reclaim {
	uint32_t kind; /* enum to_entry_kind; proven ones */
	uint32_t n;
	uint32_t now;
	uint32_t freed; /* out */
};

/* For the program of release.h. */
struct to_bpf_release {
	uint32_t kind; /* enum to_entry_kind */
	uint32_t proven;
	uint32_t n;
	uint32_t expires; /* what is ended is dead from this second on */
	uint32_t edge;
	uint32_t service; /* TO_NO_INDEX: all, and what has none */
	uint32_t reserved;
	uint32_t ended; /* out */
};

/* struct to_capture in the program's memory, so that its skeleton needs no type of ours. */
#define TO_BPF_CAPTURE_WORDS ((sizeof(struct to_capture) + 7) / 8)

/* A packet of a capture, as it is in the ring of that name. */
struct to_bpf_captured {
	struct to_captured is;
	uint32_t serial; /* of the capture */
	uint32_t reserved;
	uint8_t bytes[TO_CAPTURE_SNAP];
};
_Static_assert((TO_CAPTURE_SNAP & (TO_CAPTURE_SNAP - 1)) == 0, "a mask");
#define TO_BPF_CAPTURED (1u << 20) /* bytes of the ring */

/* A CPU's. */
struct to_bpf_capture_room {
	struct to_capture_turn turn;
	struct to_bpf_captured packet;
};

#endif
