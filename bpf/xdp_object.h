/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The program and its maps, as this process holds them. Functions return 0 or a negative errno,
 * with a message for a person in `err` where they take one. One thread.
 */
#ifndef TURNOUT_XDP_OBJECT_H
#define TURNOUT_XDP_OBJECT_H

#include <stddef.h>

#include "dataplane/state.h"
#include "turnout.h"

struct turnout_bpf; /* the skeleton */
struct bpf_map;

/* Most entries of each kind; unproven ones are divided among `cpus` rings. */
struct to_xdp_sizes {
	struct to_state_size of[TO_ENTRY_KIND_COUNT];
	uint32_t cpus;
	uint32_t rows; /* of counters; 0: TO_BPF_ROWS */
};

/*
 * Sizes for at most `pins` IPv4 pins on a host with `cpus` possible CPUs. All unproven entries may
 * be one CPU's, which has the trunk with all calls, and most CPUs may not even be there: so a ring
 * has more than its share, within what all of them may take; and so do rows of counters.
 */
void to_xdp_sizes_of(struct to_xdp_sizes *sizes, uint32_t pins, uint32_t cpus);

struct to_xdp {
	struct turnout_bpf *skel;
	struct to_bpf_control *control;
	uint8_t *tables;      /* [TO_BPF_TABLE_SLOTS]: xdp_table.c */
	uint32_t table_bytes; /* that one may have on this kernel */
	volatile const struct to_bpf_result *result;
	uint16_t rows[TO_BPF_PAIRS]; /* what the map of that name has */
	uint32_t rows_used;
	int xdp_fd; /* programs */
	int reclaim_fd;
	int cpus; /* possible ones: values of a per-CPU map */
};

/* Bytes of a slot of x->tables. */
static inline uint32_t to_xdp_table_room(const struct to_xdp *x)
{
	return x->table_bytes + TO_BPF_TABLE_SLACK;
}

/* Reads the object, sets sizes and constants; nothing is in the kernel yet. */
int to_xdp_open(struct to_xdp *x, const struct to_xdp_sizes *sizes, bool replay, char *err,
		size_t err_size);
/* Loads the maps that are not there already (xdp_pin.h), and the programs. */
int to_xdp_load(struct to_xdp *x, char *err, size_t err_size);
/* Tells the program how far CLOCK_BOOTTIME is ahead of CLOCK_MONOTONIC; to_xdp_load() does it, and
 * after that nothing changes but when the machine has been suspended. */
void to_xdp_set_clock(struct to_xdp *x);
/* Maps into memory what is read and written there; to_xdp_load() does it. `looks`: a copy, of maps
 * that are open for reading only. */
int to_xdp_map(struct to_xdp *x, bool looks, char *err, size_t err_size);
/* Also after a failure, or twice. What is pinned stays. */
void to_xdp_close(struct to_xdp *x);

/* FNV-1a, from TO_XDP_HASH on. */
#define TO_XDP_HASH 0xcbf29ce484222325ULL
uint64_t to_xdp_hash(uint64_t h, const void *data, size_t size);
/* Of the object and the sizes: what a kept program was made of. */
uint64_t to_xdp_object_hash(const struct to_xdp_sizes *sizes);

/* NULL for an unproven map of a kind that has none. */
struct bpf_map *to_xdp_entries(const struct to_xdp *x, enum to_entry_kind kind, bool proven);
struct bpf_map *to_xdp_ring(const struct to_xdp *x, enum to_entry_kind kind);

/* Bytes of a key of that kind. */
uint32_t to_xdp_key_size(enum to_entry_kind kind);

#endif
