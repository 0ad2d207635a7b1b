/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <turnout/parse.h>

#include "replay_flow.h"
#include "replay_map.h"
#include "replay_observer.h"
#include "table_view.h"

enum { KEY_CALL = 2 }; /* in place of enum to_proto: the key is a Call-ID */

struct flow_key {
	uint64_t client[2]; /* address, or the Call-ID's hashes */
	uint64_t vip[2];
	uint16_t client_port;
	uint16_t vip_port;
	uint32_t proto;
};

struct to_observer {
	struct to_map flows; /* struct flow_key to struct to_flow */
	struct to_clients *clients;
	const struct to_table *table;
	struct to_flow_count count;
};

enum sort {
	SORT_NONE, /* part of no flow */
	SORT_TUPLE,
	SORT_CALL, /* known by its Call-ID */
};

/* One frame on its way through. */
struct sight {
	const struct to_frame *f;
	const struct to_observed *seen;
	uint64_t number;
	uint32_t now;
	enum sort sort;
};

struct to_observer *to_observer_new(void)
{
	struct to_observer *o = calloc(1, sizeof(*o));

	if (!o)
		return NULL;
	o->clients = to_clients_new();
	if (!o->clients ||
	    to_map_init(&o->flows, sizeof(struct flow_key), sizeof(struct to_flow)) < 0) {
		to_observer_free(o);
		return NULL;
	}
	return o;
}

void to_observer_free(struct to_observer *o)
{
	if (!o)
		return;
	to_clients_free(o->clients);
	to_map_free(&o->flows);
	free(o);
}

int to_observer_generation(struct to_observer *o, const struct to_table *table)
{
	o->table = table;
	return to_clients_generation(o->clients);
}

const struct to_flow_count *to_observer_flows(const struct to_observer *o)
{
	return &o->count;
}

const struct to_clients *to_observer_clients(const struct to_observer *o)
{
	return o->clients;
}

void to_observer_before(const struct to_frame *f, struct to_observed *seen)
{
	struct to_packet *k = &seen->packet;
	const uint8_t *payload;

	to_parse(f->data, f->data + f->len, k);
	seen->call = (struct to_call){0};
	seen->has_lifetime = false;
	if (k->malformed || !(k->flags & TO_PKT_PORTS) || k->proto != TO_UDP)
		return;
	payload = f->data + k->payload;
	to_read_call(payload, k->payload_len, &seen->call);
	seen->has_lifetime = to_read_lifetime(payload, k->payload_len, &seen->lifetime);
}

/* What the frame is a part of: `vip_port` is its port at the VIP. On a service of SIP over UDP the
 * calls are the flows, and what is of no call is of none. */
static enum sort sort_of(const struct to_observer *o, const struct to_decision *d,
			 const struct to_call *call, to_be16 vip_port)
{
	const struct to_service *s;

	if (d->service == TO_NO_INDEX)
		return SORT_TUPLE;
	s = to_view_service(o->table, d->service);
	if (s->kind != TO_KIND_SIP || s->proto != TO_UDP || to_host16(vip_port) < s->port_low ||
	    to_host16(vip_port) > s->port_high)
		return SORT_TUPLE;
	return d->class == TO_CLASS_SIP && (call->id[0] | call->id[1]) ? SORT_CALL : SORT_NONE;
}

/* The frame's flow as it is seen outside: `client` and `vip` are the packet's ends there. */
static struct flow_key key_of(const struct sight *s, const union to_addr *client,
			      to_be16 client_port, const union to_addr *vip, to_be16 vip_port)
{
	const struct to_call *call = &s->seen->call;

	if (s->sort == SORT_CALL)
		return (struct flow_key){.client = {call->id[0], call->id[1]}, .proto = KEY_CALL};
	return (struct flow_key){
		.client = {client->d[0], client->d[1]},
		.vip = {vip->d[0], vip->d[1]},
		.client_port = client_port.raw,
		.vip_port = vip_port.raw,
		.proto = s->seen->packet.proto,
	};
}

static bool is_established(const struct to_flow *w, uint32_t now)
{
	return w->flags & TO_FLOW_ANSWERED && now < w->expires;
}

static void follow(struct to_observer *o, struct to_flow *w, const struct sight *s,
		   enum to_flow_side side)
{
	uint8_t service = s->f->decision.service;
	uint32_t idle = service == TO_NO_INDEX ? w->life : to_view_service(o->table, service)->idle;

	if (s->sort == SORT_CALL) {
		to_flow_call(w, &s->seen->call, idle, s->now);
	} else if (s->seen->packet.proto == TO_TCP) {
		to_flow_tcp(w, &s->seen->packet, side);
		w->life = idle;
	} else if (side == TO_FLOW_EDGE && s->seen->has_lifetime) {
		w->flags |= TO_FLOW_TURN_LIFE;
		w->life = s->seen->lifetime + TO_TURN_GRACE;
	} else if (!(w->flags & TO_FLOW_TURN_LIFE)) {
		w->life = idle;
	}
	to_flow_renew(w, s->now);
}

/* An established flow has lost its edge, and is none any more. */
static void lost(struct to_observer *o, struct to_flow *w, uint64_t *count, uint64_t *first,
		 uint64_t number)
{
	w->flags &= ~TO_FLOW_ANSWERED;
	if (to_view_edge(o->table, w->edge)->state == TO_EDGE_RETIRED) {
		o->count.retired++;
		return;
	}
	if (!*count)
		*first = number;
	++*count;
}

/* A packet of an established flow goes to an edge: is that its own? */
static void compare(struct to_observer *o, struct to_flow *w, const struct sight *s)
{
	if (w->edge != s->f->decision.edge)
		lost(o, w, &o->count.moved, &o->count.first_moved, s->number);
}

static void establish(struct to_observer *o, struct to_flow *w, const struct sight *s)
{
	/* the FIN that a flow began with, in the middle of it, counts */
	uint8_t fin = s->now < w->expires ? w->fin : 0;
	bool opening = s->f->decision.verdict == TO_VERDICT_OUT && s->seen->packet.proto == TO_TCP;

	*w = (struct to_flow){.edge = s->f->decision.edge, .life = TO_DIALOG_LIFE, .fin = fin};
	w->flags = TO_FLOW_ANSWERED | (opening ? TO_FLOW_OPENING : 0);
	o->count.established++;
}

/* In a DSR mode no answer is seen: the second packet to the same edge, within the 10 seconds of an
 * unproven entry, establishes the flow. */
static bool second_packet(struct to_flow *w, const struct sight *s, bool fresh)
{
	const struct to_packet *k = &s->seen->packet;
	uint8_t edge = s->f->decision.edge;

	if (fresh || s->now >= w->expires || w->edge != edge) {
		*w = (struct to_flow){.edge = edge, .expires = (uint64_t)s->now + TO_UNPROVEN_LIFE};
		return false;
	}
	return !(k->proto == TO_TCP && k->tcp_flags & TO_TCPF_SYN);
}

/* A FIN of a flow that is not established: remembered for when it will be. */
static int begin_with_fin(struct to_observer *o, const struct sight *s, const struct flow_key *key)
{
	struct to_flow *w;
	bool fresh;

	if (s->seen->packet.proto != TO_TCP || !(s->seen->packet.tcp_flags & TO_TCPF_FIN))
		return 0;
	w = to_map_put(&o->flows, key, &fresh);
	if (!w)
		return -ENOMEM;
	*w = (struct to_flow){.edge = s->f->decision.edge,
			      .fin = TO_FLOW_CLIENT,
			      .expires = (uint64_t)s->now + TO_UNPROVEN_LIFE};
	return 0;
}

/* docs/state.md, 5.4: an operator's word has ended the connection, as its client's RST would. */
static void ended(struct to_flow *w, const struct sight *s)
{
	struct to_packet k = s->seen->packet;

	k.tcp_flags = TO_TCPF_RST;
	to_flow_tcp(w, &k, TO_FLOW_CLIENT);
	to_flow_renew(w, s->now);
}

static bool is_resetting(const struct to_observer *o, const struct to_flow *w)
{
	const struct to_edge *e = to_view_edge(o->table, w->edge);

	return e->state == TO_EDGE_RESETTING && e->mode == TO_MODE_DNAT;
}

/* A packet went to an edge. */
static int watch_steer(struct to_observer *o, const struct sight *s)
{
	const struct to_packet *k = &s->seen->packet;
	struct flow_key key = key_of(s, &k->src, k->sport, &k->dst, k->dport);
	bool dsr = to_view_edge(o->table, s->f->decision.edge)->mode != TO_MODE_DNAT;
	bool fresh = false;
	struct to_flow *w = to_map_get(&o->flows, &key);

	if (dsr && !(w && is_established(w, s->now))) {
		w = to_map_put(&o->flows, &key, &fresh);
		if (!w)
			return -ENOMEM;
		if (!second_packet(w, s, fresh))
			return 0;
		establish(o, w, s);
	}
	if (!w || !is_established(w, s->now))
		return begin_with_fin(o, s, &key);
	if (k->proto == TO_TCP && k->tcp_flags == TO_TCPF_SYN) {
		if (is_resetting(o, w))
			ended(w, s);
		if (!to_flow_closing(w)) /* else it may be decided anew, and its answer tells */
			compare(o, w, s);
		return 0; /* a SYN renews nothing */
	}
	compare(o, w, s);
	if (!is_established(w, s->now))
		return 0;
	follow(o, w, s, TO_FLOW_CLIENT);
	if (dsr && w->fin) { /* the edge's is never seen */
		w->fin = TO_FLOW_CLIENT | TO_FLOW_EDGE;
		to_flow_renew(w, s->now);
	}
	return 0;
}

/* A packet of an edge left, as one of the VIP's if it was rewritten. */
static int watch_answer(struct to_observer *o, struct sight *s)
{
	struct to_packet k = {0};
	struct flow_key key;
	struct to_flow *w;
	bool fresh;

	to_parse(s->f->data, s->f->data + s->f->len, &k);
	if (!(k.flags & TO_PKT_PORTS))
		return 0;
	s->sort = sort_of(o, &s->f->decision, &s->seen->call, k.sport);
	if (s->sort == SORT_NONE)
		return 0;
	key = key_of(s, &k.dst, k.dport, &k.src, k.sport);
	w = to_map_put(&o->flows, &key, &fresh);
	if (!w)
		return -ENOMEM;
	if (is_established(w, s->now) && w->edge != s->f->decision.edge) {
		if (!to_flow_closing(w))
			return 0; /* answers to a SYN that came to nothing: clients' packets tell */
		w->flags = 0;     /* the new connection is at another edge */
		w->fin = 0;
	}
	if (!is_established(w, s->now)) {
		if (k.proto == TO_TCP && k.tcp_flags & TO_TCPF_RST)
			return 0; /* proves nothing */
		establish(o, w, s);
	}
	follow(o, w, s, TO_FLOW_EDGE);
	return 0;
}

/* A packet to a VIP was dropped for want of state. */
static void watch_drop(struct to_observer *o, const struct sight *s)
{
	const struct to_packet *k = &s->seen->packet;
	struct flow_key key = key_of(s, &k->src, k->sport, &k->dst, k->dport);
	struct to_flow *w = to_map_get(&o->flows, &key);

	if (k->proto == TO_TCP && k->tcp_flags == TO_TCPF_SYN)
		return; /* a new connection was refused */
	if (w && is_established(w, s->now))
		lost(o, w, &o->count.cut, &o->count.first_cut, s->number);
}

static void watch_reset(struct to_observer *o, const struct sight *s)
{
	const struct to_packet *k = &s->seen->packet;
	struct flow_key key = key_of(s, &k->src, k->sport, &k->dst, k->dport);
	struct to_flow *w = to_map_get(&o->flows, &key);

	if (w && is_established(w, s->now))
		ended(w, s);
}

static bool is_want_of_state(uint8_t reason)
{
	return reason == TO_REASON_NO_EDGE || reason == TO_REASON_MIDFLOW ||
	       reason == TO_REASON_NO_SERVICE || reason == TO_REASON_EDGE_RETIRED;
}

static bool is_new_flow(uint8_t reason)
{
	return reason == TO_REASON_ROUTE || reason == TO_REASON_AFFINITY ||
	       reason == TO_REASON_FALLBACK;
}

static int watch_client(struct to_observer *o, const struct sight *s)
{
	const struct to_decision *d = &s->f->decision;

	if (d->service == TO_NO_INDEX || !is_new_flow(d->reason))
		return 0;
	return to_clients_add(o->clients, &s->seen->packet.src, d->service,
			      to_view_pool_of(o->table, d->edge)->role);
}

int to_observer_after(struct to_observer *o, const struct to_frame *f,
		      const struct to_observed *seen, uint64_t number, uint32_t now)
{
	const struct to_decision *d = &f->decision;
	struct sight s = {f, seen, number, now, SORT_NONE};
	int ret;

	if (!(seen->packet.flags & TO_PKT_PORTS) || seen->packet.malformed)
		return 0;
	switch (d->verdict) {
	case TO_VERDICT_STEER:
		if (d->reason == TO_REASON_OWNER) /* to an edge's own address */
			return 0;
		s.sort = sort_of(o, d, &seen->call, seen->packet.dport);
		ret = watch_client(o, &s);
		return ret < 0 || s.sort == SORT_NONE ? ret : watch_steer(o, &s);
	case TO_VERDICT_REPLY:
		return watch_answer(o, &s);
	case TO_VERDICT_OUT:
		return d->action == TO_ACT_SNAT ? watch_answer(o, &s) : 0;
	case TO_VERDICT_DROP:
		s.sort = sort_of(o, d, &seen->call, seen->packet.dport);
		if (s.sort != SORT_NONE && is_want_of_state(d->reason))
			watch_drop(o, &s);
		else if (s.sort != SORT_NONE && d->reason == TO_REASON_RESET)
			watch_reset(o, &s);
		return 0;
	default:
		return 0;
	}
}
