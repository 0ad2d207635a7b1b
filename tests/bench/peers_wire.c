/* SPDX-License-Identifier: BSD-3-Clause */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/ip.h>
#include <linux/tcp.h>
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
/* Options as most have them: two of nothing, and time stamps. Routers cut padding off. */
#define STAMPS     "\1\1\x8\xa\0\0\0\1\0\0\0\1"
#define TCP_HEADER (sizeof(struct tcphdr) + sizeof(STAMPS) - 1)
#define SENT_TTL   64

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

static void share(struct bpf_map *map, const struct bpf_map *with)
{
	if (bpf_map__reuse_fd(map, bpf_map__fd(with)))
		peers_fail("a shared map", errno);
}

static void way_open(struct peers_way *way, const struct peers_wire *w,
		     const struct peers_bpf *requests)
{
	way->from = requests ? &w->edge : &w->client;
	way->at = requests ? &w->client : &w->edge;
	way->bpf = peers_bpf__open();
	if (!way->bpf)
		peers_fail("the BPF programs", errno);
	if (requests) {
		share(way->bpf->maps.to_send, requests->maps.replies);
		share(way->bpf->maps.home, requests->maps.home);
	}
	if (peers_bpf__load(way->bpf))
		peers_fail("the BPF programs", errno);
	way->bpf->bss->out_ifindex = way->from->ifindex;
	way->bpf->data->flows = w->flows;
	way->bpf->bss->answers = !!requests;
	way->bpf->bss->length = w->length;
	way->bpf->bss->ttl = w->ttl;
	way->bpf->bss->protocol = w->tcp ? IPPROTO_TCP : IPPROTO_UDP;
	way->bpf->data->vip_port = w->tcp ? PEERS_TCP_PORT : PEERS_VIP_PORT;
	way->bpf->data->vip_ports = w->tcp ? 1 : PEERS_VIP_PORTS;
	way->bpf->bss->learning = w->tcp;
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

/* Ethernet and IPv4 of w->frame; addresses in host order. Returns how long the rest is. */
static unsigned put_ip(struct peers_wire *w, const unsigned char *to, unsigned src, unsigned dst,
		       unsigned rest)
{
	struct ethhdr *eth = (void *)w->frame;
	struct iphdr *ip = (void *)(eth + 1);

	memcpy(eth->h_dest, to, ETH_ALEN);
	memcpy(eth->h_source, "\x02\0\0\0\0\x99", ETH_ALEN);
	eth->h_proto = htons(ETH_P_IP);
	*ip = (struct iphdr){.version = 4,
			     .ihl = 5,
			     .tot_len = htons((unsigned short)(sizeof(*ip) + rest)),
			     .frag_off = htons(0x4000),
			     .ttl = SENT_TTL,
			     .protocol = w->tcp ? IPPROTO_TCP : IPPROTO_UDP,
			     .saddr = htonl(src),
			     .daddr = htonl(dst)};
	ip->check = checksum(sum_of(ip, sizeof(*ip)));
	return sum_of(&ip->saddr, 8) + ip->protocol + rest;
}

static void put_udp(struct peers_wire *w, unsigned pseudo, unsigned short sport,
		    unsigned short dport)
{
	unsigned len = w->length - ETH_HLEN - sizeof(struct iphdr);
	struct udphdr *udp = (void *)(w->frame + ETH_HLEN + sizeof(struct iphdr));

	*udp = (struct udphdr){
		.source = htons(sport), .dest = htons(dport), .len = htons((unsigned short)len)};
	udp->check = checksum(pseudo + sum_of(udp, len));
	if (!udp->check) /* which means that there is none */
		udp->check = 0xffff;
}

static void put_tcp(struct peers_wire *w, unsigned pseudo, unsigned short sport,
		    unsigned short dport, const struct peers_segment *s)
{
	struct tcphdr *tcp = (void *)(w->frame + ETH_HLEN + sizeof(struct iphdr));

	*tcp = (struct tcphdr){.source = htons(sport),
			       .dest = htons(dport),
			       .seq = htonl(s->seq),
			       .ack_seq = htonl(s->ack),
			       .window = htons(8192)};
	tcp_flag_word(tcp) |= s->flags | htonl(TCP_HEADER / 4u << 28);
	memcpy(tcp + 1, STAMPS, sizeof(STAMPS) - 1);
	memset((char *)tcp + TCP_HEADER, 'x', s->bytes);
	tcp->check = checksum(pseudo + sum_of(tcp, TCP_HEADER + s->bytes));
}

/* Of the client's side, or of the edge's that `edge` is, in host order. */
static void put(struct peers_wire *w, const struct peers_way *way, unsigned flow, unsigned edge,
		const struct peers_segment *s)
{
	bool answers = way == &w->answers;
	unsigned client = PEERS_CLIENTS + flow, vip = answers ? edge : PEERS_VIP;
	unsigned rest = w->length - ETH_HLEN - sizeof(struct iphdr);
	const struct peers_bpf__data *d = way->bpf->data;
	unsigned short port = (unsigned short)(d->vip_port + flow % d->vip_ports);
	unsigned short from = (unsigned short)d->client_port;
	struct peers_head h = {0};
	unsigned pseudo;

	if (w->direct)
		vip = answers ? PEERS_VIP : PEERS_EDGES;
	pseudo = put_ip(w, way->from->to, answers ? vip : client, answers ? client : vip, rest);
	if (s)
		put_tcp(w, pseudo, answers ? port : from, answers ? from : port, s);
	else
		put_udp(w, pseudo, answers ? port : from, answers ? from : port);
	memcpy(h.bytes, w->frame, PEERS_HEAD);
	if (bpf_map_update_elem(bpf_map__fd(way->bpf->maps.to_send), &flow, &h, BPF_ANY))
		peers_fail("a flow's frame", errno);
}

/* Where a flow's last request has come to. */
static unsigned edge_of(const struct peers_wire *w, unsigned flow)
{
	const struct iphdr *ip;
	struct peers_head h;

	if (bpf_map_lookup_elem(bpf_map__fd(w->requests.bpf->maps.seen), &flow, &h) || !h.known)
		peers_fail("a request has not come, or not as it should", ENOENT);
	ip = (const void *)(h.bytes + ETH_HLEN);
	return ntohl(ip->daddr);
}

void peers_put_segments(struct peers_wire *w, const struct peers_way *way,
			const struct peers_segment *segment)
{
	bool answers = way == &w->answers;

	w->length = ETH_HLEN + sizeof(struct iphdr) + TCP_HEADER + segment->bytes;
	way->bpf->bss->length = w->length;
	way->bpf->bss->next = 0;
	for (unsigned i = 0; i < w->flows; i++)
		put(w, way, i, answers ? edge_of(w, i) : 0, segment);
}

void peers_wire_open(struct peers_wire *w)
{
	w->direct = w->ttl == SENT_TTL;
	for (unsigned i = ETH_HLEN + sizeof(struct iphdr) + sizeof(struct udphdr); i < w->length;
	     i++)
		w->frame[i] = (unsigned char)(i * 151);
	way_open(&w->requests, w, NULL);
	way_open(&w->answers, w, w->requests.bpf);
	for (unsigned i = 0; !w->tcp && i < w->flows; i++)
		put(w, &w->requests, i, 0, NULL);
}

void peers_send(struct peers_wire *w, const struct peers_way *way, unsigned n, unsigned batch)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = w->frame, .data_size_in = w->length,
		    .repeat = (int)n, .batch_size = batch, .flags = BPF_F_TEST_XDP_LIVE_FRAMES);
	int ret;

	way->bpf->data->batch = batch;
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
		peers_send(w, way, (unsigned)(end - way->bpf->bss->sent), PEERS_BATCH);
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
			put(w, &w->answers, i, edge_of(w, i), NULL);
		send_all(w, &w->answers, n);
	}
	requests->learning = answers->learning = 0;
}
