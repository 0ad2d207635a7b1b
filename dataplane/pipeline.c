/* SPDX-License-Identifier: BSD-3-Clause */
/* Burst in, prefetch, decide, rewrite, burst out. */
#include "pipeline.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <turnout/rewrite.h>

#include "capture_ring.h"
#include "quick.h"

#define FURTHER 16 /* frames ahead of the one that is decided: 0.2 us */

struct to_worker *to_worker_new(struct to_state *state, unsigned index,
				const struct to_nexthops *nexthops)
{
	struct to_worker *w = aligned_alloc(64, sizeof(*w));

	if (!w)
		return NULL;
	memset(w, 0, sizeof(*w));
	w->packets = aligned_alloc(64, (sizeof(*w->packets) * TO_BURST + 63) / 64 * 64);
	w->counters = mmap(NULL, sizeof(*w->counters), PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (w->counters == MAP_FAILED)
		w->counters = NULL;
	else
		madvise(w->counters, sizeof(*w->counters), MADV_HUGEPAGE);
	w->ways = aligned_alloc(64, TO_MAX_SERVICES * TO_MAX_EDGES * sizeof(*w->ways));
	if (w->ways)
		memset(w->ways, 0, TO_MAX_SERVICES * TO_MAX_EDGES * sizeof(*w->ways));
	w->epoch = 1;
	w->state = to_state_worker(state, index);
	w->nexthops = nexthops;
	if (!w->packets || !w->counters || !w->ways || !w->state) {
		to_worker_free(w);
		return NULL;
	}
	return w;
}

void to_worker_free(struct to_worker *w)
{
	if (!w)
		return;
	if (w->counters)
		munmap(w->counters, sizeof(*w->counters));
	free(w->known);
	free(w->packets);
	free(w->ways);
	free(w);
}

const struct to_counters *to_worker_counters(const struct to_worker *w)
{
	return w->counters;
}

void to_worker_set_table(struct to_worker *w, const struct to_table *table)
{
	w->table = table;
	to_ways_forget(w);
	to_ours_learn(w);
}

void to_worker_set_nexthops(struct to_worker *w, const struct to_nexthops *nexthops)
{
	uint64_t serial = nexthops ? nexthops->serial : 0;

	if (nexthops == w->nexthops && serial == w->serial)
		return; /* as in nearly every round of a worker's loop */
	w->nexthops = nexthops;
	w->serial = serial;
	to_ways_forget(w);
}

void to_worker_set_capture(struct to_worker *w, struct to_capture_ring *ring)
{
	w->capture = ring;
}

int to_worker_set_sip_rate(struct to_worker *w, uint32_t rate)
{
	if (rate && !w->known)
		w->known = calloc(TO_KNOWN_SETS, sizeof(*w->known)); /* touched as it fills */
	if (rate && !w->known)
		return -ENOMEM;
	w->sip_rate = rate;
	return 0;
}

void to_worker_set_nanoseconds(struct to_worker *w, uint64_t now)
{
	w->nanoseconds = now;
}

const struct to_table *to_worker_table(const struct to_worker *w)
{
	return w->table;
}

/* Sets the look-up of its pin off. All of a burst's one after the other, so that the memory system
 * has them all at once. */
static inline void prefetch(struct to_worker *w, struct to_packet *k)
{
	if (!(k->flags & TO_PKT_KEYED))
		return;
	if (TO_LIKELY(k->family == TO_IP4)) {
		k->hash = to_state_hash(w->state, TO_PIN4, &k->pin);
		to_state_prefetch(w->state, TO_PIN4, true, k->hash);
	} else {
		k->hash = to_state_hash(w->state, TO_PIN6, &k->pin6);
		to_state_prefetch(w->state, TO_PIN6, true, k->hash);
	}
}

/* Outer header in front of the packet, Ethernet and VLAN tags in front of that. */
static void encapsulate(struct to_worker *w, struct to_frame *f, const struct to_packet *k,
			const struct to_target *g)
{
	uint8_t tos = to_traffic_class(f->data, f->data + f->len, k);
	uint32_t overhead = to_tunnel_overhead(g, k);
	bool v4 = to_tunnel_is_v4(g, k);
	const struct to_gateway *from = to_element(w->table, TO_SECTION_GATEWAYS,
						   v4 ? g->gateway4 : g->gateway6, sizeof(*from));
	uint8_t *data = f->data - overhead;

	memmove(data, f->data, k->l3);
	if (v4) {
		to_be32 source = {from->addr.w[3]};

		to_put_tunnel4(data + k->l3, k, k->l3_len, tos, source, g->v4);
	} else {
		to_put_tunnel6(data + k->l3, k, k->l3_len, tos, &from->addr, &g->v6);
	}
	to_put_ethertype(data, data + k->l3, k->l3, v4 ? TO_ETH_IP4 : TO_ETH_IP6);
	f->data = data;
	f->len += overhead;
}

/* An ICMP error about our tunnel: without the tunnel's header, from the VIP, on to the client. What
 * is in front of that header moves, for it is less than what is behind. */
static void rewrite_tunnel_error(struct to_worker *w, struct to_frame *f, struct to_packet *k)
{
	uint32_t cut = k->embedded_l3 - k->tunnel_l3;

	to_rewrite_tunnel_error(f->data, f->data + f->len, k,
				&to_vip_of(w->table, k->out.vip)->addr);
	memmove(f->data + cut, f->data, k->tunnel_l3);
	f->data += cut;
	f->len -= cut;
}

/* The address of the edge that a dnat packet goes to. */
static inline union to_addr target_address(const struct to_target *g, uint8_t family)
{
	return family == TO_IP4 ? to_addr_v4(g->v4) : g->v6;
}

/* But for IPv4 through dnat, which is the most. */
static __attribute__((noinline)) void rewrite_other(struct to_worker *w, struct to_frame *f,
						    struct to_packet *k, const struct to_target *g)
{
	const struct to_vip *vip = to_vip_of(w->table, k->out.vip & (TO_MAX_VIPS - 1));
	const uint8_t *end = f->data + f->len;
	union to_addr to;

	if (k->out.action == TO_ACT_DNAT) {
		to_rewrite_addr(f->data, end, k, true, &g->v6);
		return;
	}
	if (k->out.action == TO_ACT_SNAT) {
		to_rewrite_addr(f->data, end, k, false, &vip->addr);
		return;
	}
	to_rewrite_ttl(f->data, end, k);
	switch (k->out.action) {
	case TO_ACT_ENCAP:
		encapsulate(w, f, k, g);
		break;
	case TO_ACT_ICMP_DNAT:
		to = target_address(g, k->family);
		to_rewrite_icmp(f->data, end, k, true, true, &to);
		break;
	case TO_ACT_ICMP_SNAT:
		to_rewrite_icmp(f->data, end, k, false, to_addr_equal(&k->src, &k->embedded_dst),
				&vip->addr);
		break;
	case TO_ACT_TUNNEL_ERROR:
		rewrite_tunnel_error(w, f, k);
		break;
	default:
		break;
	}
}

static inline void rewrite(struct to_worker *w, struct to_frame *f, struct to_packet *k,
			   const struct to_target *g)
{
	const uint8_t *end = f->data + f->len;

	if (TO_LIKELY(k->family == TO_IP4 && k->out.action == TO_ACT_DNAT))
		to_rewrite_addr4(f->data, end, k, true, g->v4.raw);
	else if (TO_LIKELY(k->family == TO_IP4 && k->out.action == TO_ACT_SNAT))
		to_rewrite_addr4(f->data, end, k, false,
				 to_vip_of(w->table, k->out.vip & (TO_MAX_VIPS - 1))->addr.w[3]);
	else
		rewrite_other(w, f, k, g);
}

/* Drops what may not leave; its buffer becomes the ICMP error about it. */
static void refuse(struct to_worker *w, struct to_frame *f, struct to_packet *k, uint32_t mtu)
{
	if (to_icmp_error_build(w, f, k, mtu)) {
		f->egress = TO_EGRESS_SENDER;
		w->counters->events[TO_EVENT_ICMP_SENT]++;
	} else {
		w->counters->events[TO_EVENT_ICMP_UNSENT]++;
	}
}

/* Answers the segment for an edge that is resetting. */
static void reset(struct to_worker *w, struct to_frame *f, const struct to_packet *k)
{
	if (to_tcp_reset_build(w, f, k)) {
		f->egress = TO_EGRESS_SENDER;
		w->counters->events[TO_EVENT_RESET_SENT]++;
	} else {
		w->counters->events[TO_EVENT_RESET_UNSENT]++;
	}
}

static inline const struct to_nexthop *hop_of(const struct to_worker *w, const struct to_packet *k)
{
	if (k->out.verdict == TO_VERDICT_STEER)
		return &w->nexthops->edge[k->out.edge & (TO_MAX_EDGES - 1)];
	return k->family == TO_IP4 ? &w->nexthops->outside4 : &w->nexthops->outside6;
}

/* What is decided, for good; nothing is written into the frame yet. */
static inline void show(struct to_worker *w, const struct to_frame *f, const struct to_packet *k)
{
	if (TO_UNLIKELY(w->capture != NULL))
		to_capture_ring_take(w->capture, k, f, w->table->generation);
}

/* Carries the decision out on the frame. */
static inline void apply(struct to_worker *w, struct to_frame *f, struct to_packet *k)
{
	const struct to_target *g = NULL;
	const struct to_nexthop *hop;
	uint32_t overhead = 0, mtu;

	f->egress = TO_EGRESS_NONE;
	if (TO_UNLIKELY(k->out.action == TO_ACT_NONE)) {
		show(w, f, k);
		if (k->out.verdict == TO_VERDICT_KERNEL)
			f->egress = TO_EGRESS_KERNEL;
		else if (TO_UNLIKELY(k->out.reason == TO_REASON_RESET))
			reset(w, f, k);
		return;
	}
	hop = hop_of(w, k);
	if (TO_UNLIKELY(hop->port == TO_NO_PORT)) {
		show(w, f, k);
		w->counters->events[TO_EVENT_NO_NEXTHOP]++;
		return;
	}
	if (k->out.action == TO_ACT_DNAT || k->out.action == TO_ACT_ENCAP ||
	    k->out.action == TO_ACT_ICMP_DNAT)
		g = to_target_of(w->table, k->out.service, k->out.edge);
	if (k->out.action == TO_ACT_ENCAP)
		overhead = to_tunnel_overhead(g, k);
	mtu = to_check_egress(k, hop->mtu, overhead);
	show(w, f, k);
	if (TO_UNLIKELY(mtu)) {
		refuse(w, f, k, mtu);
		return;
	}
	f->len = k->l3 + k->l3_len; /* without Ethernet padding */
	rewrite(w, f, k, g);
	f->egress = k->out.verdict == TO_VERDICT_STEER ? TO_EGRESS_EDGE : TO_EGRESS_OUT;
	f->port = hop->port;
	memcpy(f->data, hop->mac, 6);
	memcpy(f->data + 6, hop->own, 6);
}

/* Decided by everything that there is to decide by. Prepared before. */
static void go_long_way(struct to_worker *w, struct to_frame *f, struct to_packet *k)
{
	uint32_t bytes = f->len;

	w->data = f->data;
	w->end = f->data + f->len;
	to_decide(w, k);
	apply(w, f, k);
	f->decision = k->out;
	to_quick_count(w,
		       to_counters_cell(k->out.service, k->out.class, k->out.edge, k->out.reason),
		       k->out.verdict, bytes);
}

/* Looks at the headers, and sets the look-up of the pin off. */
static inline void start(struct to_worker *w, const struct to_frame *f, unsigned i, uint32_t now)
{
	struct to_quick *q = &w->quick[i];

	q->is = !w->capture && to_quick_read(w, f, q);
	if (TO_LIKELY(q->is))
		return;
	to_read_frame(w, f, &w->packets[i], now);
	prefetch(w, &w->packets[i]);
}

static inline void finish(struct to_worker *w, struct to_frame *f, unsigned i, uint32_t now)
{
	const struct to_quick *q = &w->quick[i];

	if (TO_LIKELY(q->is && to_quick_run(w, f, q, now)))
		return;
	if (q->is) {
		to_read_frame(w, f, &w->packets[i], now);
		w->packets[i].hash = q->hash; /* of the same key */
	}
	go_long_way(w, f, &w->packets[i]);
}

/* The bucket behind a pin's own, where the pin may lie there; its own is in the cache by now. */
static inline void look_further(struct to_worker *w, unsigned i, unsigned n)
{
	if (i < n && TO_LIKELY(w->quick[i].is))
		to_state_prefetch_more(w->state, TO_PIN4, true, w->quick[i].hash);
}

void to_pipeline_run(struct to_worker *w, struct to_frame *frames, unsigned n, uint32_t now)
{
	if (TO_UNLIKELY(w->capture != NULL))
		to_capture_ring_burst(w->capture);
	w->frames = frames;
	w->burst = n;
	w->ahead = w->ahead_more = 0;
	for (unsigned i = 0; i < n; i++)
		__builtin_prefetch(frames[i].data);
	for (unsigned i = 0; i < n; i++)
		start(w, &frames[i], i, now);
	for (unsigned i = 0; i < n; i++) {
		look_further(w, i + FURTHER, n);
		finish(w, &frames[i], i, now);
	}
}

void to_pipeline_sweep(struct to_worker *w, uint32_t now, unsigned buckets)
{
	w->counters->events[TO_EVENT_RECLAIMED] += to_state_sweep(w->state, now, buckets);
	w->counters->events[TO_EVENT_DISPLACED] = w->state->count.displaced;
}

/* The outside address of an ICMP error: the embedded packet's. */
static const union to_addr *shard_icmp(struct to_worker *w, struct to_packet *k)
{
	struct to_identity edge;

	if (!(k->flags & TO_PKT_EMBEDDED))
		return NULL;
	if (k->to.kind == TO_ADDRESS_VIP)
		return &k->embedded_dst;
	if (k->to.kind == TO_ADDRESS_GATEWAY) {
		to_parse_embedded(w->data, w->end, k->embedded_l4, k->family, k);
		return k->flags & TO_PKT_EMBEDDED ? &k->embedded_src : NULL;
	}
	if (to_locate(w, k, &k->embedded_dst, &edge) == TO_ADDRESS_EDGE)
		return &k->embedded_src;
	return NULL;
}

static inline unsigned shard_of(const union to_addr *outside, unsigned workers)
{
	return (uint32_t)(((to_mix(to_client(outside)) >> 32) * workers) >> 32);
}

/* By the parser. `w`: its table; between two bursts. */
static unsigned shard_any(struct to_worker *w, const uint8_t *data, uint32_t len, unsigned workers)
{
	const union to_addr *outside = NULL;
	struct to_packet k;

	w->data = data;
	w->end = data + len;
	to_parse(data, data + len, &k);
	to_prepare(w, &k);
	if (k.family == TO_NO_FAMILY)
		return 0;
	if (k.flags & TO_PKT_ICMP_ERROR && !k.malformed && k.to.kind != TO_ADDRESS_EDGE)
		outside = shard_icmp(w, &k);
	if (!outside)
		outside = to_outside(&k);
	return shard_of(outside, workers);
}

unsigned to_frame_shard(const struct to_table *table, const uint8_t *data, uint32_t len,
			unsigned workers)
{
	struct to_worker w = {.table = table};

	return workers < 2 ? 0 : shard_any(&w, data, len, workers);
}

unsigned to_worker_shard(struct to_worker *w, const uint8_t *data, uint32_t len, unsigned workers)
{
	const struct to_address *to, *from;
	union to_addr outside;

	if (TO_UNLIKELY(!to_is_plain(data, data + len)))
		return shard_any(w, data, len, workers);
	to_set_addr4(&outside, data + TO_ETH_HEADER + 12);
	to = to_ours_find(w, to_sum32(data + TO_ETH_HEADER + 16));
	if (to && to->kind == TO_ADDRESS_VIP)
		return shard_of(&outside, workers);
	from = to_ours_find(w, to_sum32(data + TO_ETH_HEADER + 12));
	if (from && from->kind == TO_ADDRESS_EDGE)
		to_set_addr4(&outside, data + TO_ETH_HEADER + 16);
	return shard_of(&outside, workers);
}
