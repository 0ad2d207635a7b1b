/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The program in the running kernel, and frames pushed through it by BPF_PROG_RUN, from any thread
 * on whatever CPU that stands. A frame arrives by the loopback interface, and leaves by none.
 *
 * Whatever goes wrong ends the process with a message, but where the kernel may not be asked: then
 * it is 77, skipped.
 */
#ifndef TESTS_XDP_RIG_H
#define TESTS_XDP_RIG_H

#include <pthread.h>
#include <turnout/table.h>

#include "xdp_object.h"

#define RIG_FRAME   1024 /* bytes that a frame may have, and what becomes of it */
#define RIG_SKIPPED 77

struct rig {
	struct to_xdp xdp;
	const struct to_table *running;
};

/* A frame, and what the program has made of it. */
struct rig_frame {
	int code; /* enum xdp_action */
	uint32_t len;
	uint8_t data[RIG_FRAME];
};

__attribute__((noreturn, format(printf, 1, 2))) void rig_fail(const char *format, ...);

/* The same number of entries of each kind, in as many rings as there may be CPUs. */
struct to_xdp_sizes rig_sizes(uint32_t proven, uint32_t unproven_each_cpu);
/* `replay`: time and zone are what rig_clock() says, and the result is written down. */
void rig_open(struct rig *r, const struct to_xdp_sizes *sizes, bool replay);
/* Its two halves: before the second one, the object may be changed. */
void rig_read(struct rig *r, const struct to_xdp_sizes *sizes, bool replay);
void rig_load(struct rig *r);
void rig_close(struct rig *r);
/* Entries and counters as they were in the beginning. */
void rig_empty(struct rig *r);
void rig_clock(const struct rig *r, uint32_t now);

/* Prepared, committed, awaited. The table stays the caller's, and must live as long as the rig. */
void rig_publish(struct rig *r, const struct to_table *t);
/* Gives a copy of the image another number. */
void rig_renumber(struct to_table *t, uint64_t generation);

/* In place. */
void rig_push(const struct rig *r, struct rig_frame *f);

/* The MACs by which a test knows a frame: to an edge, and to the outside. */
#define RIG_MAC_EDGE    0xe0
#define RIG_MAC_OUTSIDE 0x0f
/* Whom a frame is for by its destination MAC: an edge's index, RIG_OUT, or RIG_NOBODY. */
#define RIG_OUT    -1
#define RIG_NOBODY -2
int rig_egress(const struct rig_frame *f);

/* Two CPUs that this process may use; skipped where there are fewer. */
struct rig_cpus {
	int cpu[2];
};
struct rig_cpus rig_two_cpus(void);
void rig_stay_on(int cpu);
pthread_t rig_thread(void *(*run)(void *), void *arg);

/* How many are in the map, dead ones too. */
unsigned rig_entries(const struct rig *r, enum to_entry_kind kind, bool proven);
uint64_t rig_event(const struct rig *r, enum to_event event);
uint64_t rig_nanoseconds(void);
/* xorshift: the same numbers each time. `state` is not 0. */
uint32_t rig_draw(uint32_t *state, uint32_t below);

#endif
