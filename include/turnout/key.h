/* SPDX-License-Identifier: BSD-3-Clause */
/* Keys of entries: docs/state.md, section 1. */
#ifndef TURNOUT_KEY_H
#define TURNOUT_KEY_H

#include "hash.h"
#include "packet.h"

/* IPv4 pin: address and ports as they lie in the packet. Two words are written as one, for they are
 * hashed as one right away, and a load does not find two stores. */
TO_INLINE struct to_key to_key_pin4(const union to_addr *client, to_be16 client_port, uint8_t vip,
				    to_be16 vip_port, uint8_t proto)
{
	uint64_t low =
		client->w[3] | (uint64_t)client_port.raw << 32 | (uint64_t)vip_port.raw << 48;
	struct to_key key;

	__builtin_memcpy(&key.w[0], &low, sizeof(low));
	key.w[2] = vip | (uint32_t)proto << 8;
	return key;
}

/* enum to_proto of a pin's key */
TO_INLINE uint8_t to_key_pin4_proto(const struct to_key *key)
{
	return key->w[2] >> 8 & 1;
}

TO_INLINE struct to_key6 to_key_pin6(const union to_addr *client, to_be16 client_port, uint8_t vip,
				     to_be16 vip_port, uint8_t proto)
{
	return (struct to_key6){.client = *client,
				.client_port = client_port,
				.vip_port = vip_port,
				.vip = vip,
				.proto = proto};
}

/* Call-ID or branch: 64 bits of SipHash, which nobody collides who does not know the salt, and 32
 * of the other hash. */
TO_INLINE struct to_key to_key_sip(const uint64_t hash[2])
{
	return (struct to_key){{(uint32_t)hash[1], (uint32_t)(hash[1] >> 32), (uint32_t)hash[0]}};
}

/* Likewise of an unproven entry, which speaks only for the client that made it. */
TO_INLINE struct to_key to_key_sip_unproven(const struct to_key *key, const union to_addr *client)
{
	uint64_t h = to_mix(to_client(client));

	return (struct to_key){
		{key->w[0] ^ (uint32_t)h, key->w[1] ^ (uint32_t)(h >> 32), key->w[2]}};
}

TO_INLINE struct to_key to_key_affinity(const union to_addr *client, uint8_t group)
{
	uint64_t c = to_client(client);

	return (struct to_key){{(uint32_t)c, (uint32_t)(c >> 32), group}};
}

TO_INLINE struct to_key to_key_owner(uint8_t vip, uint16_t port)
{
	return (struct to_key){{vip, port, 0}};
}

/* IPv4: exact (RFC 791: addresses, identification, protocol). IPv6: 96 hashed bits of addresses and
 * identification (RFC 8200, 4.5, which leaves the protocol out). */
TO_INLINE struct to_key to_key_fragment(const struct to_packet *k, uint64_t salt)
{
	uint64_t a, b;

	if (k->family == TO_IP4)
		return (struct to_key){
			{k->src.w[3], k->dst.w[3], k->fragment_id | (uint32_t)k->ipproto << 16}};
	a = to_mix(to_mix(to_mix(salt ^ k->src.d[0]) ^ k->src.d[1]) ^ k->fragment_id);
	b = to_mix(to_mix(a ^ k->dst.d[0]) ^ k->dst.d[1]);
	return (struct to_key){{(uint32_t)b, (uint32_t)(b >> 32), (uint32_t)a | 1u << 31}};
}

#endif
