/* SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only) */
/*
 * Frames that left the program for another interface and never left the machine: the kernel tells
 * by tracepoints only (the target has no native XDP, its queue is full, it is gone). Counted with
 * those that have no next hop, for they went nowhere either.
 */
#ifndef TURNOUT_BPF_LOSSES_H
#define TURNOUT_BPF_LOSSES_H

#include <bpf/bpf_tracing.h>

#include "maps.h"

/* What is read of the kernel's own struct; its offset is filled in when the program is loaded. */
struct net_device {
	int ifindex;
} __attribute__((preserve_access_index));

TO_INLINE void count_lost(const struct net_device *from, __u32 frames)
{
	__u32 zero = 0, ifindex = from->ifindex;
	struct to_bpf_tally *n = bpf_map_lookup_elem(&tally, &zero);

	if (n && bpf_map_lookup_elem(&ports, &ifindex))
		n->events[TO_EVENT_NO_NEXTHOP] += frames;
}

SEC("tp_btf/xdp_redirect_err")
int BPF_PROG(turnout_refused, const struct net_device *from)
{
	count_lost(from, 1);
	return 0;
}

SEC("tp_btf/xdp_devmap_xmit")
int BPF_PROG(turnout_unsent, const struct net_device *from, const struct net_device *to, int sent,
	     int drops)
{
	if (drops > 0)
		count_lost(from, drops);
	return 0;
}

#endif
