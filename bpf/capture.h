/* SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only) */
/* Live packets for whoever captures, with what was decided of them; before anything is written into
 * them. Nobody is waited for: what finds no room in the ring is counted. */
#ifndef TURNOUT_BPF_CAPTURE_H
#define TURNOUT_BPF_CAPTURE_H

#include "maps.h"

/* The loader's, in the program's own memory: whoever replaces the program begins without one, and
 * it is over at its time though its process be dead. */
__u64 capture_words[TO_BPF_CAPTURE_WORDS];

TO_INLINE const struct to_capture *the_capture(void)
{
	return (const struct to_capture *)capture_words;
}

/* Of the capture that is under way; 0: there is none. */
TO_INLINE __u32 capture_serial(void)
{
	return *(const volatile __u32 *)&the_capture()->serial;
}

TO_PART int to_capture_packet(to_engine *x, struct to_packet *k)
{
	const struct to_capture *c = the_capture();
	struct to_bpf_capture_room *r;
	const struct to_table *t;
	__u32 zero = 0, length, serial = capture_serial();

	TO_PART_CHECK(k);
	if (!serial) /* over meanwhile: what it has counted stays */
		return 0;
	r = bpf_map_lookup_elem(&capture_room, &zero);
	t = to_engine_table(x, k);
	if (!r || !t)
		return 0;
	if (r->turn.serial != serial) {
		__builtin_memset(&r->turn, 0, sizeof(r->turn));
		r->turn.serial = serial;
	}
	if (!to_capture_wants(c, &r->turn, k))
		return 0;
	to_capture_tell(&r->packet.is, c, k, frame_length(x));
	r->packet.is.time_ns = bpf_ktime_get_boot_ns();
	r->packet.is.generation = t->generation;
	r->packet.is.port = x->ingress_ifindex;
	r->packet.is.worker = bpf_get_smp_processor_id();
	r->packet.serial = r->turn.serial;
	length = r->packet.is.captured;
	if (!length)
		return 0;
	TO_OPAQUE(length);
	length = ((length - 1) & (TO_CAPTURE_SNAP - 1)) + 1; /* 6.1 learns no bound from a test */
	if (bpf_xdp_load_bytes(x, 0, r->packet.bytes, length))
		return 0;
	if (bpf_ringbuf_output(&captured, &r->packet,
			       offsetof(struct to_bpf_captured, bytes) + length, BPF_RB_NO_WAKEUP))
		r->turn.count.full++;
	else
		r->turn.count.taken++;
	return 0;
}

#endif
