/* SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only) */
/* The maps of bpf/turnout.bpf.c. Sizes of entries' maps are the loader's to set. */
#ifndef TURNOUT_BPF_MAPS_H
#define TURNOUT_BPF_MAPS_H

#include "turnout.h"

/* Set before the program is loaded; constants from then on. */
const volatile bool replay;   /* time and zone are given, the result is written down */
const volatile __u32 network; /* inode number of the network namespace that ports are in */
const volatile __u32 ring_cpus = 1;
const volatile __u32 ring_size[TO_ENTRY_KIND_COUNT]; /* a CPU's part of the unproven entries */

#define ONE(name, map_type, value_type, most, flags)                                               \
	struct {                                                                                   \
		__uint(type, map_type);                                                            \
		__uint(max_entries, most);                                                         \
		__uint(map_flags, flags);                                                          \
		__type(key, __u32);                                                                \
		__type(value, value_type);                                                         \
	} name SEC(".maps")

ONE(about, BPF_MAP_TYPE_ARRAY, struct to_bpf_about, 1, 0);
/* How large a value is, and table_mask with it, is the loader's to set. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, TO_BPF_TABLE_SLOTS);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, TO_BPF_TABLE_BYTES + TO_BPF_TABLE_SLACK);
} tables SEC(".maps");
ONE(control, BPF_MAP_TYPE_ARRAY, struct to_bpf_control, 1, BPF_F_MMAPABLE);
ONE(result, BPF_MAP_TYPE_ARRAY, struct to_bpf_result, 1, BPF_F_MMAPABLE);
ONE(ports, BPF_MAP_TYPE_HASH, struct to_bpf_port, TO_BPF_PORTS, 0);
ONE(hops, BPF_MAP_TYPE_ARRAY, struct to_bpf_hop, TO_BPF_HOPS, 0);
ONE(rows, BPF_MAP_TYPE_ARRAY, __u16, TO_BPF_PAIRS, 0);
ONE(counts, BPF_MAP_TYPE_PERCPU_ARRAY, struct to_bpf_row, TO_BPF_ROWS, 0);
ONE(tally, BPF_MAP_TYPE_PERCPU_ARRAY, struct to_bpf_tally, 1, 0);
ONE(scratch, BPF_MAP_TYPE_PERCPU_ARRAY, struct to_packet, 1, 0);
ONE(claims, BPF_MAP_TYPE_PERCPU_ARRAY, struct to_claims, 1, 0);
ONE(room, BPF_MAP_TYPE_PERCPU_ARRAY, struct to_bpf_room, 1, 0);
ONE(suspects, BPF_MAP_TYPE_ARRAY, struct to_bpf_suspects, 1, 0);
ONE(sip_buckets, BPF_MAP_TYPE_PERCPU_ARRAY, struct to_sip_buckets, 1, 0);
ONE(known, BPF_MAP_TYPE_ARRAY, struct to_known_set, TO_KNOWN_SETS, 0);
ONE(heads, BPF_MAP_TYPE_PERCPU_ARRAY, __u32, TO_ENTRY_KIND_COUNT, 0);

ONE(capture_room, BPF_MAP_TYPE_PERCPU_ARRAY, struct to_bpf_capture_room, 1, 0);
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, TO_BPF_CAPTURED);
} captured SEC(".maps");

#define ENTRIES(name, key_type)                                                                    \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_HASH);                                                   \
		__uint(max_entries, 1);                                                            \
		__type(key, key_type);                                                             \
		__type(value, struct to_bpf_entry);                                                \
	} name SEC(".maps")

/* Unproven entries of a kind, and their keys in the order of their age, a ring for each CPU. */
#define UNPROVEN(name, ring, key_type)                                                             \
	ENTRIES(name, key_type);                                                                   \
	ONE(ring, BPF_MAP_TYPE_ARRAY, key_type, 1, 0)

ENTRIES(pins4, struct to_key);
ENTRIES(pins6, struct to_key6);
ENTRIES(dialogs, struct to_key);
ENTRIES(transactions, struct to_key);
ENTRIES(affinities, struct to_key);
ENTRIES(owners, struct to_key);
ENTRIES(fragments, struct to_key);
UNPROVEN(new_pins4, ring_pins4, struct to_key);
UNPROVEN(new_pins6, ring_pins6, struct to_key6);
UNPROVEN(new_dialogs, ring_dialogs, struct to_key);
UNPROVEN(new_transactions, ring_transactions, struct to_key);
UNPROVEN(new_fragments, ring_fragments, struct to_key);

/* An update of a map of maps returns when no program runs any more that was running before it:
 * what the loader waits by. Nothing reads it. */
struct grace_period {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
};
struct grace_period grace_period SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct grace_period);
} grace SEC(".maps");

#endif
