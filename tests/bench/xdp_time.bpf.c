/* SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only) */
/*
 * Times an XDP program packet by packet, in a test run that repeats: the kernel hands the buffer of
 * the run before to the next one, as the program has left it. So this wrapper makes the frame anew,
 * for another flow, calls the program, judges what it did, and takes out what it put in front. The
 * first run of a sample only makes the frame. What the wrapper itself costs is known by timing it
 * around a program that does nothing. All samples are one test run, for to begin and to end one
 * takes the kernel a grace period each.
 */
#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "xdp_time.h"

#define ETHERNET 14
#define IP4      20

struct time_setup setup[TIME_TURNS];
struct time_run now;
__u8 edge_of[TIME_FLOWS];

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, TIME_TARGETS);
	__type(key, __u32);
	__type(value, __u32);
} targets SEC(".maps");

/* A permutation of 0 to mask: each step can be undone. */
static __always_inline __u32 shuffle(__u32 i, __u32 mask)
{
	i &= mask;
	i ^= i >> 7;
	i = (i * 0x2c1b3c6d + 0x297a) & mask;
	i ^= i >> 5;
	i = i * 0x297a2d39 & mask;
	i ^= i >> 8;
	return i;
}

static __always_inline __u16 fold(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (__u16) ~((sum & 0xffff) + (sum >> 16));
}

/* The next flow's frame into the buffer. */
static __always_inline void put(struct xdp_md *x, struct time_setup *s)
{
	__u64 *p = (void *)(long)x->data;
	__u32 flow = shuffle(s->visit++, s->mask);
	__u32 client = bpf_htonl(s->client + flow);

	now.flow = flow;
	if ((void *)p + TIME_HEAD > (void *)(long)x->data_end)
		return;
	p[0] = s->head[0];
	p[1] = s->head[1];
	p[2] = s->head[2];
	/* checksum, source, and half of the destination */
	p[3] = s->head[3] | (__u64)client << 16 | fold(s->sum + (client & 0xffff) + (client >> 16));
	p[4] = s->head[4];
	p[5] = s->head[5];
	p[6] = s->head[6];
}

/* Has the packet gone where it had to? */
static __always_inline void judge(struct xdp_md *x, const struct time_setup *s, int verdict)
{
	const __u8 *p = (void *)(long)x->data;
	__u32 edge = edge_of[now.flow & (TIME_FLOWS - 1)] & s->edges & (TIME_EDGES - 1);

	if (p + TIME_DST + 4 > (const __u8 *)(long)x->data_end || verdict != s->verdict ||
	    *(const __u32 *)(p + TIME_DST) != s->edge[edge])
		now.wrong++;
}

/* Global, so that the verdict comes back here from whatever is called. */
__attribute__((noinline)) int call(struct xdp_md *x, __u32 target)
{
	volatile int ret = -1; /* nothing is known of it */

	bpf_tail_call(x, &targets, target);
	return ret;
}

SEC("xdp")
int bench_time(struct xdp_md *x)
{
	struct time_setup *s = &setup[now.sample & (TIME_TURNS - 1)];

	if (!now.run) {
		put(x, s);
		now.run = 1;
		now.begin = bpf_ktime_get_ns();
		return XDP_PASS;
	}
	judge(x, s, call(x, s->target));
	if (s->moves && bpf_xdp_adjust_head(x, (int)s->cut))
		now.wrong++;
	put(x, s);
	if (now.run++ == now.packets) {
		now.took[now.sample++ & (TIME_SAMPLES * TIME_TURNS - 1)] =
			bpf_ktime_get_ns() - now.begin;
		now.run = 0;
	}
	return XDP_PASS;
}

/* Nothing is done, and the right verdict given: what is left is the wrapper. */
SEC("xdp")
int bench_tx(struct xdp_md *x)
{
	return XDP_TX;
}

SEC("xdp")
int bench_pass(struct xdp_md *x)
{
	return XDP_PASS;
}

/* The yardstick: IPv4 in IPv4 to one edge, always, without any look-up. */
SEC("xdp")
int bench_encap(struct xdp_md *x)
{
	__u8 *p = (void *)(long)x->data;
	const __u8 *end = (void *)(long)x->data_end;
	__u64 mac;
	__u32 sum;
	__u16 total;

	if (p + ETHERNET + IP4 > end || *(__u16 *)(p + 12) != bpf_htons(0x0800))
		return XDP_PASS;
	total = bpf_htons(bpf_ntohs(*(__u16 *)(p + ETHERNET + 2)) + IP4);
	if (bpf_xdp_adjust_head(x, -IP4))
		return XDP_DROP;
	p = (void *)(long)x->data;
	end = (void *)(long)x->data_end;
	if (p + ETHERNET + IP4 > end)
		return XDP_DROP;
	mac = 0x000200e000000002;
	*(__u64 *)p = mac;
	*(__u32 *)(p + 8) = 0x01000000;
	*(__u16 *)(p + 12) = bpf_htons(0x0800);
	p += ETHERNET;
	*(__u16 *)p = bpf_htons(0x4500);
	*(__u16 *)(p + 2) = total;
	*(__u32 *)(p + 4) = bpf_htonl(0x4000);
	*(__u16 *)(p + 8) = bpf_htons(0x4004);
	*(__u32 *)(p + 12) = bpf_htonl(0x0a000001);
	*(__u32 *)(p + 16) = bpf_htonl(0x0a010005);
	sum = bpf_htons(0x4500) + total + bpf_htons(0x4000) + bpf_htons(0x4004) +
	      bpf_htons(0x0a00) + bpf_htons(0x0001) + bpf_htons(0x0a01) + bpf_htons(0x0005);
	*(__u16 *)(p + 10) = fold(sum);
	return XDP_TX;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
