/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A cutover plan, checked: docs/plan.md. What is here was consistent when it was loaded: every
 * index is in bounds, every name resolved.
 */
#ifndef TURNOUT_PLAN_H
#define TURNOUT_PLAN_H

#include <turnout/limits.h>
#include <turnout/lists.h>
#include <turnout/types.h>

#include "arena.h"
#include "report.h"

/* Bounds of a plan beside those of a table: generous for people, tight for hostile files. */
#define TO_PLAN_MAX_STAGES 256
#define TO_PLAN_MAX_GATES  64  /* of a stage */
#define TO_PLAN_MAX_FQDN   253 /* RFC 1035, 2.3.4, without the last dot */
#define TO_PLAN_MAX_SALT   255
#define TO_PLAN_MAX_ACK    63 /* it is what a person will have done: longer than a name */

enum to_role { TO_LEGACY = 0, TO_NEW = 1 };
enum to_midflow { TO_MIDFLOW_LEGACY, TO_MIDFLOW_NEW, TO_MIDFLOW_DROP };

typedef char to_plan_name[TO_MAX_NAME + 1];

struct to_plan_gateway {
	union to_addr addr;
	struct to_place at;
};

struct to_plan_vip {
	union to_addr addr;
	uint8_t family;     /* enum to_family */
	struct to_place at; /* where it was first named */
};

/* An edge's addresses of one name. [0] IPv4, [1] IPv6, here and below. */
struct to_plan_address {
	to_plan_name name;
	bool has[2];
	union to_addr addr[2];
	struct to_place at[2];
};

struct to_plan_edge {
	to_plan_name name;
	uint8_t pool;
	uint8_t mode;        /* enum to_mode */
	uint32_t check_mark; /* SO_MARK of probes to the VIPs; 0: its own addresses are asked */
	uint32_t addresses;
	struct to_plan_address *address;
	struct to_place at;
};

struct to_plan_fqdn {
	to_plan_name name; /* of the address */
	char *fqdn;
	struct to_place at;
};

struct to_plan_pool {
	to_plan_name name;
	uint8_t role; /* enum to_role */
	uint8_t mode; /* enum to_mode: its edges', unless they say otherwise */
	uint8_t first_edge;
	uint8_t edges;
	uint32_t fqdns;
	struct to_plan_fqdn *fqdn;
	struct to_place at;
};

/* How a service is asked whether it lives. */
enum to_probe {
	TO_PROBE_NONE,
	TO_PROBE_TCP,         /* a connection */
	TO_PROBE_TLS,         /* a handshake */
	TO_PROBE_SIP_OPTIONS, /* an answer, RFC 3261, 11 */
	TO_PROBE_STUN,        /* a Binding, RFC 8489 */
	TO_PROBE_COUNT
};
enum to_transport { TO_OVER_UDP, TO_OVER_TCP, TO_OVER_TLS };

extern const char *const to_probe_names[TO_PROBE_COUNT];

struct to_plan_check {
	uint8_t probe;     /* enum to_probe */
	uint8_t transport; /* enum to_transport */
	uint8_t rise;      /* good probes in a row until it is up */
	uint8_t fall;      /* bad ones until it is down */
	uint16_t port;     /* the edge's; 0 with TO_PROBE_NONE */
	uint32_t interval; /* milliseconds, likewise the time-out, which is no longer */
	uint32_t timeout;
};

struct to_plan_service {
	to_plan_name name;
	uint8_t kind;  /* enum to_kind */
	uint8_t proto; /* enum to_proto */
	uint16_t port_low;
	uint16_t port_high;
	uint16_t idle; /* seconds */
	uint8_t vips;
	uint8_t vip[TO_MAX_VIPS];
	struct to_place vip_at[TO_MAX_VIPS];
	uint8_t first_vip[2]; /* of the family, or TO_NO_INDEX */
	to_plan_name address;
	uint8_t pool[2]; /* by enum to_role */
	uint8_t group;   /* in the plan's groups, or TO_NO_INDEX */
	bool balance_flow;
	bool fallback_other;
	bool edge_initiated_vip;
	uint8_t midflow; /* enum to_midflow */
	struct to_plan_check check;
	struct to_place at;
	struct to_place port_at;
};

/* Clients from `first`: the IPv4 address, or the upper 64 bits of the IPv6 one, as a number. */
struct to_plan_prefix {
	uint64_t first;
	uint8_t length; /* IPv6: at most 64 */
	uint8_t family; /* enum to_family */
	struct to_place at;
};

struct to_plan_partner {
	to_plan_name name;
	uint32_t prefixes;
	struct to_plan_prefix *prefix;
	struct to_place at;
};

struct to_plan_exception {
	uint32_t partner;
	uint16_t share;
};

/* Of new clients, how many go to the new pool: hundredths of a percent. */
struct to_plan_route {
	uint16_t share; /* of everyone who is not an exception */
	uint32_t exceptions;
	struct to_plan_exception *exception; /* in the order of the file */
	struct to_place at; /* the stage's, where it has no route for the service */
};

enum to_gate_kind {
	TO_GATE_SOAK,          /* seconds */
	TO_GATE_CONNECTIONS,   /* service, pool, number (at least) */
	TO_GATE_FAILURES,      /* service, stage */
	TO_GATE_NEW_FLOWS,     /* service, pool, number (at most) */
	TO_GATE_ACK,           /* ack */
	TO_GATE_PARTNERS_SEEN, /* list of partners; everyone when `all` */
	TO_GATE_DRAINED,       /* pool or edge, seconds, list of services (except) */
	TO_GATE_PREFLIGHT,     /* list of enum to_preflight */
	TO_GATE_KIND_COUNT
};

enum to_preflight {
	TO_PREFLIGHT_NAMES,                /* S6 */
	TO_PREFLIGHT_ACCESS_CERTIFICATE,   /* S17 */
	TO_PREFLIGHT_INTERNAL_CERTIFICATE, /* S18 */
	TO_PREFLIGHT_NEXT_HOP,             /* S22 */
	TO_PREFLIGHT_ALL_EDGES,            /* S33 */
	TO_PREFLIGHT_COUNT
};

extern const char *const to_gate_names[TO_GATE_KIND_COUNT];
extern const char *const to_preflight_names[TO_PREFLIGHT_COUNT];

struct to_plan_gate {
	uint8_t kind;    /* enum to_gate_kind */
	uint8_t service; /* TO_NO_INDEX where the kind has none, likewise below */
	uint8_t pool;
	uint8_t edge;
	bool all;
	uint32_t stage;
	uint32_t seconds;
	uint64_t number;
	char ack[TO_PLAN_MAX_ACK + 1];
	uint32_t items;
	uint32_t *item;
	struct to_place at;
};

struct to_plan_stage {
	to_plan_name name;
	struct to_plan_route route[TO_MAX_SERVICES];
	uint8_t midflow[TO_MAX_SERVICES]; /* enum to_midflow, or TO_NO_INDEX: the service's */
	uint8_t federation_route;         /* enum to_role */
	bool has_window;
	uint16_t window_from; /* minutes of the UTC day */
	uint16_t window_to;
	uint32_t gates;
	struct to_plan_gate *gate;
	struct to_place at;
};

struct to_plan {
	to_plan_name site;
	char salt[TO_PLAN_MAX_SALT + 1];
	uint32_t grace; /* seconds */
	bool relay_key_shared;
	uint32_t gateways, vips, pools, edges, services, groups, partners, stages;
	struct to_plan_gateway gateway[TO_MAX_GATEWAYS];
	struct to_plan_vip vip[TO_MAX_VIPS];
	struct to_plan_pool pool[TO_MAX_POOLS];
	struct to_plan_edge edge[TO_MAX_EDGES];
	struct to_plan_service service[TO_MAX_SERVICES];
	to_plan_name group[TO_MAX_SERVICES];
	struct to_plan_partner *partner;
	struct to_plan_stage *stage;
	struct to_arena arena;
};

/*
 * Reads and checks a plan. 0: *out is one (to_plan_free() it), the report may hold warnings.
 * -EINVAL: the report says what is wrong, sorted by place. Other negative errno: the file could not
 * be read. *out is NULL in both.
 */
int to_plan_load(const char *path, struct to_report *report, struct to_plan **out);
int to_plan_parse(const char *text, size_t size, struct to_report *report, struct to_plan **out);
void to_plan_free(struct to_plan *plan);

/* The stage of that name, or -1. */
int to_plan_find_stage(const struct to_plan *plan, const char *name);
int to_plan_find_service(const struct to_plan *plan, const char *name);
int to_plan_find_edge(const struct to_plan *plan, const char *name);

/* The edge's addresses for the service; NULL: it is in none of the service's pools. */
const struct to_plan_address *to_plan_edge_address(const struct to_plan_edge *edge,
						   const struct to_plan_service *service);

/* [0] for IPv4, [1] for IPv6 */
static inline int to_family_index(const union to_addr *addr)
{
	return to_addr_is_v4(addr) ? 0 : 1;
}

#endif
