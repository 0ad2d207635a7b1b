/* SPDX-License-Identifier: BSD-3-Clause */
/* What the DPDK engine supplies to the decision (turnout/engine.h): its state tables, its bytes. */
#ifndef TURNOUT_DATAPLANE_ENGINE_H
#define TURNOUT_DATAPLANE_ENGINE_H

#include <turnout/decide.h>

#include "ahead.h"
#include "worker.h"

static inline const struct to_table *to_engine_table(to_engine *x, const struct to_packet *k)
{
	(void)k;
	return x->table;
}

static inline const uint8_t *to_engine_data(to_engine *x, const uint8_t **end)
{
	*end = x->end;
	return x->data;
}

static inline struct to_bytes to_engine_payload(to_engine *x, const struct to_packet *k)
{
	return to_bytes_of(x->data, x->end - x->data, k->payload, k->payload_len);
}

static inline struct to_claims *to_engine_claims(to_engine *x)
{
	return &x->claims;
}

static inline void to_engine_event(to_engine *x, enum to_event event)
{
	x->counters->events[event]++;
}

static inline uint32_t to_engine_sip_rate(to_engine *x)
{
	return x->sip_rate;
}

static inline struct to_sip_buckets *to_engine_sip_buckets(to_engine *x)
{
	return &x->sip;
}

static inline struct to_known_set *to_engine_known(to_engine *x, uint32_t index)
{
	return &x->known[index];
}

static inline uint64_t to_engine_nanoseconds(to_engine *x, const struct to_packet *k)
{
	(void)k;
	return x->nanoseconds;
}

/* The hash of a pin's key is made once a packet, ahead of its look-up. */
static inline uint64_t to_engine_hash(to_engine *x, struct to_packet *k, enum to_entry_kind kind,
				      const void *key)
{
	if (kind != TO_PIN4 && kind != TO_PIN6)
		return to_state_hash(x->state, kind, key);
	if (!k->hash)
		k->hash = to_state_hash(x->state, kind, key);
	return k->hash;
}

static inline struct to_entry *to_engine_find(to_engine *x, struct to_packet *k,
					      enum to_entry_kind kind, bool proven, const void *key)
{
	return to_state_find_hashed(x->state, kind, proven, key, to_engine_hash(x, k, kind, key),
				    k->now);
}

static inline void to_engine_fetch(to_engine *x, enum to_entry_kind kind, const struct to_key *key)
{
	to_state_prefetch(x->state, kind, true, to_state_hash(x->state, kind, key));
}

static inline struct to_entry *to_engine_add(to_engine *x, struct to_packet *k,
					     enum to_entry_kind kind, bool proven, const void *key,
					     const struct to_entry *value)
{
	uint64_t hash = to_engine_hash(x, k, kind, key);

	if (proven)
		return to_state_add_proven(x->state, kind, key, hash, value, k->now);
	if (kind == TO_PIN4 || kind == TO_PIN6)
		to_look_ahead(x, k);
	return to_state_add_unproven(x->state, kind, key, hash, value, k->now);
}

static inline struct to_entry *to_engine_prove(to_engine *x, struct to_packet *k,
					       enum to_entry_kind kind, const void *key,
					       const void *proven_key, struct to_entry *e,
					       bool *anew)
{
	(void)key;
	(void)anew;
	if (kind == TO_PIN4 || kind == TO_PIN6)
		to_look_ahead(x, k);
	return to_state_prove(x->state, kind, proven_key, to_engine_hash(x, k, kind, proven_key), e,
			      k->now);
}

#endif
