/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What stands at the other ends of the gateway's links, as XDP programs.
 *
 * peer_pass: nothing, but that there is a program. A veth takes redirected frames only when its
 * peer has one (or GRO, which would put segments together before their ends see them).
 *
 * peer_decap: what an edge behind a tunnel does: the outer header, whichever of the two families,
 * comes off. Not every kernel has the tunnel devices for all four combinations. It is strict: an
 * outer header that is not exactly right is dropped, and so the traffic stands still.
 *
 * peer_lose: redirects what comes to an interface that there is not.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define DEFAULT_TTL 64

SEC("xdp")
int peer_pass(struct xdp_md *ctx)
{
	return XDP_PASS;
}

/* What is inside, by the protocol of a tunnel's header; 0: not a tunnel's. */
static __always_inline __u16 inner_type(__u8 protocol)
{
	return protocol == IPPROTO_IPIP ? ETH_P_IP : protocol == IPPROTO_IPV6 ? ETH_P_IPV6 : 0;
}

static __always_inline __u32 sum16(const void *at, int words)
{
	const __u16 *p = at;
	__u32 sum = 0;

	for (int i = 0; i < words; i++)
		sum += p[i];
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 0xffff) + (sum >> 16);
}

/* `rest`: bytes of the frame from the outer header on. */
static __always_inline int good4(const struct iphdr *ip, __u32 rest)
{
	return ip->version == 4 && ip->ihl == 5 && sum16(ip, sizeof(*ip) / 2) == 0xffff &&
	       bpf_ntohs(ip->tot_len) == rest && ip->ttl == DEFAULT_TTL &&
	       !(ip->frag_off & bpf_htons(0x3fff));
}

static __always_inline int good6(const struct ipv6hdr *ip, __u32 rest)
{
	return ip->version == 6 && bpf_ntohs(ip->payload_len) + sizeof(*ip) == rest &&
	       ip->hop_limit == DEFAULT_TTL;
}

static __always_inline int strip(struct xdp_md *ctx, int bytes, __u16 type)
{
	struct ethhdr *eth = (void *)(long)ctx->data, was;

	if ((void *)(eth + 1) > (void *)(long)ctx->data_end)
		return XDP_DROP;
	was = *eth;
	if (bpf_xdp_adjust_head(ctx, bytes))
		return XDP_DROP;
	eth = (void *)(long)ctx->data;
	if ((void *)(eth + 1) > (void *)(long)ctx->data_end)
		return XDP_DROP;
	*eth = was;
	eth->h_proto = bpf_htons(type);
	return XDP_PASS;
}

SEC("xdp")
int peer_decap(struct xdp_md *ctx)
{
	void *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = (void *)(long)ctx->data;
	struct ipv6hdr *ip6 = (void *)(eth + 1);
	struct iphdr *ip4 = (void *)(eth + 1);
	__u32 rest = end - (void *)(eth + 1);
	__u16 type;

	if ((void *)(ip4 + 1) > end)
		return XDP_PASS;
	if (eth->h_proto == bpf_htons(ETH_P_IP)) {
		type = inner_type(ip4->protocol);
		if (!type)
			return XDP_PASS;
		return good4(ip4, rest) ? strip(ctx, sizeof(*ip4), type) : XDP_DROP;
	}
	if (eth->h_proto != bpf_htons(ETH_P_IPV6) || (void *)(ip6 + 1) > end)
		return XDP_PASS;
	type = inner_type(ip6->nexthdr);
	if (!type)
		return XDP_PASS;
	return good6(ip6, rest) ? strip(ctx, sizeof(*ip6), type) : XDP_DROP;
}

SEC("xdp")
int peer_lose(struct xdp_md *ctx)
{
	return (int)bpf_redirect(1u << 30, 0);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
