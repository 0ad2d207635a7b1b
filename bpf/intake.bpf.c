/* SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only) */
/*
 * Stands before DPDK's AF_XDP driver (its xdp_prog=): what is the engine's goes to its sockets, all
 * else to the kernel. The rules are those of the guard (dataplane/dp_guard.c). Without the process
 * there is no socket, and what would be the engine's is dropped.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include <turnout/intake.h>
#include <turnout/table.h>

struct vlan {
	__be16 tci;
	__be16 type;
};

/* The driver wants it by this name. */
struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, TO_INTAKE_QUEUES);
	__type(key, __u32);
	__type(value, __u32);
} xsks_map SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, TO_INTAKE_ADDRESSES);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, union to_addr);
	__type(value, __u8);
} turnout_ours SEC(".maps");

static __always_inline int kind_of(const union to_addr *a)
{
	const __u8 *kind = bpf_map_lookup_elem(&turnout_ours, a);

	return kind ? *kind : TO_ADDRESS_FREE;
}

static __always_inline union to_addr mapped(__be32 v4)
{
	return (union to_addr){.w = {0, 0, bpf_htonl(0xffff), v4}};
}

/* Whom nobody routes: the kernel's, whoever has sent it. */
static __always_inline int is_of_link4(__be32 a)
{
	return (a & bpf_htonl(0xf0000000)) == bpf_htonl(0xe0000000) || a == bpf_htonl(0xffffffff);
}

static __always_inline int is_of_link6(const union to_addr *a)
{
	return a->b[0] == 0xff || (a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0x80);
}

static __always_inline int is_ours(const union to_addr *from, const union to_addr *to, int of_link)
{
	int kind = kind_of(to);

	if (kind == TO_ADDRESS_VIP || kind == TO_ADDRESS_EDGE)
		return 1;
	return kind != TO_ADDRESS_GATEWAY && !of_link && kind_of(from) == TO_ADDRESS_EDGE;
}

static __always_inline int take(const struct xdp_md *ctx)
{
	return (int)bpf_redirect_map(&xsks_map, ctx->rx_queue_index, XDP_DROP);
}

static __always_inline int decide4(const struct xdp_md *ctx, const struct iphdr *ip)
{
	union to_addr from, to;

	if ((const void *)(ip + 1) > (const void *)(long)ctx->data_end)
		return XDP_PASS;
	from = mapped(ip->saddr);
	to = mapped(ip->daddr);
	return is_ours(&from, &to, is_of_link4(ip->daddr)) ? take(ctx) : XDP_PASS;
}

static __always_inline int decide6(const struct xdp_md *ctx, const struct ipv6hdr *ip)
{
	union to_addr from, to;

	if ((const void *)(ip + 1) > (const void *)(long)ctx->data_end)
		return XDP_PASS;
	__builtin_memcpy(&from, &ip->saddr, sizeof(from));
	__builtin_memcpy(&to, &ip->daddr, sizeof(to));
	return is_ours(&from, &to, is_of_link6(&to) || is_of_link6(&from)) ? take(ctx) : XDP_PASS;
}

SEC("xdp")
int turnout_intake(struct xdp_md *ctx)
{
	const struct ethhdr *eth = (void *)(long)ctx->data;
	const void *end = (void *)(long)ctx->data_end, *at = eth + 1;
	__be16 type;

	if (at > end)
		return XDP_PASS;
	type = eth->h_proto;
	if (type == bpf_htons(ETH_P_8021Q) || type == bpf_htons(ETH_P_8021AD)) {
		const struct vlan *tag = at;

		if ((const void *)(tag + 1) > end)
			return XDP_PASS;
		type = tag->type;
		at = tag + 1;
	}
	if (type == bpf_htons(ETH_P_IP))
		return decide4(ctx, at);
	if (type == bpf_htons(ETH_P_IPV6))
		return decide6(ctx, at);
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
