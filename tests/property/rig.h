/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The engine under test: tables, state, one worker; and where a schedule asks for it, beside that
 * the same site with two workers, of which the frames are divided by to_frame_shard(). Both get
 * every frame, and must agree on every byte.
 */
#ifndef TESTS_RIG_H
#define TESTS_RIG_H

#include <dataplane/pipeline.h>
#include <tests/pipeline/frame.h>

struct to_plan;

/* Faults that the rig puts into what the engine says: a test that they do not fail tests nothing.
 */
#define RIG_FAULTS(X)                                                                              \
	X(NONE, "none")                                                                            \
	X(SWAP_EDGE, "swap-edge")     /* an established flow's packet goes to another edge */      \
	X(LOSE_REPLY, "lose-reply")   /* an answer leaves with the edge's own address */           \
	X(SOURCE, "source")           /* another source address towards an edge */                 \
	X(CHECKSUM, "checksum")       /* a transport checksum is wrong */                          \
	X(TTL, "ttl")                 /* the TTL comes out as it came in */                        \
	X(DOWN_EDGE, "down-edge")     /* health changes do not reach the table */                  \
	X(STUCK_STAGE, "stuck-stage") /* rollbacks do not reach the table */                       \
	X(FORGET, "forget")           /* a restart loses the state */                              \
	X(SHARD, "shard")             /* the second worker gets its answers on the first */

enum rig_fault {
#define RIG_FAULT(c, n) RIG_FAULT_##c,
	RIG_FAULTS(RIG_FAULT) RIG_FAULT_COUNT
};

struct rig_options {
	bool file;     /* the state lies in a file, so that it can be closed and opened again */
	bool twin;     /* with two workers beside */
	uint32_t room; /* unproven entries of each kind */
	uint64_t seed; /* of the state's hashes */
	uint32_t now;
	enum rig_fault fault;
};

struct rig_side {
	struct to_state *state;
	struct to_worker *worker[2];
	unsigned workers;
	char path[64];
};

struct rig {
	struct rig_options options;
	struct rig_side side[2];
	const struct to_plan *plan;
	const struct to_table *table;
	struct to_nexthops nexthops;
	uint64_t generation;
	uint32_t dice; /* for faults */
};

struct rig_frame {
	uint32_t len;
	struct to_frame out;
	uint8_t room[TO_FRAME_HEADROOM + FRAME_MAX];
};

/* 0 or a message. */
const char *rig_open(struct rig *rig, const struct rig_options *options,
		     const struct to_plan *plan);
void rig_close(struct rig *rig);

void rig_set_table(struct rig *rig, int stage, const uint8_t *states, uint32_t now);
/* As a new process finds it. */
const char *rig_restart(struct rig *rig, uint32_t now);

uint8_t *rig_frame_data(struct rig_frame *f);
/* The frames lie at rig_frame_data(), `len` bytes each. Returns 0, or how the twin disagrees. */
const char *rig_run(struct rig *rig, struct rig_frame *frames, unsigned n, uint32_t now);
void rig_sweep(struct rig *rig, uint32_t now);

#endif
