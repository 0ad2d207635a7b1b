/* SPDX-License-Identifier: BSD-3-Clause */
/* SIP: the dialog (Call-ID) and the transaction (branch) of a message. docs/state.md, 5.1. */
#ifndef TURNOUT_DIALOG_H
#define TURNOUT_DIALOG_H

#include "affinity.h"

/* The place that the packet's outside address has among the known sources, or NULL; `renew`: it is
 * known anew. */
TO_INLINE struct to_known *to_sip_source(to_engine *x, const struct to_packet *k,
					 const struct to_table *t, bool renew)
{
	uint64_t h = to_mix(t->salt ^ to_mix(to_client(to_outside(k))));
	struct to_known_set *set = to_engine_known(x, h & (TO_KNOWN_SETS - 1));
	uint32_t tag = h >> 32;

	if (!set)
		return NULL;
	return renew ? to_known_renew(set, tag, k->now) : to_known_find(set, tag, k->now);
}

/* The packet's outside address is a known source from now on. */
TO_APART int to_sip_know(to_engine *x, struct to_packet *k)
{
	const struct to_table *t;

	TO_PART_CHECK(k);
	t = to_engine_table(x, k);
	if (t && to_engine_sip_rate(x))
		to_sip_source(x, k, t, true);
	return 0;
}

/* 5.5: may this client's message be read? */
TO_APART int to_sip_may_be_read(to_engine *x, struct to_packet *k)
{
	struct to_sip_buckets *b;
	const struct to_table *t;
	struct to_known *source;
	uint64_t now, cost;
	uint32_t rate;

	TO_PART_CHECK(k);
	rate = to_engine_sip_rate(x);
	t = to_engine_table(x, k);
	if (TO_LIKELY(!rate) || !t)
		return 1;
	b = to_engine_sip_buckets(x);
	if (!b)
		return 1;
	cost = to_sip_cost(to_engine_payload(x, k).there, rate);
	now = to_engine_nanoseconds(x, k);
	source = to_sip_source(x, k, t, k->flags & TO_PKT_PROVEN);
	if (!source)
		return to_sip_spend(&b->strangers, now, cost);
	return to_sip_spend(&source->spent, now, cost) &&
	       to_sip_spend(&b->known, now, cost / TO_KNOWN_SHARE);
}

/* Whoever sent it sends it again. Nothing of it is known that could say where to. */
TO_INLINE int to_sip_refuse(struct to_packet *k)
{
	k->out.verdict = TO_VERDICT_DROP;
	k->out.reason = TO_REASON_SIP_RATE;
	k->out.action = TO_ACT_NONE;
	return 0;
}

/* Reads the message into k->sip and makes the keys; TO_PKT_SIP is set when it has a Call-ID. Only
 * an edge's has a body that teaches something. */
TO_INLINE void to_sip_load(to_engine *x, struct to_packet *k, uint64_t salt)
{
	struct to_bytes payload = to_engine_payload(x, k);
	bool read = k->from.kind == TO_ADDRESS_EDGE ? to_sip_read(&payload, salt, &k->sip)
						    : to_sip_read_brief(&payload, salt, &k->sip);

	if (!read || !(k->sip.flags & TO_SIP_CALL_ID))
		return;
	k->flags |= TO_PKT_SIP;
	k->dialog = to_key_sip(k->sip.call_id);
	k->transaction = to_key_sip(k->sip.branch);
	to_engine_fetch(x, TO_DIALOG, &k->dialog);
	to_engine_fetch(x, TO_TRANSACTION, &k->transaction);
}

/* The live unproven dialog or transaction that this packet's client made. */
TO_INLINE struct to_entry *to_sip_find_own(to_engine *x, struct to_packet *k,
					   const struct to_table *t, enum to_entry_kind kind)
{
	struct to_key own = to_key_sip_unproven(kind == TO_DIALOG ? &k->dialog : &k->transaction,
						to_outside(k));
	struct to_entry *e;

	if (kind == TO_TRANSACTION && !(k->sip.flags & TO_SIP_BRANCH))
		return NULL;
	e = to_engine_find(x, k, kind, false, &own);
	return e && to_usable(t, e) ? e : NULL;
}

/* The live dialog or transaction that speaks for this packet's client: a proven one, or one that
 * this very client made. */
TO_INLINE struct to_entry *to_sip_find(to_engine *x, struct to_packet *k, enum to_entry_kind kind)
{
	const struct to_key *key = kind == TO_DIALOG ? &k->dialog : &k->transaction;
	const struct to_table *t = to_engine_table(x, k);
	struct to_entry *e;

	if (!t || (kind == TO_TRANSACTION && !(k->sip.flags & TO_SIP_BRANCH)))
		return NULL;
	e = to_engine_find(x, k, kind, true, key);
	if (e && to_usable(t, e))
		return e;
	return to_sip_find_own(x, k, t, kind);
}

/* A retired edge's proven entry stands in nobody's way. */
TO_INLINE void to_sip_make_way(to_engine *x, struct to_packet *k, enum to_entry_kind kind)
{
	const struct to_table *t = to_engine_table(x, k);
	struct to_entry *e =
		to_engine_find(x, k, kind, true, kind == TO_DIALOG ? &k->dialog : &k->transaction);

	if (e && t && !to_usable(t, e))
		e->expires = k->now;
}

TO_INLINE struct to_entry *to_sip_add(to_engine *x, struct to_packet *k, enum to_entry_kind kind,
				      bool proven, uint8_t flags)
{
	struct to_key key = kind == TO_DIALOG ? k->dialog : k->transaction;
	struct to_entry v = {
		.expires = k->now + (proven ? TO_DIALOG_LIFE : TO_UNPROVEN_LIFE),
		.edge = k->out.edge,
		.service = k->out.service,
		.flags = flags | (proven ? TO_ENTRY_PROVEN : 0),
		.life = TO_DIALOG_LIFE,
		.mark = k->now,
	};
	struct to_entry *e;

	if (!proven)
		key = to_key_sip_unproven(&key, to_outside(k));
	else
		to_sip_make_way(x, k, kind);
	e = to_engine_add(x, k, kind, proven, &key, &v);
	if (!e)
		to_engine_event(x, TO_EVENT_ENTRY_LOST);
	return e;
}

TO_INLINE struct to_entry *to_sip_prove(to_engine *x, struct to_packet *k, enum to_entry_kind kind,
					struct to_entry *e)
{
	const struct to_key *key = kind == TO_DIALOG ? &k->dialog : &k->transaction;
	struct to_key own = to_key_sip_unproven(key, to_outside(k));
	struct to_entry *p;
	bool anew = true;

	to_sip_make_way(x, k, kind);
	p = to_engine_prove(x, k, kind, &own, key, e, &anew);
	if (!p) {
		to_engine_event(x, TO_EVENT_TABLE_FULL);
		return e;
	}
	if (anew)
		to_engine_event(x, TO_EVENT_PROVEN);
	p->expires = k->now + p->life;
	return p;
}

/* What a response says about how long the transaction lives. */
TO_INLINE void to_transaction_answered(const struct to_sip *sip, struct to_entry *t)
{
	if (sip->method == TO_SIP_INVITE)
		t->life = sip->status < 200 ? TO_RINGING_LIFE : TO_DIALOG_LIFE;
}

TO_INLINE void to_dialog_answered(const struct to_sip *sip, struct to_entry *d, uint16_t idle)
{
	bool success = sip->status >= 200 && sip->status < 300;

	if ((sip->method == TO_SIP_INVITE || sip->method == TO_SIP_SUBSCRIBE) && success) {
		d->flags |= TO_ENTRY_ESTABLISHED;
		d->life = idle;
	} else if (sip->method == TO_SIP_INVITE && !(d->flags & TO_ENTRY_ESTABLISHED)) {
		d->life = sip->status < 200 ? TO_RINGING_LIFE : TO_DIALOG_LIFE;
	}
}

/* The BYE is answered: 32 s for retransmissions, then the call is gone. */
TO_INLINE void to_dialog_end(to_engine *x, struct to_packet *k, struct to_entry *d)
{
	d->flags |= TO_ENTRY_ENDED;
	d->expires = k->now + TO_DIALOG_LIFE;
	if (d->flags & TO_ENTRY_AFFINE)
		to_affinity_update(x, k, d, TO_AFFINITY_CLOSED);
}

TO_INLINE bool to_sip_ends_dialog(const struct to_sip *sip)
{
	return sip->flags & TO_SIP_RESPONSE && sip->method == TO_SIP_BYE &&
	       (sip->status == 481 || (sip->status >= 200 && sip->status < 300));
}

TO_INLINE void to_dialog_message(to_engine *x, struct to_packet *k, struct to_entry *d,
				 uint16_t idle)
{
	if (!(d->flags & TO_ENTRY_PROVEN) || d->flags & TO_ENTRY_ENDED)
		return;
	if (to_sip_ends_dialog(&k->sip)) {
		to_dialog_end(x, k, d);
		return;
	}
	if (k->sip.flags & TO_SIP_RESPONSE)
		to_dialog_answered(&k->sip, d, idle);
	d->expires = k->now + d->life;
	to_affinity_renew(x, k, d);
}

TO_INLINE void to_transaction_message(struct to_packet *k, struct to_entry *t)
{
	if (!(t->flags & TO_ENTRY_PROVEN))
		return;
	if (k->sip.flags & TO_SIP_RESPONSE)
		to_transaction_answered(&k->sip, t);
	t->expires = k->now + t->life;
}

/* What to_sip_message may make and prove. */
enum to_sip_rules {
	TO_SIP_MAKE_DIALOG = 1,
	TO_SIP_MAKE_TRANSACTION = 2,
	TO_SIP_PROVEN = 4,   /* what is made is proven at once */
	TO_SIP_ANSWER = 8,   /* the message proves what it belongs to */
	TO_SIP_VIA = 16,     /* what is made goes through the VIP */
	TO_SIP_UNHEARD = 64, /* DSR: no 2xx will be seen, what is proven is established */
	TO_SIP_DECIDED = 32, /* what is made was decided by steps 8 to 11 */
};

/* Makes, proves and renews the dialog of the message; k->out names edge and service. Returns
 * whether there is a proven one now. */
TO_PART int to_dialog_update(to_engine *x, struct to_packet *k, uint32_t rules, uint32_t idle)
{
	struct to_entry *d;
	bool made = false, proved = false;

	TO_PART_CHECK(k);
	d = to_sip_find(x, k, TO_DIALOG);
	if (d && d->edge != k->out.edge) {
		if (d->flags & TO_ENTRY_PROVEN)
			return 0;
		d = NULL;
	}
	if (!d && rules & TO_SIP_MAKE_DIALOG && k->sip.flags & TO_SIP_REQUEST) {
		d = to_sip_add(x, k, TO_DIALOG, rules & TO_SIP_PROVEN,
			       (rules & TO_SIP_VIA ? TO_ENTRY_VIA_VIP : 0) |
				       (rules & TO_SIP_DECIDED ? TO_ENTRY_DECIDED : 0));
		made = true;
	}
	if (!d)
		return 0;
	if (!made && rules & TO_SIP_ANSWER && !(d->flags & TO_ENTRY_PROVEN)) {
		if (rules & TO_SIP_UNHEARD) {
			d->flags |= TO_ENTRY_ESTABLISHED;
			d->life = idle;
		}
		d = to_sip_prove(x, k, TO_DIALOG, d);
		proved = d->flags & TO_ENTRY_PROVEN;
	}
	if (d->edge != k->out.edge)
		return 0; /* another worker's came first */
	to_dialog_message(x, k, d, idle);
	if (proved && d->flags & TO_ENTRY_DECIDED && !(d->flags & TO_ENTRY_ENDED))
		to_affinity_update(x, k, d, TO_AFFINITY_PROVED);
	return d->flags & TO_ENTRY_PROVEN;
}

/* Likewise of the transaction. */
TO_PART int to_transaction_update(to_engine *x, struct to_packet *k, uint32_t rules)
{
	struct to_entry *t;
	bool made = false;

	TO_PART_CHECK(k);
	if (!(k->sip.flags & TO_SIP_BRANCH))
		return 0;
	t = to_sip_find(x, k, TO_TRANSACTION);
	if (t && t->edge != k->out.edge) {
		if (t->flags & TO_ENTRY_PROVEN)
			return 0;
		t = NULL;
	}
	if (!t && rules & TO_SIP_MAKE_TRANSACTION && k->sip.flags & TO_SIP_REQUEST &&
	    k->sip.method != TO_SIP_ACK) {
		t = to_sip_add(x, k, TO_TRANSACTION, rules & TO_SIP_PROVEN,
			       rules & TO_SIP_VIA ? TO_ENTRY_VIA_VIP : 0);
		made = true;
	}
	if (!t)
		return 0;
	if (!made && rules & TO_SIP_ANSWER && !(t->flags & TO_ENTRY_PROVEN))
		t = to_sip_prove(x, k, TO_TRANSACTION, t);
	if (t->edge != k->out.edge)
		return 0;
	to_transaction_message(k, t);
	return 0;
}

#endif
