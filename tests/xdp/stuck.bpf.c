/* SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only) */
/*
 * The program as it is, but that the kernel refuses to delete or to move a frame's end, or that
 * another CPU always makes an entry just before, while a test wants it so.
 */
#include "variant.h"

#include <linux/errno.h>

volatile __u32 stuck;    /* deletes fail */
volatile __u32 too_late; /* whatever is inserted is there already */
volatile __u32 no_room;  /* a frame's end cannot be moved */

#define bpf_map_delete_elem(map, key) (stuck ? -(long)EBUSY : bpf_map_delete_elem(map, key))
#define bpf_map_update_elem(map, key, value, flags)                                                \
	(too_late ? bpf_map_update_elem(map, key, value, flags) : 0,                               \
	 bpf_map_update_elem(map, key, value, flags))

#define bpf_xdp_adjust_tail(x, by) (no_room ? -(long)EINVAL : bpf_xdp_adjust_tail(x, by))

#include "turnout.bpf.c"
