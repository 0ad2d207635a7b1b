/* SPDX-License-Identifier: BSD-3-Clause */
#include "engine_provoke.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <turnout/table_read.h>
#include <turnout/tcp_reset.h>
#include <unistd.h>

#include "engine_flows.h"

#define NS_PER_S 1000000000ull
#define RATE     1000           /* SYNs a second: a pass over 100,000 connections is 100 s */
#define PIECE    64             /* at once: some hundred microseconds */
#define AGAIN    (5 * NS_PER_S) /* from a pass to the next: what was lost is sent again */
#define PINS     (1u << TO_PIN4 | 1u << TO_PIN6)

void to_provoke_open(struct to_provoke *p)
{
	static const int families[] = {AF_INET, AF_INET6};

	*p = (struct to_provoke){.fd = {-1, -1}};
	for (int i = 0; i < 2; i++) {
		p->fd[i] =
			socket(families[i], SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_RAW);
		if (p->fd[i] < 0)
			p->failed = errno;
	}
}

void to_provoke_close(struct to_provoke *p)
{
	for (int i = 0; i < 2; i++) {
		if (p->fd[i] >= 0)
			close(p->fd[i]);
		p->fd[i] = -1;
	}
}

/* Whatever its numbers are: a SYN is answered by an ACK in every state of a connection. */
static void send_syn(const struct to_provoke *p, const struct to_flow *f)
{
	const struct to_tcp_numbers n = {.flags = TO_TCPF_SYN};
	enum to_family family = to_addr_is_v4(&f->client) ? TO_IP4 : TO_IP6;
	struct sockaddr_in to4 = {.sin_family = AF_INET, .sin_addr.s_addr = f->client.w[3]};
	struct sockaddr_in6 to6 = {.sin6_family = AF_INET6};
	uint8_t packet[TO_IP6_HEADER + TO_TCP_HEADER];
	const struct to_tcp_ends ends = {.from = &f->vip,
					 .to = &f->client,
					 .family = family,
					 .sport = to_net16(f->vip_port),
					 .dport = to_net16(f->client_port)};

	memcpy(&to6.sin6_addr, f->client.b, sizeof(to6.sin6_addr));
	to_put_bare_tcp(packet, &ends, &n);
	/* one that cannot be sent is like one that is lost: there is another pass */
	if (family == TO_IP4)
		(void)!sendto(p->fd[0], packet, TO_IP4_HEADER + TO_TCP_HEADER, 0,
			      (struct sockaddr *)&to4, sizeof(to4));
	else
		(void)!sendto(p->fd[1], packet, TO_IP6_HEADER + TO_TCP_HEADER, 0,
			      (struct sockaddr *)&to6, sizeof(to6));
}

struct pass {
	struct to_provoke *p;
	const struct to_table *table;
	uint32_t now;
	unsigned sent;
};

static int visit(void *arg, const struct to_state_item *item)
{
	struct pass *s = arg;
	struct to_flow f;

	to_flow_of(item, s->table, s->now, &f);
	if (s->p->fd[!to_addr_is_v4(&f.client)] < 0 || f.proto != TO_TCP || !f.proven ||
	    f.edge >= TO_MAX_EDGES || !(s->p->edges >> f.edge & 1) || to_tcp_closing(f.tcp) ||
	    !to_flow_is_good(&f))
		return 0;
	send_syn(s->p, &f);
	s->p->sent++;
	s->p->all++;
	return ++s->sent == PIECE || s->p->sent >= RATE;
}

static uint64_t resetting(const struct to_table *t)
{
	uint64_t edges = 0;

	for (uint32_t i = 0; t && i < to_table_edge_count(t); i++) {
		const struct to_edge *e = &to_table_edges(t)[i];

		if (e->state == TO_EDGE_RESETTING && e->mode == TO_MODE_DNAT)
			edges |= 1ull << i;
	}
	return edges;
}

static bool can(struct to_provoke *p, const struct to_engine *e)
{
	bool all = p->fd[0] >= 0 && p->fd[1] >= 0;

	if (!all && !p->said)
		fprintf(stderr,
			"%s: connections whose clients are silent are reset at their next segment, "
			"for they cannot be made to send one: no raw socket: %s\n",
			e->build, strerror(p->failed));
	p->said = !all;
	return p->fd[0] >= 0 || p->fd[1] >= 0;
}

void to_provoke_step(struct to_provoke *p, const struct to_engine *e, uint64_t now_ns)
{
	const struct to_table *t = e->ops->running(e->arg);
	uint64_t edges = resetting(t), before = p->edges;
	struct pass pass = {.p = p, .table = t, .now = (uint32_t)(now_ns / NS_PER_S)};

	p->edges = edges;
	if (edges & ~before)
		p->due_ns = now_ns; /* at once */
	if (!edges || !can(p, e)) {
		p->edges = 0;
		p->runs = false;
		return;
	}
	if (!p->runs && now_ns < p->due_ns)
		return;
	if (!p->runs) {
		p->at = (struct to_flow_cursor){0};
		p->began_ns = now_ns;
	}
	p->runs = true;
	if (p->second != now_ns / NS_PER_S) {
		p->second = now_ns / NS_PER_S;
		p->sent = 0;
	}
	if (p->sent >= RATE)
		return;
	if (e->ops->walk(e->arg, &p->at, PINS, e->slice, pass.now, visit, &pass) > 0)
		return;
	p->runs = false;
	p->due_ns = now_ns + (now_ns - p->began_ns > AGAIN ? now_ns - p->began_ns : AGAIN);
}

uint64_t to_provoke_due_ns(const struct to_provoke *p, uint64_t now_ns)
{
	if (!p->edges)
		return UINT64_MAX;
	if (!p->runs)
		return p->due_ns;
	return p->sent < RATE || p->second != now_ns / NS_PER_S ? now_ns
								: (p->second + 1) * NS_PER_S;
}
