/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What an engine shows of itself, in a memfd that it alone can write: counters, entries, workers,
 * ports. The engine's main thread renews it (each second, and when it is asked), so that reading
 * it, however often, costs a worker nothing.
 *
 * A reader copies what it wants between two reads of `sequence`: the copy is one moment's when both
 * are the same even number. It must not trust what it reads beyond that: region_read.h does both,
 * and bounds counts and indexes.
 */
#ifndef TURNOUT_REGION_H
#define TURNOUT_REGION_H

#include "protocol.h"

#define TO_REGION_MAGIC   0x4e4f494745524f54ULL /* "TOREGION" as bytes */
#define TO_REGION_VERSION 1
#define TO_REGION_PORTS   64
#define TO_REGION_ROWS    16384
#define TO_REGION_LIVE    8192
#define TO_REGION_NAMED   64 /* counters of the engine's own, by name */

struct to_region_worker {
	uint64_t generation; /* that it has acknowledged */
	uint64_t rounds;     /* grows while it runs; XDP, whose program is one worker: 0 */
	uint64_t silent_ns;  /* since it was last seen to; XDP: 0 */
	uint64_t packets;    /* received; XDP: decided */
};

/* Places of one kind, over all workers. */
struct to_region_entries {
	uint32_t used;     /* dead ones that were not reclaimed yet included; XDP: those that lived
			      at the last census */
	uint32_t capacity; /* 0: there is no such table */
};

struct to_region_port {
	char name[32];
	uint8_t zone; /* enum to_zone */
	uint8_t up;   /* 0, 1: it can carry frames */
	uint8_t mode; /* XDP: 1 generic, 2 native; DPDK: 0 */
	uint8_t reserved[5];
};

/* Where frames to an edge leave; [TO_MAX_EDGES] is to outside over IPv4, the next over IPv6. */
struct to_region_hop {
	uint8_t usable; /* 0, 1 */
	uint8_t mac[6];
	uint8_t reserved;
};
#define TO_REGION_HOPS (TO_MAX_EDGES + 2)

/* Packets and bytes since the state began; rows that are zero are not there. */
struct to_region_row {
	uint8_t service; /* TO_NO_INDEX: none */
	uint8_t edge;    /* likewise */
	uint8_t class;
	uint8_t reason;
	uint8_t reserved[4];
	uint64_t packets;
	uint64_t bytes;
};

/* Over: a connection that both ends have closed, or a call that has ended. Its entry waits for what
 * may still come of it, and nobody would miss its edge. */
enum to_life { TO_LIFE_UNPROVEN, TO_LIFE_PROVEN, TO_LIFE_OVER, TO_LIFE_COUNT };

/* Live entries at the last census. */
struct to_region_live {
	uint8_t service; /* TO_NO_INDEX: none */
	uint8_t edge;
	uint8_t kind; /* enum to_entry_kind */
	uint8_t life; /* enum to_life */
	uint32_t count;
};

/* "sent", "ring-full" …: what only one engine knows. */
struct to_region_named {
	char name[32];
	uint64_t value;
};

struct to_region {
	/* never change */
	uint64_t magic;
	uint32_t version;
	uint32_t size;   /* of the region, bytes */
	uint32_t engine; /* enum to_engine_kind */
	uint32_t workers;
	uint64_t started_ns; /* CLOCK_BOOTTIME, likewise all times below */

	uint64_t sequence; /* odd: being written */
	uint64_t renewed_ns;
	uint64_t generation; /* 0: none */
	uint64_t live;       /* 1: every worker has acknowledged it */
	uint64_t committed_ns;
	uint64_t census_ns; /* when the last one began; 0: none yet */
	uint64_t census_took_ns;
	char stage[TO_MAX_NAME + 1];
	uint64_t events[32];                    /* enum to_event */
	uint64_t verdicts[8];                   /* enum to_verdict */
	struct to_region_entries entries[8][2]; /* enum to_entry_kind, [proven] */
	struct to_region_worker worker[TO_PROTOCOL_WORKERS];
	struct to_region_port port[TO_REGION_PORTS];
	struct to_region_hop hop[TO_REGION_HOPS];
	struct to_region_named named[TO_REGION_NAMED];
	uint32_t ports;
	uint32_t named_count;
	uint32_t rows;
	uint32_t rows_lost; /* for which there was no room */
	uint32_t lives;
	uint32_t lives_lost;
	struct to_region_row row[TO_REGION_ROWS];
	struct to_region_live alive[TO_REGION_LIVE];
};
_Static_assert(TO_EVENT_COUNT <= 32 && TO_VERDICT_COUNT <= 8 && TO_ENTRY_KIND_COUNT <= 8, "fit");
_Static_assert(sizeof(struct to_region_row) == 24 && sizeof(struct to_region_live) == 8, "layout");
_Static_assert(offsetof(struct to_region, sequence) == 32, "layout");

#endif
