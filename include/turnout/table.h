/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The stage table: one immutable, position-independent image. turnoutd (or `turnout`) compiles it
 * from a plan, a stage and the edges' states; an engine checks it whole (to_table_check, in
 * table_check.h) before it looks at anything else, and then reads it without further checks.
 *
 * Layout: struct to_table, then the sections in the order of enum to_section, each aligned to 64
 * bytes and padded with zero bytes. Little-endian; addresses in network order. The checksum covers
 * everything but itself.
 */
#ifndef TURNOUT_TABLE_H
#define TURNOUT_TABLE_H

#include "limits.h"
#include "lists.h"
#include "types.h"

#define TO_TABLE_MAGIC     0x454c424154544f54ULL /* "TOTTABLE" as bytes */
#define TO_TABLE_LAYOUT    1
#define TO_TABLE_ALIGN     64
#define TO_TABLE_MAX_BYTES (64u << 20)

enum to_section {
	TO_SECTION_ADDRESSES, /* struct to_address[]: hash table, a power of two of slots */
	TO_SECTION_BINDS,     /* struct to_bind[]: grouped by VIP, then by edge address */
	TO_SECTION_SERVICES,  /* struct to_service[] */
	TO_SECTION_POOLS,     /* struct to_pool[] */
	TO_SECTION_EDGES,     /* struct to_edge[] */
	TO_SECTION_TARGETS,   /* struct to_target[services * edges]: service-major */
	TO_SECTION_INTERVALS, /* struct to_interval[]: per service and family, sorted by `first` */
	TO_SECTION_ROUTES,    /* struct to_route[] */
	TO_SECTION_VIPS,      /* struct to_vip[] */
	TO_SECTION_GATEWAYS,  /* struct to_gateway[] */
	TO_SECTION_STRINGS,   /* char[]: NUL-terminated names; offset 0 is the empty string */
	TO_SECTION_COUNT
};

struct to_section_ref {
	uint32_t offset; /* bytes from the start of the image */
	uint32_t count;  /* elements */
};

/* The header. Size asserted below. */
struct to_table {
	uint64_t magic;
	uint32_t layout;
	uint32_t size;       /* of the whole image, bytes */
	uint64_t checksum;   /* to_table_checksum(): everything else in the image */
	uint64_t generation; /* from 1 */
	uint64_t salt;
	uint32_t stage;      /* index in the plan */
	uint32_t stage_name; /* offset in strings; likewise all names below */
	uint32_t site_name;
	uint32_t grace;        /* seconds */
	uint32_t committed;    /* clock seconds at which the generation was made; 0: not known */
	uint32_t address_mask; /* slots - 1 */
	uint64_t address_seed; /* of to_address_slot() */
	struct to_section_ref section[TO_SECTION_COUNT];
	uint8_t reserved[32]; /* zero */
};
_Static_assert(sizeof(struct to_section_ref) == 8, "layout");
_Static_assert(sizeof(struct to_table) == 192, "layout");

/* What an address is to us. Open addressing, linear probing from to_address_slot(); a free slot
 * (TO_ADDRESS_FREE) ends the search. At most half of the slots are used, and no address lies
 * TO_ADDRESS_PROBES slots or more from its own. */
enum to_address_kind {
	TO_ADDRESS_FREE = 0,
	TO_ADDRESS_VIP,
	TO_ADDRESS_EDGE,
	TO_ADDRESS_GATEWAY,
};
#define TO_ADDRESS_PROBES 8

struct to_address {
	union to_addr addr;
	uint8_t kind;   /* enum to_address_kind */
	uint8_t index;  /* VIP, edge or gateway */
	uint16_t binds; /* how many binds begin at first_bind (0 for a gateway) */
	uint32_t first_bind;
	uint32_t reserved[2];
};
_Static_assert(sizeof(struct to_address) == 32, "layout");
#define TO_MAX_BINDS_PER_ADDRESS 32

/*
 * A VIP's bind: what service (protocol, port) reaches. They do not overlap.
 * An edge address's bind: what the edge serves at that address, in the plan's order of services.
 * `vip` is the VIP of the address's family (a `dnat` edge's answer leaves with it), or TO_NO_INDEX
 * when the edge's mode is a DSR one or the service has no VIP of that family.
 */
struct to_bind {
	uint16_t port_low; /* host order, inclusive */
	uint16_t port_high;
	uint8_t proto; /* enum to_proto */
	uint8_t service;
	uint8_t vip;
	uint8_t reserved;
};
_Static_assert(sizeof(struct to_bind) == 8, "layout");

enum to_service_flags {
	TO_SERVICE_BALANCE_FLOW = 1,
	TO_SERVICE_FALLBACK_OTHER = 2,
	TO_SERVICE_EDGE_INITIATED_VIP = 4,
	TO_SERVICE_MIDFLOW_DROP = 8,
	TO_SERVICE_MIDFLOW_NEW = 16,
	TO_SERVICE_LEARN = 32, /* its edges' answers are read for owners (kind turn or sip) */
	TO_SERVICE_OWNED = 64, /* ports of it may be owned (kind media or turn, UDP) */
};

struct to_service {
	uint8_t kind; /* enum to_kind */
	uint8_t proto;
	uint8_t flags;
	uint8_t group; /* affinity group, or TO_NO_INDEX */
	uint8_t legacy_pool;
	uint8_t new_pool;
	uint8_t vip4; /* TO_NO_INDEX: none of this family */
	uint8_t vip6;
	uint16_t port_low;
	uint16_t port_high;
	uint16_t idle; /* seconds, 1 to 65,535 */
	uint16_t reserved;
	uint32_t name;
	/* intervals of the stage's routes, by family; the first begins at 0, so one always holds */
	uint32_t first_interval[2]; /* [0] IPv4, [1] IPv6 */
	uint32_t intervals[2];
	uint32_t reserved2[7];
};
_Static_assert(sizeof(struct to_service) == 64, "layout");

struct to_pool {
	uint8_t role; /* 0 legacy, 1 new */
	uint8_t first_edge;
	uint8_t edges;
	uint8_t reserved;
	uint32_t name;
};
_Static_assert(sizeof(struct to_pool) == 8, "layout");

struct to_edge {
	uint64_t seed;
	uint8_t state; /* enum to_edge_state */
	uint8_t mode;  /* enum to_mode */
	uint8_t pool;
	uint8_t reserved;
	uint32_t name;
};
_Static_assert(sizeof(struct to_edge) == 16, "layout");

/* Where a service's packets go at an edge. A family that the edge has no address of is all zero. */
struct to_target {
	union to_addr v6;
	to_be32 v4;
	uint8_t has4; /* 0 or 1 */
	uint8_t has6;
	uint8_t mode;     /* the edge's */
	uint8_t gateway4; /* `ipip`: the gateway address that the tunnel begins at, or TO_NO_INDEX
			   */
	uint8_t gateway6;
	uint8_t reserved[7];
};
_Static_assert(sizeof(struct to_target) == 32, "layout");

/* Clients from `first` to the next interval's first (or the end) take `route`. Nested prefixes are
 * flattened: one search finds the longest match. `first` is the IPv4 address as a number, or the
 * upper 64 bits of the IPv6 address. */
struct to_interval {
	uint64_t first;
	uint32_t route;
	uint32_t reserved;
};
_Static_assert(sizeof(struct to_interval) == 16, "layout");

struct to_route {
	uint16_t share; /* hundredths of a percent of clients to the new pool */
	uint16_t reserved;
	uint32_t partner;        /* name; the empty string: everyone */
	uint32_t new_zero_since; /* clock seconds when the new pool's share became 0; 0: long ago */
	uint32_t legacy_zero_since; /* likewise the legacy pool's */
};
_Static_assert(sizeof(struct to_route) == 16, "layout");

struct to_vip {
	union to_addr addr;
	uint8_t family; /* enum to_family */
	uint8_t reserved[7];
	uint64_t reserved2;
};
_Static_assert(sizeof(struct to_vip) == 32, "layout");

struct to_gateway {
	union to_addr addr;
};
_Static_assert(sizeof(struct to_gateway) == 16, "layout");

/* The slot where the search for an address begins. What tells our addresses apart are their last
 * bytes, the high bits of a word: they are folded down before each multiplication. */
TO_INLINE uint32_t to_address_slot(const union to_addr *a, uint64_t seed, uint32_t mask)
{
	uint64_t h = a->d[1] ^ seed;

	h ^= h >> 32;
	h *= 0x9e3779b97f4a7c15ULL;
	h ^= a->d[0];
	h ^= h >> 32;
	h *= 0xbf58476d1ce4e5b9ULL;
	return (uint32_t)(h >> 32) & mask;
}

#endif
