/* SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only) */
/*
 * The shared core as a whole XDP program, with nothing of its own but look-ups: parses a frame,
 * decides it, and leaves the decision in a map. The test suite loads it into the running kernel and
 * holds its verdicts against the reference model's.
 */
#define TO_BPF_TABLE_BYTES (1u << 20)

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include <turnout/engine.h>

#include "core.h"

struct table_value {
	uint8_t bytes[TO_BPF_TABLE_BYTES + 64]; /* an element may begin at the last byte */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct table_value);
} tables SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct to_bpf_input);
} input SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct to_decision);
} output SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, TO_EVENT_COUNT);
	__type(key, __u32);
	__type(value, __u64);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct to_packet);
} scratch SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct to_claims);
} claims SEC(".maps");

/* Entries: what is proven in a table that evicts nothing, what is not in one that evicts the
 * oldest; so nothing unproven ever displaces anything proven (I4). */
#define ENTRIES(name, map_type, key_type, most)                                                    \
	struct {                                                                                   \
		__uint(type, map_type);                                                            \
		__uint(max_entries, most);                                                         \
		__type(key, key_type);                                                             \
		__type(value, struct to_entry);                                                    \
	} name SEC(".maps")

ENTRIES(pins4, BPF_MAP_TYPE_HASH, struct to_key, 65536);
ENTRIES(pins4_unproven, BPF_MAP_TYPE_LRU_HASH, struct to_key, 16384);
ENTRIES(pins6, BPF_MAP_TYPE_HASH, struct to_key6, 65536);
ENTRIES(pins6_unproven, BPF_MAP_TYPE_LRU_HASH, struct to_key6, 16384);
ENTRIES(dialogs, BPF_MAP_TYPE_HASH, struct to_key, 16384);
ENTRIES(dialogs_unproven, BPF_MAP_TYPE_LRU_HASH, struct to_key, 16384);
ENTRIES(transactions, BPF_MAP_TYPE_HASH, struct to_key, 16384);
ENTRIES(transactions_unproven, BPF_MAP_TYPE_LRU_HASH, struct to_key, 16384);
ENTRIES(affinities, BPF_MAP_TYPE_HASH, struct to_key, 16384);
ENTRIES(owners, BPF_MAP_TYPE_HASH, struct to_key, 16384);
ENTRIES(fragments, BPF_MAP_TYPE_HASH, struct to_key, 16384);
ENTRIES(fragments_unproven, BPF_MAP_TYPE_LRU_HASH, struct to_key, 16384);

static inline const struct to_table *to_engine_table(to_engine *x, const struct to_packet *k)
{
	__u32 slot = k->slot;

	(void)x;
	return bpf_map_lookup_elem(&tables, &slot);
}

static inline const uint8_t *to_engine_data(to_engine *x, const uint8_t **end)
{
	*end = (const uint8_t *)(long)x->data_end;
	return (const uint8_t *)(long)x->data;
}

static inline struct to_bytes to_engine_payload(to_engine *x, const struct to_packet *k)
{
	return to_bytes_of(x, x->data_end - x->data, k->payload, k->payload_len);
}

static inline struct to_claims *to_engine_claims(to_engine *x)
{
	__u32 zero = 0;

	(void)x;
	return bpf_map_lookup_elem(&claims, &zero);
}

static inline void to_engine_event(to_engine *x, enum to_event event)
{
	__u32 i = event;
	__u64 *n = bpf_map_lookup_elem(&events, &i);

	(void)x;
	if (n)
		__sync_fetch_and_add(n, 1);
}

/* Calls helper(map, ...) with the map of (kind, proven): both constants where they are inlined, so
 * that each call has one map, whose look-up the verifier inlines. */
#define WITH_MAP(kind, proven, call)                                                               \
	switch ((kind)*2 + (proven)) {                                                             \
	case TO_PIN4 * 2:                                                                          \
		return call(&pins4_unproven);                                                      \
	case TO_PIN4 * 2 + 1:                                                                      \
		return call(&pins4);                                                               \
	case TO_PIN6 * 2:                                                                          \
		return call(&pins6_unproven);                                                      \
	case TO_PIN6 * 2 + 1:                                                                      \
		return call(&pins6);                                                               \
	case TO_DIALOG * 2:                                                                        \
		return call(&dialogs_unproven);                                                    \
	case TO_DIALOG * 2 + 1:                                                                    \
		return call(&dialogs);                                                             \
	case TO_TRANSACTION * 2:                                                                   \
		return call(&transactions_unproven);                                               \
	case TO_TRANSACTION * 2 + 1:                                                               \
		return call(&transactions);                                                        \
	case TO_AFFINITY * 2 + 1:                                                                  \
		return call(&affinities);                                                          \
	case TO_OWNER * 2 + 1:                                                                     \
		return call(&owners);                                                              \
	case TO_FRAGMENT * 2:                                                                      \
		return call(&fragments_unproven);                                                  \
	default:                                                                                   \
		return call(&fragments);                                                           \
	}

TO_INLINE struct to_entry *map_find(enum to_entry_kind kind, bool proven, const void *key){
#define FIND(map) bpf_map_lookup_elem(map, key)
	WITH_MAP(kind, proven, FIND)
#undef FIND
}

TO_INLINE long map_update(enum to_entry_kind kind, bool proven, const void *key,
			  const struct to_entry *value){
#define UPDATE(map) bpf_map_update_elem(map, key, value, BPF_ANY)
	WITH_MAP(kind, proven, UPDATE)
#undef UPDATE
}

TO_INLINE long map_delete(enum to_entry_kind kind, bool proven, const void *key){
#define DELETE(map) bpf_map_delete_elem(map, key)
	WITH_MAP(kind, proven, DELETE)
#undef DELETE
}

TO_INLINE struct to_entry *to_engine_find(to_engine *x, struct to_packet *k,
					  enum to_entry_kind kind, bool proven, const void *key)
{
	struct to_entry *e = map_find(kind, proven, key);

	(void)x;
	return e && k->now < e->expires ? e : NULL;
}

TO_INLINE struct to_entry *to_engine_add(to_engine *x, struct to_packet *k, enum to_entry_kind kind,
					 bool proven, const void *key, const struct to_entry *value)
{
	(void)x;
	(void)k;
	if (map_update(kind, proven, key, value))
		return NULL;
	return map_find(kind, proven, key);
}

TO_INLINE struct to_entry *to_engine_prove(to_engine *x, struct to_packet *k,
					   enum to_entry_kind kind, const void *key,
					   const void *proven_key, struct to_entry *e)
{
	struct to_entry v = *e;

	(void)x;
	(void)k;
	v.flags |= TO_ENTRY_PROVEN;
	if (map_update(kind, true, proven_key, &v))
		return NULL;
	map_delete(kind, false, key);
	return map_find(kind, true, proven_key);
}

#include <turnout/decide.h>
#include <turnout/parse.h>
#include <turnout/rewrite.h>

TO_PART int to_parse_packet(to_engine *x, struct to_packet *k)
{
	const uint8_t *data, *end;

	TO_PART_CHECK(k);
	data = to_engine_data(x, &end);
	to_parse(data, end, k);
	return 0;
}

/* TTL and MTU, of what would leave. */
TO_PART int to_check_leaving(to_engine *x, struct to_packet *k, uint32_t mtu)
{
	const struct to_target *g;
	const struct to_table *t;
	uint32_t overhead = 0;

	TO_PART_CHECK(k);
	t = to_engine_table(x, k);
	if (!t || k->out.action == TO_ACT_NONE)
		return 0;
	if (k->out.action == TO_ACT_ENCAP) {
		g = to_target_of(t, k->out.service, k->out.edge);
		overhead = to_tunnel_overhead(g, k);
	}
	to_check_egress(k, mtu, overhead);
	return 0;
}

SEC("xdp")
int turnout_core(struct xdp_md *x)
{
	__u32 zero = 0;
	struct to_bpf_input *in = bpf_map_lookup_elem(&input, &zero);
	struct to_decision *out = bpf_map_lookup_elem(&output, &zero);
	struct to_packet *k = bpf_map_lookup_elem(&scratch, &zero);

	if (!in || !out || !k)
		return XDP_ABORTED;
	k->slot = in->slot;
	k->now = in->now;
	k->zone = in->zone;
	to_parse_packet(x, k);
	to_prepare(x, k);
	to_decide(x, k);
	to_check_leaving(x, k, in->mtu);
	*out = k->out;
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
