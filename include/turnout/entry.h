/* SPDX-License-Identifier: BSD-3-Clause */
/* What both engines remember: keys and values of pins and their kin. docs/state.md, section 1. */
#ifndef TURNOUT_ENTRY_H
#define TURNOUT_ENTRY_H

#include "types.h"

enum to_entry_kind {
	TO_PIN4,   /* struct to_key */
	TO_PIN6,   /* struct to_key6 */
	TO_DIALOG, /* struct to_key, all below likewise */
	TO_TRANSACTION,
	TO_AFFINITY,
	TO_OWNER,
	TO_FRAGMENT,
	TO_ENTRY_KIND_COUNT
};

/*
 * The key of every kind but IPv6 pins: 12 bytes, so that key, value and the table's own 4 bytes
 * fill half a cache line. What the bytes mean depends on the kind: the builders in key.h say.
 */
struct to_key {
	uint32_t w[3];
};
_Static_assert(sizeof(struct to_key) == 12, "layout");

struct to_key6 {
	union to_addr client; /* 16 bytes */
	to_be16 client_port;
	to_be16 vip_port;
	uint8_t vip;
	uint8_t proto; /* enum to_proto */
	uint8_t reserved[2];
};
_Static_assert(sizeof(struct to_key6) == 24, "layout");

enum to_entry_flags {
	TO_ENTRY_PROVEN = 1,
	TO_ENTRY_EDGE_OPENED = 2,  /* pin: made by the edge's packet */
	TO_ENTRY_VIA_VIP = 4,      /* dialog, transaction: made through the VIP */
	TO_ENTRY_AFFINE = 8,       /* counts in its client's affinity */
	TO_ENTRY_ESTABLISHED = 16, /* dialog: 2xx to INVITE or SUBSCRIBE seen */
	TO_ENTRY_ENDED = 32,       /* dialog: BYE answered; not renewed any more */
	TO_ENTRY_DECIDED = 64,     /* made by steps 8 to 11: its proof writes affinity */
};

/* Bits of a TCP pin: docs/state.md, 5.2. All zero: open, nothing special. */
enum to_tcp_bits {
	TO_TCP_FIN_CLIENT = 1,
	TO_TCP_FIN_EDGE = 2,
	TO_TCP_RST = 4,
	TO_TCP_SEEN_CLIENT = 8,
	TO_TCP_SEEN_EDGE = 16,
	TO_TCP_OPENING = 32, /* opened by the edge, the client has not answered */
};

TO_INLINE bool to_tcp_closing(uint8_t tcp)
{
	return tcp & TO_TCP_RST || (tcp & (TO_TCP_FIN_CLIENT | TO_TCP_FIN_EDGE)) ==
					   (TO_TCP_FIN_CLIENT | TO_TCP_FIN_EDGE);
}

struct to_entry {
	uint32_t expires; /* clock seconds; live while now < expires */
	uint8_t edge;
	uint8_t service; /* TO_NO_INDEX: none */
	uint8_t flags;   /* enum to_entry_flags */
	uint8_t tcp;     /* TCP pin: enum to_tcp_bits; UDP pin: 1 + VIP of its relay port, or 0;
			    fragment: enum to_verdict */
	uint16_t life;   /* seconds that a packet renews it by */
	uint16_t aux;    /* UDP pin: its relay port (host order); affinity: live count */
	uint32_t mark;   /* pin, dialog: when it last renewed its affinity; fragment: VIP, action */
};
_Static_assert(sizeof(struct to_entry) == 16, "layout");

#endif
