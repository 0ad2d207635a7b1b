/* SPDX-License-Identifier: BSD-3-Clause */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/ip.h>
#include <linux/udp.h>
#include <net/if.h>
#include <netinet/ether.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "peers_wire.h"

#define LEARN_CHUNK 512
#define LEARN_TIMES 50
#define PATIENCE_NS 2000000000ull
#define SENT_TTL    64

void peers_fail(const char *what, int error)
{
	fprintf(stderr, "bench_peers: %s: %s\n", what, strerror(error < 0 ? -error : error));
	exit(1);
}

static void go_to(const struct peers_side *s)
{
	if (setns(s->netns, CLONE_NEWNET))
		peers_fail("setns", errno);
}

void peers_side_open(struct peers_side *s, const char *netns, const char *interface,
		     const char *mac)
{
	struct ether_addr to;

	s->netns = open(netns, O_RDONLY | O_CLOEXEC);
	if (s->netns < 0)
		peers_fail(netns, errno);
	go_to(s);
	s->ifindex = if_nametoindex(interface);
	if (!s->ifindex)
		peers_fail(interface, errno);
	if (!ether_aton_r(mac, &to))
		peers_fail(mac, EINVAL);
	memcpy(s->to, &to, ETH_ALEN);
}

static void attach(const struct peers_way *way, bool tc)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)way->at->ifindex,
		    .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .prog_fd = bpf_program__fd(way->bpf->progs.peers_sink_tc));
	int ret;

	go_to(way->at);
	if (!tc) {
		ret = bpf_xdp_attach((int)way->at->ifindex,
				     bpf_program__fd(way->bpf->progs.peers_sink),
				     XDP_FLAGS_DRV_MODE, NULL);
	} else {
		ret = bpf_tc_hook_create(&hook);
		if (!ret || ret == -EEXIST)
			ret = bpf_tc_attach(&hook, &opts);
	}
	if (ret)
		peers_fail("the far end's program", ret);
}

static void way_open(struct peers_way *way, const struct peers_wire *w, bool answers)
{
	way->from = answers ? &w->edge : &w->client;
	way->at = answers ? &w->client : &w->edge;
	way->bpf = peers_bpf__open_and_load();
	if (!way->bpf)
		peers_fail("the BPF programs", errno);
	way->bpf->bss->out_ifindex = way->from->ifindex;
	way->bpf->data->flows = w->flows;
	way->bpf->bss->answers = answers;
	way->bpf->bss->length = w->length;
	way->bpf->bss->ttl = w->ttl;
	attach(way, w->tc);
}

static unsigned sum_of(const void *p, unsigned len)
{
	const unsigned char *b = p;
	unsigned sum = 0;

	for (unsigned i = 0; i < len; i += 2)
		sum += (unsigned)b[i] << 8 | (i + 1 < len ? b[i + 1] : 0);
	return sum;
}

static unsigned short checksum(unsigned sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return htons((unsigned short)~sum);
}

/* The headers before w->frame's payload; ports and addresses in host order. */
static void put_head(struct peers_wire *w, const unsigned char *to, unsigned src, unsigned dst,
		     unsigned short sport, unsigned short dport)
{
	struct ethhdr *eth = (void *)w->frame;
	struct iphdr *ip = (void *)(eth + 1);
	struct udphdr *udp = (void *)(ip + 1);
	unsigned len = w->length - ETH_HLEN, udp_len = len - sizeof(*ip);

	memcpy(eth->h_dest, to, ETH_ALEN);
	memcpy(eth->h_source, "\x02\0\0\0\0\x99", ETH_ALEN);
	eth->h_proto = htons(ETH_P_IP);
	*ip = (struct iphdr){.version = 4,
			     .ihl = 5,
			     .tot_len = htons((unsigned short)len),
			     .frag_off = htons(0x4000),
			     .ttl = SENT_TTL,
			     .protocol = IPPROTO_UDP,
			     .saddr = htonl(src),
			     .daddr = htonl(dst)};
	ip->check = checksum(sum_of(ip, sizeof(*ip)));
	*udp = (struct udphdr){.source = htons(sport),
			       .dest = htons(dport),
			       .len = htons((unsigned short)udp_len)};
	udp->check = checksum(sum_of(&ip->saddr, 8) + IPPROTO_UDP + udp_len + sum_of(udp, udp_len));
}

static void put(const struct peers_wire *w, const struct peers_way *way, unsigned flow)
{
	struct peers_head h = {0};

	memcpy(h.bytes, w->frame, PEERS_HEAD);
	if (bpf_map_update_elem(bpf_map__fd(way->bpf->maps.to_send), &flow, &h, BPF_ANY))
		peers_fail("a flow's headers", errno);
}

static unsigned short vip_port(unsigned flow)
{
	return (unsigned short)(PEERS_VIP_PORT + flow % PEERS_VIP_PORTS);
}

static void put_request(struct peers_wire *w, unsigned flow)
{
	put_head(w, w->client.to, PEERS_CLIENTS + flow, w->direct ? PEERS_EDGES : PEERS_VIP,
		 PEERS_CLIENT_PORT, vip_port(flow));
	put(w, &w->requests, flow);
}

/* By the edge that the request has come to. */
static void put_answer(struct peers_wire *w, unsigned flow)
{
	const struct iphdr *ip;
	struct peers_head h;

	if (bpf_map_lookup_elem(bpf_map__fd(w->requests.bpf->maps.seen), &flow, &h) || !h.known)
		peers_fail("a request has not come, or not as it should", ENOENT);
	ip = (const void *)(h.bytes + ETH_HLEN);
	put_head(w, w->edge.to, w->direct ? PEERS_VIP : ntohl(ip->daddr), PEERS_CLIENTS + flow,
		 vip_port(flow), PEERS_CLIENT_PORT);
	put(w, &w->answers, flow);
}

void peers_wire_open(struct peers_wire *w)
{
	w->direct = w->ttl == SENT_TTL;
	for (unsigned i = PEERS_HEAD; i < w->length; i++)
		w->frame[i] = (unsigned char)(i * 151);
	way_open(&w->requests, w, false);
	way_open(&w->answers, w, true);
	for (unsigned i = 0; i < w->flows; i++)
		put_request(w, i);
}

void peers_send(struct peers_wire *w, const struct peers_way *way, unsigned n)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = w->frame, .data_size_in = w->length,
		    .repeat = (int)n, .batch_size = PEERS_BATCH,
		    .flags = BPF_F_TEST_XDP_LIVE_FRAMES);
	int ret;

	go_to(way->from);
	ret = bpf_prog_test_run_opts(bpf_program__fd(way->bpf->progs.peers_send), &opts);
	if (ret)
		peers_fail("the test run with live frames", ret);
}

struct peers_count peers_counted(const struct peers_way *way)
{
	const volatile struct peers_count *c = way->bpf->bss->counts;
	struct peers_count sum = {0};

	for (unsigned i = 0; i < PEERS_CPUS; i++) {
		sum.arrived += c[i].arrived;
		sum.wrong += c[i].wrong;
	}
	return sum;
}

static unsigned long long now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (unsigned long long)t.tv_sec * 1000000000ull + (unsigned long long)t.tv_nsec;
}

void peers_settle(const struct peers_way *way)
{
	unsigned long long before = 0, still = now_ns();

	for (;;) {
		struct peers_count c = peers_counted(way);
		unsigned long long now = now_ns();

		if (c.arrived + c.wrong >= way->bpf->bss->sent || now > still + PATIENCE_NS)
			return;
		if (c.arrived + c.wrong != before)
			still = now;
		before = c.arrived + c.wrong;
	}
}

/* All of them, though the sender has to wait, or gives up. */
static void send_all(struct peers_wire *w, const struct peers_way *way, unsigned n)
{
	unsigned long long end = way->bpf->bss->sent + n;

	for (int i = 0; i < LEARN_TIMES && way->bpf->bss->sent < end; i++) {
		peers_send(w, way, (unsigned)(end - way->bpf->bss->sent));
		peers_settle(way);
	}
}

void peers_learn(struct peers_wire *w)
{
	struct peers_bpf__bss *requests = w->requests.bpf->bss, *answers = w->answers.bpf->bss;

	requests->learning = answers->learning = 1;
	requests->next = answers->next = 0;
	for (unsigned first = 0; first < w->flows; first += LEARN_CHUNK) {
		unsigned n = w->flows - first < LEARN_CHUNK ? w->flows - first : LEARN_CHUNK;

		send_all(w, &w->requests, n);
		for (unsigned i = first; i < first + n; i++)
			put_answer(w, i);
		send_all(w, &w->answers, n);
	}
	requests->learning = answers->learning = 0;
}
