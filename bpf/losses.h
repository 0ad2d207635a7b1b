/* SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only) */
/*
 * Frames that left the program and never left the machine: the kernel tells by tracepoints only
 * (the target has no native XDP, its queue is full, it is gone). Counted with those that have no
 * next hop, for they went nowhere either.
 *
 * Tracepoints are the whole machine's. A port is known by its index, which another network
 * namespace may have as well: so it must be in ours.
 */
#ifndef TURNOUT_BPF_LOSSES_H
#define TURNOUT_BPF_LOSSES_H

#include <bpf/bpf_tracing.h>

#include "maps.h"

/* What is read of the kernel's own structs; offsets are filled in when the program is loaded. */
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct ns_common {
	unsigned int inum;
};
struct net {
	struct ns_common ns;
};
typedef struct {
	struct net *net;
} possible_net_t;
struct net_device {
	int ifindex;
	possible_net_t nd_net;
};
#pragma clang attribute pop

TO_INLINE void count_lost(const struct net_device *from, __u32 frames)
{
	__u32 zero = 0, ifindex = from->ifindex;
	struct to_bpf_tally *n = bpf_map_lookup_elem(&tally, &zero);

	if (n && from->nd_net.net->ns.inum == network && bpf_map_lookup_elem(&ports, &ifindex))
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

/* Sent back by the interface that they came by: a driver tells of one (Ethernet cards), or of as
 * many as it takes at a time (veth). */
SEC("tp_btf/xdp_exception")
int BPF_PROG(turnout_unreturned, const struct net_device *from, const void *program, __u32 action)
{
	if (action == XDP_TX)
		count_lost(from, 1);
	return 0;
}

SEC("tp_btf/xdp_bulk_tx")
int BPF_PROG(turnout_unreturned_many, const struct net_device *from, int sent, int drops)
{
	if (drops > 0)
		count_lost(from, drops);
	return 0;
}

#endif
