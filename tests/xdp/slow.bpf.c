/* SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only) */
/*
 * The program as it is, but that it loiters, for a random while, wherever another CPU may come
 * between: after it has looked something up, before it exchanges a word or deletes. Two CPUs that
 * meet in a place once in a million packets otherwise meet there all the time.
 */
#include "variant.h"

#define bpf_map_lookup_elem(map, key)                                                              \
	({                                                                                         \
		void *found_ = bpf_map_lookup_elem(map, key);                                      \
		loiter();                                                                          \
		found_;                                                                            \
	})
#define bpf_map_delete_elem(map, key) (loiter(), bpf_map_delete_elem(map, key))
#define __sync_val_compare_and_swap(at, seen, word)                                                \
	(loiter(), __sync_val_compare_and_swap(at, seen, word))

#include "turnout.bpf.c"
