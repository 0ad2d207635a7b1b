/* SPDX-License-Identifier: BSD-3-Clause */
/* The hashes that decide where a client goes: docs/state.md, section 6. */
#ifndef TURNOUT_HASH_H
#define TURNOUT_HASH_H

#include "limits.h"
#include "types.h"

/* The finaliser of splitmix64 (Steele, Lea, Flood 2014): a bijection on 64 bits. */
TO_INLINE uint64_t to_mix(uint64_t x)
{
	x ^= x >> 30;
	x *= 0xbf58476d1ce4e5b9ULL;
	x ^= x >> 27;
	x *= 0x94d049bb133111ebULL;
	x ^= x >> 31;
	return x;
}

/* FNV-1a over `len` bytes, for names and the salt; not for packets. */
static inline uint64_t to_fnv(const char *s, size_t len)
{
	uint64_t h = 0xcbf29ce484222325ULL;

	for (size_t i = 0; i < len; i++) {
		h ^= (uint8_t)s[i];
		h *= 0x100000001b3ULL;
	}
	return h;
}

/* A client as a number: an IPv4 address, or the upper half of an IPv6 one (its /64). */
TO_INLINE uint64_t to_client(const union to_addr *a)
{
	if (to_addr_is_v4(a))
		return 0x0000ffff00000000ULL | __builtin_bswap32(a->w[3]);
	return __builtin_bswap64(a->d[0]);
}

/* Where a client stands between 0 and 9,999: below a route's share it goes to the new pool. */
TO_INLINE uint32_t to_bucket(uint64_t salt, uint64_t client)
{
	return (uint32_t)(((to_mix(salt ^ to_mix(client)) >> 32) * TO_SHARE_ALL) >> 32);
}

/* Rendezvous hashing: the eligible edge with the highest score takes the flow. An edge that comes
 * or goes moves only its own flows. */
TO_INLINE uint64_t to_score(uint64_t flowkey, uint64_t edge_seed)
{
	return to_mix(to_mix(flowkey) ^ edge_seed);
}

TO_INLINE uint64_t to_flowkey(uint64_t client, uint16_t client_port, uint16_t vip_port)
{
	return to_mix(client) + ((uint32_t)client_port << 16 | vip_port);
}

#endif
