/* SPDX-License-Identifier: BSD-3-Clause */
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <rte_pause.h>
#include <rte_prefetch.h>
#include <stdio.h>
#include <string.h>

#include "dp_live.h"

#define SWEEP_BUCKETS 16
#define SWEEPS        10000 /* a second: a million pins in some seconds */
#define RING_SIZE     4096  /* frames handed over to a worker; a power of two */
#define SEND_TRIES    4
#define PREFETCH      4 /* frames ahead */

int dp_live_make_rings(struct dp_live *live)
{
	live->rings = rte_calloc("turnout_rings", live->workers, sizeof(*live->rings), 0);
	if (!live->rings)
		return -ENOMEM;
	for (unsigned i = 0; live->workers > 1 && i < live->workers; i++) {
		char name[RTE_RING_NAMESIZE];

		snprintf(name, sizeof(name), "handed%u", i);
		live->rings[i] =
			rte_ring_create(name, RING_SIZE, (int)rte_socket_id(), RING_F_SC_DEQ);
		if (!live->rings[i])
			return -rte_errno;
	}
	return 0;
}

static void send_out(struct dp_live_worker *w, unsigned port)
{
	struct dp_port *p = &w->live->port[port];
	uint16_t queue = w->index % p->tx_queues;
	struct rte_mbuf **mbufs = w->out[port].mbufs;
	uint16_t n = w->out[port].n, sent = 0;

	if (p->tx_lock)
		rte_spinlock_lock(&p->tx_lock[queue].taken);
	for (int i = 0; i < SEND_TRIES && sent < n; i++)
		sent += rte_eth_tx_burst(p->id, queue, mbufs + sent, n - sent);
	if (p->tx_lock)
		rte_spinlock_unlock(&p->tx_lock[queue].taken);
	w->out[port].n = 0;
	w->count.sent += sent;
	if (unlikely(sent < n)) {
		w->count.send_full += n - sent;
		rte_pktmbuf_free_bulk(mbufs + sent, n - sent);
	}
}

static inline void put_out(struct dp_live_worker *w, unsigned port, struct rte_mbuf *m)
{
	w->out[port].mbufs[w->out[port].n++] = m;
	if (w->out[port].n == TO_BURST)
		send_out(w, port);
}

/* The frame as the pipeline left it. */
static inline void shape(struct rte_mbuf *m, const struct to_frame *f)
{
	m->data_off = (uint16_t)(f->data - (uint8_t *)m->buf_addr);
	m->data_len = (uint16_t)f->len;
	m->pkt_len = f->len;
}

static void put_kernel(struct dp_live_worker *w, unsigned came_by, struct rte_mbuf *m)
{
	const struct dp_port *p = &w->live->port[came_by];

	if (p->kernel != DP_NO_PORT) {
		w->count.to_kernel++;
		put_out(w, p->kernel, m);
		return;
	}
	if (p->shared)
		w->count.to_kernel++;
	else
		w->count.kernel_drop++;
	rte_pktmbuf_free(m);
}

static inline void dispose(struct dp_live_worker *w, struct to_frame *f)
{
	struct rte_mbuf *m = f->cookie;

	switch (f->egress) {
	case TO_EGRESS_EDGE:
	case TO_EGRESS_OUT:
	case TO_EGRESS_SENDER:
		shape(m, f);
		put_out(w, f->port, m);
		return;
	case TO_EGRESS_KERNEL:
		put_kernel(w, f->port, m);
		return;
	default:
		rte_pktmbuf_free(m);
	}
}

/* The frames that the worker is to decide, in one piece each. */
struct burst {
	unsigned n;
	struct to_frame frame[TO_BURST];
};

static inline void add(struct burst *b, struct rte_mbuf *m, unsigned port, uint8_t zone)
{
	struct to_frame *f = &b->frame[b->n++];

	f->data = rte_pktmbuf_mtod(m, uint8_t *);
	f->len = m->data_len;
	f->zone = zone;
	f->port = (uint8_t)port;
	f->cookie = m;
}

/* As long as there is no table, all of it is the kernel's. */
static void decide(struct dp_live_worker *w, struct burst *b, uint32_t now)
{
	if (unlikely(!to_worker_table(w->pipeline))) {
		for (unsigned i = 0; i < b->n; i++)
			put_kernel(w, b->frame[i].port, b->frame[i].cookie);
		return;
	}
	to_pipeline_run(w->pipeline, b->frame, b->n, now);
	for (unsigned i = 0; i < b->n; i++)
		dispose(w, &b->frame[i]);
}

/* To the worker whose it is. False: it is this one's. */
static inline bool hand_over(struct dp_live_worker *w, struct rte_mbuf *m, unsigned port)
{
	unsigned owner = to_worker_shard(w->pipeline, rte_pktmbuf_mtod(m, uint8_t *), m->data_len,
					 w->live->workers);

	if (owner == w->index)
		return false;
	m->port = (uint16_t)port;
	if (rte_ring_enqueue(w->live->rings[owner], m) == 0) {
		w->count.handed_over++;
	} else {
		w->count.ring_full++;
		rte_pktmbuf_free(m);
	}
	return true;
}

/* What is this worker's of what has come by a port. */
static void take(struct dp_live_worker *w, unsigned port, struct rte_mbuf **mbufs, unsigned n,
		 struct burst *b)
{
	bool shared = w->live->workers > 1 && to_worker_table(w->pipeline);
	uint8_t zone = w->live->port[port].zone;

	for (unsigned i = 0; i < n; i++) {
		struct rte_mbuf *m = mbufs[i];

		if (shared && i + PREFETCH < n)
			rte_prefetch0(rte_pktmbuf_mtod(mbufs[i + PREFETCH], void *));
		if (unlikely(m->nb_segs > 1) && rte_pktmbuf_linearize(m) != 0) {
			w->count.unreadable++;
			rte_pktmbuf_free(m);
		} else if (!shared || !hand_over(w, m, port)) {
			add(b, m, port, zone);
		}
	}
}

static unsigned poll_port(struct dp_live_worker *w, unsigned port, uint32_t now)
{
	struct dp_port *p = &w->live->port[port];
	struct rte_mbuf *mbufs[TO_BURST];
	struct burst b;
	unsigned received;

	if (w->index >= p->rx_queues)
		return 0;
	received = rte_eth_rx_burst(p->id, (uint16_t)w->index, mbufs, TO_BURST);
	if (!received)
		return 0;
	if (!p->zone) { /* from the kernel: out by the port that it is the kernel's side of */
		w->count.from_kernel += received;
		for (unsigned i = 0; i < received; i++)
			put_out(w, p->kernel, mbufs[i]);
		return received;
	}
	w->count.received += received;
	b.n = 0;
	take(w, port, mbufs, received, &b);
	if (b.n)
		decide(w, &b, now);
	return received;
}

static void send_all(struct dp_live_worker *w)
{
	for (unsigned i = 0; i < w->live->ports; i++) {
		if (w->out[i].n)
			send_out(w, i);
	}
}

static unsigned poll_ring(struct dp_live_worker *w, uint32_t now)
{
	struct rte_mbuf *mbufs[TO_BURST];
	unsigned n =
		rte_ring_dequeue_burst(w->live->rings[w->index], (void **)mbufs, TO_BURST, NULL);
	struct burst b;

	b.n = 0;
	for (unsigned i = 0; i < n; i++)
		add(&b, mbufs[i], mbufs[i]->port, w->live->port[mbufs[i]->port].zone);
	if (n)
		decide(w, &b, now);
	return n;
}

/* Once round: everything that there is to do, a burst of each. */
static void go_round(struct dp_live_worker *w)
{
	struct dp_live *live = w->live;
	uint64_t tsc = rte_rdtsc();
	uint32_t now = dp_clock_now(&w->clock, tsc);
	unsigned done = 0;

	w->count.rounds++;
	if (live->sip_rate)
		to_worker_set_nanoseconds(w->pipeline, dp_clock_nanoseconds(&w->clock, tsc));
	dp_generation_turn(&live->generations, w->index, w->pipeline);
	dp_nexthops_turn(&live->nexthops, w->pipeline);
	dp_capture_turn(&live->capture, w->index, w->pipeline);
	for (unsigned i = 0; i < live->ports; i++)
		done += poll_port(w, i, now);
	if (live->workers > 1)
		done += poll_ring(w, now);
	send_all(w);
	if (tsc >= w->next_sweep) {
		w->next_sweep = tsc + rte_get_tsc_hz() / SWEEPS;
		to_pipeline_sweep(w->pipeline, now, SWEEP_BUCKETS);
	}
	if (!done)
		rte_pause();
}

int dp_live_work(void *arg)
{
	struct dp_live_worker *w = arg;

	dp_generation_join(&w->live->generations, w->index);
	while (!__atomic_load_n(&w->live->stop, __ATOMIC_RELAXED))
		go_round(w);
	while (w->live->workers > 1 && poll_ring(w, w->clock.now))
		send_all(w);
	dp_generation_leave(&w->live->generations, w->index);
	return 0;
}
