/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Both ends of a benchmark's wire. peers_send is run by the kernel's test run with live frames: it
 * writes the next flow's headers and redirects. peers_sink (XDP) and peers_sink_tc drop what has
 * come, and count.
 *
 * While `learning`, the far end checks a frame for itself, to its last checksum, and keeps how it
 * begins; otherwise every frame of the flow must begin exactly so. With `echo` peers_sink sends a
 * request back as its flow's answer.
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
struct heads replies SEC(".maps"); /* what the other way sends; shared with it, as is `home` */

/* Answers that have come back, of frames that were echoed. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} home SEC(".maps");

/* peers_send's. `ahead`: frames that may be on their way. */
__u32 flows = 1, window = PEERS_BATCH, ahead = 2 * PEERS_BATCH, batch = PEERS_BATCH;
__u32 out_ifindex, next, waits, marked;
__u64 tried, sent; /* frames that were not sent because of `ahead` are in the first only */
struct peers_mark marks[PEERS_MARKS];
/* The far end's. `answers`: clients are destinations. */
__u32 learning, answers, length, ttl, protocol;
__u32 client_port = PEERS_CLIENT_PORT, vip_port = PEERS_VIP_PORT, vip_ports = 1;
volatile struct peers_count counts[PEERS_CPUS];
/* Frames are sent back, and timed, one after the other. */
__u32 echo;
__u64 last;
__u64 stamps[PEERS_STAMPS];

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

static __always_inline __u64 *all_home(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&home, &zero);
}

static __always_inline int is_ahead(void)
{
	const __u64 *n = echo ? all_home() : 0;

	if (n && sent == last)
		return 1;
	return n ? sent != *(const volatile __u64 *)n : sent - arrived() > ahead;
}

/* A batch at a time goes or does not. */
static __always_inline int must_wait(void)
{
	__u64 n = tried++;

	if (n % batch)
		return waits;
	if (!(n % window))
		mark();
	waits = ahead == PEERS_NONE || is_ahead();
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
	if (echo)
		stamps[sent & (PEERS_STAMPS - 1)] = bpf_ktime_get_ns();
	sent++;
	return (int)bpf_redirect(out_ifindex, 0);
}

static __always_inline __u32 folded(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 0xffff) + (sum >> 16);
}

/* The checksum of UDP or TCP, over what is there. */
static __always_inline int is_whole(const struct iphdr *ip, const void *end)
{
	const __u16 *w = (const void *)&ip->saddr;
	__u32 sum = bpf_htons(ip->protocol) + bpf_htons(bpf_ntohs(ip->tot_len) - sizeof(*ip));

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

/* Lengths, or sequence numbers and flags. */
static __always_inline int is_as_sent(const unsigned char *p, __u32 i)
{
	const struct peers_head *h = bpf_map_lookup_elem(&to_send, &i);

	if (!h)
		return 0;
	if (protocol == IPPROTO_UDP)
		return *(const __u16 *)(p + 38) == *(const __u16 *)(h->bytes + 38);
	return *(const __u64 *)(p + 38) == *(const __u64 *)(h->bytes + 38) &&
	       *(const __u32 *)(p + 46) == *(const __u32 *)(h->bytes + 46);
}

/* A frame that is right by itself. */
static __always_inline int is_right(const unsigned char *p, __u32 i, const void *end)
{
	const struct iphdr *ip = (const void *)(p + sizeof(struct ethhdr));
	const struct udphdr *ports = (const void *)(ip + 1); /* TCP's are in the same place */
	const __u16 *w = (const void *)ip;
	__u16 port = bpf_htons(vip_port + i % vip_ports);
	__u16 client = bpf_htons(client_port);
	__u32 sum = 0;

	for (int n = 0; n < (int)sizeof(*ip) / 2; n++)
		sum += w[n];
	return ip->ihl == 5 && ip->version == 4 && ip->protocol == protocol && ip->ttl == ttl &&
	       folded(sum) == 0xffff && is_own(bpf_ntohl(answers ? ip->saddr : ip->daddr)) &&
	       ports->source == (answers ? port : client) &&
	       ports->dest == (answers ? client : port) && is_as_sent(p, i) && is_whole(ip, end);
}

static __always_inline int is_same(const unsigned char *a, const unsigned char *b)
{
	__u64 differ = *(const __u32 *)(a + 56) ^ *(const __u32 *)(b + 56);

	for (int i = 0; i < 56; i += 8)
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
	if (!is_right(p, i, end))
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

/* Back, as the answer of the frame's flow; or it has come back. */
static __always_inline int turn(unsigned char *p, const unsigned char *end, __u32 ifindex)
{
	const struct iphdr *ip = (const void *)(p + sizeof(struct ethhdr));
	__u64 *n = all_home();
	struct peers_head *h;
	__u32 i;

	if (!n || p + PEERS_HEAD > end)
		return XDP_DROP;
	if (answers) {
		stamps[*n & (PEERS_STAMPS - 1)] = bpf_ktime_get_ns();
		*(volatile __u64 *)n = *n + 1;
		return XDP_DROP;
	}
	i = bpf_ntohl(ip->saddr) - PEERS_CLIENTS;
	h = bpf_map_lookup_elem(&replies, &i);
	if (!h)
		return XDP_DROP;
	__builtin_memcpy(p, h->bytes, PEERS_HEAD);
	return (int)bpf_redirect(ifindex, 0);
}

SEC("xdp")
int peers_sink(struct xdp_md *x)
{
	unsigned char *p = (void *)(long)x->data, *end = (void *)(long)x->data_end;
	int is = take(p, end);

	if (is == 1 && echo)
		return turn(p, end, x->ingress_ifindex);
	return is ? XDP_DROP : XDP_PASS;
}

SEC("tc")
int peers_sink_tc(struct __sk_buff *b)
{
	return take((void *)(long)b->data, (void *)(long)b->data_end) ? TC_ACT_SHOT : TC_ACT_OK;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
