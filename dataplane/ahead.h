/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Looks ahead in the burst when a pin is made or proven: the packets behind it may need that too,
 * and with it lines of several tables, which would be waited for one after the other. First the
 * bucket of each key is fetched; some packets later, when it is there, the next one of those that
 * are passed over. A burst of known flows never comes here. Included by engine.h only.
 */
#ifndef TURNOUT_AHEAD_H
#define TURNOUT_AHEAD_H

#include <turnout/parse.h>

#include "worker.h"

/* Packets ahead, of some hundred nanoseconds each: more than memory takes. */
#define TO_AHEAD      16
#define TO_AHEAD_MORE 8

/* Parses one frame and says whose it is. */
static inline void to_read_frame(struct to_worker *w, const struct to_frame *f, struct to_packet *k,
				 uint32_t now)
{
	if (!to_parse_plain(f->data, f->data + f->len, k))
		to_parse(f->data, f->data + f->len, k);
	k->zone = f->zone;
	k->now = now;
	to_prepare(w, k);
}

static inline void to_ahead_fetch(struct to_worker *w, struct to_ahead *a, enum to_entry_kind kind,
				  bool proven, uint64_t hash)
{
	const struct to_view *v = &w->state->view[kind][proven];
	const union to_bucket *b = &v->bucket[hash & v->mask];

	__builtin_prefetch(b);
	a->bucket[a->n] = b;
	a->n++;
}

/* The affinity of the packet's client, and the owner of its port. */
static inline void to_ahead_service(struct to_worker *w, const struct to_packet *k,
				    struct to_ahead *a, uint8_t service, bool request)
{
	const struct to_service *s = to_service_of(w->table, service);
	struct to_key key;

	if (s && s->group != TO_NO_INDEX) {
		key = to_key_affinity(request ? &k->src : &k->dst, s->group);
		to_ahead_fetch(w, a, TO_AFFINITY, true, to_state_hash(w->state, TO_AFFINITY, &key));
	}
	if (s && request && s->flags & TO_SERVICE_OWNED) {
		key = to_key_owner(k->to.index, to_host16(k->dport));
		to_ahead_fetch(w, a, TO_OWNER, true, to_state_hash(w->state, TO_OWNER, &key));
	}
}

/* Packet `i` of the burst if its flow is not a known one as far as its first bucket tells, or NULL.
 * What has been read for the short way only takes the long one then. */
static inline const struct to_packet *to_ahead_unknown(struct to_worker *w, uint32_t i,
						       uint32_t now)
{
	struct to_packet *k = &w->packets[i];
	struct to_quick *q = &w->quick[i];
	enum to_entry_kind kind;
	const struct to_view *v;

	if (q->is) {
		v = &w->state->view[TO_PIN4][true];
		if (to_bucket_find(&v->bucket[q->hash & v->mask], false, &q->key))
			return NULL;
		q->is = false;
		to_read_frame(w, &w->frames[i], k, now);
		k->hash = q->hash;
		return k;
	}
	kind = k->family == TO_IP4 ? TO_PIN4 : TO_PIN6;
	v = &w->state->view[kind][true];
	if (!(k->flags & TO_PKT_KEYED) ||
	    to_bucket_find(&v->bucket[k->hash & v->mask], kind == TO_PIN6,
			   kind == TO_PIN4 ? (const void *)&k->pin : (const void *)&k->pin6))
		return NULL;
	return k;
}

static inline void to_ahead_packet(struct to_worker *w, uint32_t i, uint32_t now)
{
	const struct to_packet *k = to_ahead_unknown(w, i, now);
	struct to_ahead *a = &w->fetched[i];
	enum to_entry_kind kind;
	struct to_bind bind;

	a->n = 0;
	if (!k)
		return;
	kind = k->family == TO_IP4 ? TO_PIN4 : TO_PIN6;
	to_ahead_fetch(w, a, kind, true, k->hash); /* which is there; of the next one it says */
	to_ahead_fetch(w, a, kind, false, k->hash);
	to_state_prefetch_age(w->state, kind, k->hash);
	if (k->to.kind != TO_ADDRESS_VIP) {
		if (k->answers_service != TO_NO_INDEX)
			to_ahead_service(w, k, a, k->answers_service, false);
	} else if (to_find_bind(w, k, &k->to, k->proto, k->dport, &bind)) {
		to_ahead_service(w, k, a, bind.service, true);
	}
}

/* Behind a table's last bucket lies something else of the region, or nothing: a prefetch may. */
static inline void to_ahead_more(const struct to_ahead *a)
{
	for (uint32_t i = 0; i < a->n; i++)
		__builtin_prefetch(a->bucket[i] + !to_bucket_ends(a->bucket[i]));
}

/* Each packet of the burst once. */
static __attribute__((noinline)) void to_look_ahead(struct to_worker *w, const struct to_packet *k)
{
	uint32_t at = (uint32_t)(k - w->packets) + 1;
	uint32_t to = at + TO_AHEAD < w->burst ? at + TO_AHEAD : w->burst;
	uint32_t more = at + TO_AHEAD_MORE < w->burst ? at + TO_AHEAD_MORE : w->burst;

	for (uint32_t i = w->ahead > at ? w->ahead : at; i < to; i++)
		to_ahead_packet(w, i, k->now);
	for (uint32_t i = w->ahead_more > at ? w->ahead_more : at; i < more; i++)
		to_ahead_more(&w->fetched[i]);
	w->ahead = to > w->ahead ? to : w->ahead;
	w->ahead_more = more > w->ahead_more ? more : w->ahead_more;
}

#endif
