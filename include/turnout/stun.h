/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the decision needs of a STUN message over UDP (RFC 8489, RFC 8656) and of its Microsoft kin
 * ([MS-TURN]), also inside the FF 10 multiplex. For payloads of class stun or ms-turn.
 */
#ifndef TURNOUT_STUN_H
#define TURNOUT_STUN_H

#include "classify.h"

enum to_stun_type {
	TO_STUN_BINDING = 0x0001,
	TO_STUN_SHARED_SECRET = 0x0002,
	TO_STUN_ALLOCATE = 0x0003,
	TO_STUN_ALLOCATE_SUCCESS = 0x0103,
	TO_STUN_REFRESH_SUCCESS = 0x0104,
	TO_STUN_UNREADABLE = 0xffff,
};

enum to_stun_attribute {
	TO_STUN_MAPPED_ADDRESS = 0x0001, /* [MS-TURN] 2.2.2.2: the relayed address */
	TO_STUN_LIFETIME = 0x000d,
	TO_STUN_XOR_RELAYED_ADDRESS = 0x0016,
};

struct to_stun {
	union to_addr relayed;
	uint32_t lifetime; /* seconds */
	uint16_t type;
	uint16_t relayed_port; /* host order */
	uint8_t ms;            /* the first attribute is MS-TURN's */
	uint8_t has_lifetime;
	uint8_t has_relayed;
	uint8_t saw_lifetime; /* the first of its kind counts, also when it is not readable */
	uint8_t saw_relayed;
	uint8_t reserved[3];
};
_Static_assert(sizeof(struct to_stun) == 32, "layout");

/* How far inside the payload the message begins. */
TO_INLINE uint32_t to_stun_skip(uint64_t head)
{
	return to_head16(head, 0) == 0xff10 ? 12 : 0;
}

/*
 * An address attribute's value at `off`: zero, family (1 or 2), port, address. `mask`: what it is
 * XORed with, as to_get8() gives it: cookie and transaction id (RFC 8489, 14.2), or zero.
 */
TO_INLINE bool to_stun_address(to_base base, uint32_t off, uint32_t size, uint32_t end,
			       const uint64_t mask[2], struct to_stun *stun)
{
	uint64_t w = to_get8(base, off, end);
	uint16_t port = (uint16_t)(w >> 16) ^ (uint16_t)mask[0];

	if (size > end - off)
		return false;
	if (to_head1(w, 1) == 1 && size >= 8) {
		stun->relayed = to_addr_v4((to_be32){(uint32_t)(w >> 32) ^ (uint32_t)mask[0]});
	} else if (to_head1(w, 1) == 2 && size >= 20) {
		stun->relayed.d[0] = to_get8(base, off + 4, end) ^ mask[0];
		stun->relayed.d[1] = to_get8(base, off + 12, end) ^ mask[1];
	} else {
		return false;
	}
	stun->relayed_port = __builtin_bswap16(port);
	return true;
}

/* The first of each attribute counts. */
TO_GLOBAL uint32_t to_stun_take(to_base base, uint32_t at, uint32_t off, uint32_t end,
				struct to_stun *stun)
{
	uint64_t mask[2] = {0, 0}, w = to_get8(base, off, end);
	uint32_t type = to_head16(w, 0), size = to_head16(w, 2);
	uint32_t wanted;

	if (!stun)
		return 0;
	wanted = stun->ms ? TO_STUN_MAPPED_ADDRESS : TO_STUN_XOR_RELAYED_ADDRESS;
	if (type == TO_STUN_LIFETIME && !stun->saw_lifetime) {
		stun->saw_lifetime = 1;
		stun->has_lifetime = size == 4 && off + 8 <= end;
		if (stun->has_lifetime)
			stun->lifetime = __builtin_bswap32((uint32_t)(w >> 32));
	} else if (type == wanted && !stun->saw_relayed) {
		stun->saw_relayed = 1;
		if (!stun->ms) {
			mask[0] = to_get8(base, at + 4, end);
			mask[1] = to_get8(base, at + 12, end);
		}
		stun->has_relayed =
			off + 4 <= end && to_stun_address(base, off + 4, size, end, mask, stun);
	}
	return size;
}

/* MS-TURN does not pad attributes to four bytes, RFC 8489 does (section 14). */
TO_GLOBAL uint32_t to_stun_walk(to_base base, uint32_t at, uint32_t there, struct to_stun *stun)
{
	uint32_t end = at + there, off = at + 20, size;
	uint64_t w = to_get8(base, at, end);

	if (!stun || there < 20)
		return 0;
	stun->type = (uint16_t)to_head16(w, 0);
	stun->ms = to_get8(base, off, end) == to_word("\x00\x0f\x00\x04\x72\xc6\x4b\xc6", 8);
	if (off + to_head16(w, 2) < end)
		end = off + to_head16(w, 2);
	for (uint32_t i = 0; i < TO_STUN_MAX_ATTRIBUTES && off + 4 <= end; i++) {
		size = to_stun_take(base, at, off, end, stun);
		off += 4 + (stun->ms ? size : (size + 3) & ~3u);
	}
	return 1;
}

/* Reads a UDP payload of class stun or ms-turn. False, and all zero: its header is not there. */
TO_INLINE bool to_stun_read(const struct to_bytes *b, struct to_stun *stun)
{
	uint32_t skip = to_stun_skip(to_head(b));

	__builtin_memset(stun, 0, sizeof(*stun));
	if (b->there < skip)
		return false;
	return to_stun_walk(b->base, b->at + skip, b->there - skip, stun);
}

TO_INLINE uint16_t to_stun_type(const struct to_bytes *b)
{
	uint32_t skip = to_stun_skip(to_head(b));

	if (b->there < skip + 2)
		return TO_STUN_UNREADABLE;
	return (uint16_t)to_get16(b->base, b->at + skip, to_end(b));
}

/* Can a client's first packet be this one? docs/state.md, section 4. */
TO_INLINE bool to_stun_begins_flow(const struct to_bytes *b)
{
	uint16_t type = to_stun_type(b);

	return type == TO_STUN_BINDING || type == TO_STUN_ALLOCATE || type == TO_STUN_SHARED_SECRET;
}

/* A handshake record of epoch 0 that begins with a ClientHello. For payloads of class dtls. */
TO_INLINE bool to_dtls_is_client_hello(const struct to_bytes *b)
{
	uint64_t w = to_head(b);

	return b->there >= 14 && to_head1(w, 0) == 22 && to_head16(w, 3) == 0 &&
	       to_get1(b->base, b->at + 13, to_end(b)) == 1;
}

#endif
