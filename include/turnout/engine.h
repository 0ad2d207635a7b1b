/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What an engine supplies to the decision: its table, its entries, its packet bytes. Each engine
 * defines these functions in the file that includes decide.h; everything else is written once.
 *
 * An entry's pointer stays good until the next to_engine_add of the same kind.
 */
#ifndef TURNOUT_ENGINE_H
#define TURNOUT_ENGINE_H

#include "bytes.h"
#include "packet.h"
#include "sdp.h"
#include "sip_guard.h"
#include "table.h"

#ifdef __bpf__
/* A part is a global function: verified by itself, once, whoever calls it. It takes scalars and
 * pointers to structs, which it must check, and returns a scalar. */
typedef struct xdp_md to_engine;
#define TO_PART        TO_GLOBAL
#define TO_PART_INLINE TO_GLOBAL
#define TO_PART_CHECK(p)                                                                           \
	do {                                                                                       \
		if (!(p))                                                                          \
			return 0;                                                                  \
	} while (0)
#else
typedef struct to_worker to_engine;
#define TO_PART        static inline
#define TO_PART_INLINE TO_INLINE /* one that every packet needs */
#define TO_PART_CHECK(p)
#endif

/* The table that decides this packet; BPF: NULL must be checked for. */
static inline const struct to_table *to_engine_table(to_engine *x, const struct to_packet *k);

/* The live entry of `key`, or NULL. `key` is a struct to_key6 for TO_PIN6, else a struct to_key.
 * `kind` and `proven` are constants where it is called. */
static inline struct to_entry *to_engine_find(to_engine *x, struct to_packet *k,
					      enum to_entry_kind kind, bool proven,
					      const void *key);

/* A proven entry of `key` will be looked for soon: its place may be fetched meanwhile. */
static inline void to_engine_fetch(to_engine *x, enum to_entry_kind kind, const struct to_key *key);

/* Adds an entry; one of the same key is replaced (of a proven dialog, transaction or owner: the
 * live one that is there stays and is returned). NULL: there is no place. */
static inline struct to_entry *to_engine_add(to_engine *x, struct to_packet *k,
					     enum to_entry_kind kind, bool proven, const void *key,
					     const struct to_entry *value);

/* Moves the unproven entry `e` of `key` to the proven ones, under `proven_key`, where it replaces
 * what is there. NULL: no place; `e` stays. `anew` is set to false when it was not this packet that
 * has proven it, but another CPU's of the same flow; else left alone. */
static inline struct to_entry *to_engine_prove(to_engine *x, struct to_packet *k,
					       enum to_entry_kind kind, const void *key,
					       const void *proven_key, struct to_entry *e,
					       bool *anew);

static inline void to_engine_event(to_engine *x, enum to_event event);

/* The frame's bytes: for parse.h, and for the readers of the payload (bytes.h). */
static inline const uint8_t *to_engine_data(to_engine *x, const uint8_t **end);
static inline struct to_bytes to_engine_payload(to_engine *x, const struct to_packet *k);

/* Room for the claims of one message, too large for BPF's stack. */
static inline struct to_claims *to_engine_claims(to_engine *x);

/* For the guard of SIP messages (sip_guard.h): kB a second, 0 for no guard; this worker's or CPU's
 * buckets; one of TO_KNOWN_SETS; nanoseconds of a clock, as fine as they need. */
static inline uint32_t to_engine_sip_rate(to_engine *x);
static inline struct to_sip_buckets *to_engine_sip_buckets(to_engine *x);
static inline struct to_known_set *to_engine_known(to_engine *x, uint32_t index);
static inline uint64_t to_engine_nanoseconds(to_engine *x, const struct to_packet *k);

/*
 * Element `index` of a section. An engine has checked the image, so the host adds only; for the BPF
 * verifier the offset is masked to the bytes that a table may have there. What stands before the
 * intervals, which nearly every packet asks for, is never large: there the mask is in the
 * instruction.
 */
TO_INLINE const void *to_element(const struct to_table *t, enum to_section s, uint32_t index,
				 uint32_t size)
{
	uint64_t off = t->section[s].offset + index * size;

#ifdef __bpf__
	TO_OPAQUE(off);
	off &= s < TO_SECTION_INTERVALS ? TO_BPF_TABLE_BYTES - 1 : TO_BPF_TABLE_MASK;
#endif
	return (const uint8_t *)t + off;
}

#endif
