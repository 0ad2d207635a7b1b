/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Both ends of a benchmark's wire. peers_send is run by the kernel's test run with live frames: it
 * writes the next flow's headers and redirects. peers_sink (XDP) and peers_sink_tc drop what has
 * come, and count.
 *
 * While `learning`, the far end checks a frame for itself, to its last checksum, and keeps its
 * headers; afterwards every frame of the flow must have exactly these.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "peers.h"

struct heads {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, PEERS_FLOWS);
	__type(key, __u32);
	__type(value, struct peers_head);
};

struct heads to_send SEC(".maps"), seen SEC(".maps");

/* peers_send's. `ahead`: frames that may be on their way. */
__u32 flows = 1, window = PEERS_BATCH, ahead = 2 * PEERS_BATCH;
__u32 out_ifindex, next, waits, marked;
__u64 tried, sent; /* frames that were not sent because of `ahead` are in the first only */
struct peers_mark marks[PEERS_MARKS];
__u32 learning, answers, length, ttl; /* the far end; `answers`: clients are destinations */
volatile struct peers_count counts[PEERS_CPUS];

static __always_inline __u64 arrived(void)
{
	__u64 sum = 0;

	for (int i = 0; i < PEERS_CPUS; i++)
		sum += counts[i].arrived + counts[i].wrong;
	return sum;
}

static __always_inline void mark(void)
{
	struct peers_mark *m = &marks[marked & (PEERS_MARKS - 1)];

	*m = (struct peers_mark){bpf_ktime_get_ns(), tried, sent, arrived()};
	if (marked < PEERS_MARKS - 1)
		marked++;
}

/* A batch at a time goes or does not. */
static __always_inline int must_wait(void)
{
	__u64 n = tried++;

	if (n % PEERS_BATCH)
		return waits;
	if (!(n % window))
		mark();
	waits = ahead == PEERS_NONE || sent - arrived() > ahead;
	return waits;
}

SEC("xdp")
int peers_send(struct xdp_md *x)
{
	unsigned char *p = (void *)(long)x->data;
	__u32 i = next;
	const struct peers_head *h;

	if (must_wait())
		return XDP_DROP;
	h = bpf_map_lookup_elem(&to_send, &i);
	next = i + 1 < flows ? i + 1 : 0;
	if (!h || p + PEERS_HEAD > (unsigned char *)(long)x->data_end)
		return XDP_ABORTED;
	__builtin_memcpy(p, h->bytes, PEERS_HEAD);
	sent++;
	return (int)bpf_redirect(out_ifindex, 0);
}

static __always_inline __u32 folded(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 0xffff) + (sum >> 16);
}

/* UDP's checksum, over what is there of the datagram. */
static __always_inline int is_whole(const struct iphdr *ip, const struct udphdr *udp,
				    const void *end)
{
	const __u16 *w = (const void *)&ip->saddr;
	__u32 sum = bpf_htons(IPPROTO_UDP) + udp->len;

	for (int i = 0; i < PEERS_MAX_FRAME / 2; i++) {
		if ((const void *)(w + i + 1) > end)
			break;
		sum += w[i];
	}
	return folded(sum) == 0xffff;
}

static __always_inline int is_own(__u32 addr)
{
	return answers ? addr == PEERS_VIP
		       : addr >= PEERS_EDGES && addr < PEERS_EDGES + PEERS_EDGE_COUNT;
}

/* A frame that is right by itself. */
static __always_inline int is_right(const struct ethhdr *eth, __u32 i, const void *end)
{
	const struct iphdr *ip = (const void *)(eth + 1);
	const struct udphdr *udp = (const void *)(ip + 1);
	const __u16 *w = (const void *)ip;
	__u16 port = bpf_htons(PEERS_VIP_PORT + i % PEERS_VIP_PORTS);
	__u16 client = bpf_htons(PEERS_CLIENT_PORT);
	__u32 sum = 0;

	for (int n = 0; n < (int)sizeof(*ip) / 2; n++)
		sum += w[n];
	return ip->ihl == 5 && ip->version == 4 && ip->protocol == IPPROTO_UDP && ip->ttl == ttl &&
	       folded(sum) == 0xffff && is_own(bpf_ntohl(answers ? ip->saddr : ip->daddr)) &&
	       udp->source == (answers ? port : client) && udp->dest == (answers ? client : port) &&
	       is_whole(ip, udp, end);
}

static __always_inline int is_same(const unsigned char *a, const unsigned char *b)
{
	__u64 differ = *(const __u16 *)(a + 40) ^ *(const __u16 *)(b + 40);

	for (int i = 0; i < 40; i += 8)
		differ |= *(const __u64 *)(a + i) ^ *(const __u64 *)(b + i);
	return !differ;
}

/* 0: not one of ours. 1: right. -1: wrong. */
static __always_inline int judge(const unsigned char *p, const unsigned char *end)
{
	const struct ethhdr *eth = (const void *)p;
	const struct iphdr *ip = (const void *)(eth + 1);
	struct peers_head *h;
	__u32 i;

	if (p + PEERS_HEAD > end || eth->h_proto != bpf_htons(ETH_P_IP))
		return 0;
	i = bpf_ntohl(answers ? ip->daddr : ip->saddr) - PEERS_CLIENTS;
	h = bpf_map_lookup_elem(&seen, &i);
	if (!h)
		return 0;
	if (end - p != length)
		return -1;
	if (!learning)
		return h->known && is_same(h->bytes, p) ? 1 : -1;
	if (!is_right(eth, i, end))
		return -1;
	__builtin_memcpy(h->bytes, p, PEERS_HEAD);
	h->known = 1;
	return 1;
}

/* True: the frame was one of ours. */
static __always_inline int take(const unsigned char *p, const unsigned char *end)
{
	volatile struct peers_count *c = &counts[bpf_get_smp_processor_id() & (PEERS_CPUS - 1)];
	int is = judge(p, end);

	if (is == 1)
		c->arrived++;
	else if (is == -1)
		c->wrong++;
	return is;
}

SEC("xdp")
int peers_sink(struct xdp_md *x)
{
	return take((void *)(long)x->data, (void *)(long)x->data_end) ? XDP_DROP : XDP_PASS;
}

SEC("tc")
int peers_sink_tc(struct __sk_buff *b)
{
	return take((void *)(long)b->data, (void *)(long)b->data_end) ? TC_ACT_SHOT : TC_ACT_OK;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
