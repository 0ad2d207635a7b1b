/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One flow's decision, step by step: `turnout explain`. The decision itself is decide.h, run by an
 * engine that remembers nothing; what stands around it is read from the table and asked of the same
 * functions that the decision asks.
 */
#ifndef TURNOUT_EXPLAIN_H
#define TURNOUT_EXPLAIN_H

#include <jansson.h>
#include <stdio.h>

#include <turnout/packet.h>
#include <turnout/table.h>

struct to_plan; /* plan.h shares a name with the decision: who reads plans includes it */

/* What the packet carries that is decided. */
enum to_cargo {
	TO_CARGO_SYN,
	TO_CARGO_EMPTY,    /* UDP without payload */
	TO_CARGO_INVITE,   /* with the flow's Call-ID */
	TO_CARGO_ALLOCATE, /* STUN */
	TO_CARGO_BINDING,  /* STUN */
	TO_CARGO_ACK,      /* TCP, mid-flow */
	TO_CARGO_CHANNEL,  /* UDP, mid-flow where anything is: ChannelData */
	TO_CARGO_COUNT
};

struct to_flow {
	union to_addr src;
	union to_addr dst;
	uint16_t sport; /* host order */
	uint16_t dport;
	uint8_t proto; /* enum to_proto */
	bool port_chosen;
	const char *call_id; /* 1 to TO_SIP_MAX_ID characters, none of them a blank */
};

#define TO_FLOW_FRAME 1024 /* bytes that hold the longest of them: an INVITE over IPv6 */

/* The flow's packet with this cargo, as an Ethernet frame. Returns its length. */
uint32_t to_flow_frame(const struct to_flow *flow, enum to_cargo cargo, uint8_t *frame);

/* "A", "A:P", "[A]", "[A]:P" or a bare IPv6 address; *port is 0 where there is none. NULL, or what
 * is wrong with it. */
const char *to_endpoint_parse(const char *text, union to_addr *addr, uint16_t *port);
/* "A:P" or "[A]:P", into a buffer of TO_ENDPOINT_TEXT */
#define TO_ENDPOINT_TEXT 56
const char *to_endpoint_text(const union to_addr *addr, uint16_t port, char *out);

/* An edge of the pool that was asked for one. */
struct to_candidate {
	uint8_t edge;
	bool admits; /* new flows, by its state */
	bool serves; /* has an address for the service */
	uint64_t score;
};

struct to_choice {
	uint8_t pool;
	uint8_t edge; /* the best eligible one, or TO_NO_INDEX */
	uint8_t count;
	struct to_candidate at[TO_MAX_EDGES]; /* highest score first */
};

/* What the decision wrote down. */
struct to_kept {
	uint8_t kind; /* enum to_entry_kind */
	bool proven;
	struct to_entry entry;
};
#define TO_MAX_KEPT 4

struct to_explanation {
	const struct to_table *table;
	uint8_t cargo; /* enum to_cargo */
	struct to_identity src;
	struct to_identity dst;
	struct to_packet packet; /* decided */
	/* the kinds of entry that it looked for, in its order, each once; enum to_entry_kind */
	uint8_t asked[TO_ENTRY_KIND_COUNT];
	uint8_t asks;
	struct to_kept kept[TO_MAX_KEPT];
	uint8_t keeps;

	/* steps 9 to 11, where they were come to */
	bool routed;
	const struct to_route *route;
	uint32_t bucket;
	bool takes_clients[2]; /* legacy, new */
	struct to_choice choice[2];
	uint8_t choices; /* 2: the second is the fallback */

	/* to a VIP's service: what cannot begin a flow there, if anything cannot */
	bool has_midflow;
	uint8_t midflow_cargo;
	struct to_decision midflow;

	/* how it leaves: by packet.out.action; all zero where an address has no part in it */
	union to_addr leaves_from;
	union to_addr leaves_to;
	uint32_t overhead; /* bytes of the tunnel */
};

void to_explain(const struct to_table *table, const struct to_flow *flow,
		struct to_explanation *out);

/* What another stage of the plan says of the same flow. */
struct to_stage_answer {
	struct to_decision out;
	uint8_t pool; /* TO_NO_INDEX: no edge */
	bool routed;
	bool moves; /* to another pool than in the stage before */
	uint16_t share;
	uint32_t bucket;
};

struct to_explained {
	const char *path;
	const struct to_plan *plan;
	uint32_t stage;
	const uint8_t *edge_states;
	const struct to_flow *flow;
	const struct to_explanation *what;
	const struct to_stage_answer *answers; /* one a stage */
};

/* Fills an answer for each stage of the plan. 0 or negative errno. */
int to_explain_stages(const struct to_plan *plan, const uint8_t *edge_states,
		      const struct to_flow *flow, struct to_stage_answer *answers);

void to_explain_text(const struct to_explained *e, FILE *out);
json_t *to_explain_json(const struct to_explained *e);

/* Words that both prints use. */
extern const char *const to_cargo_names[TO_CARGO_COUNT];
extern const char *const to_entry_kind_names[TO_ENTRY_KIND_COUNT];
const char *to_reason_why(enum to_reason reason);
const char *to_midflow_rule(const struct to_service *s);
const char *to_pool_name(const struct to_table *t, uint8_t pool);
const char *to_pool_role(const struct to_table *t, uint8_t pool);
const char *to_edge_name(const struct to_table *t, uint8_t edge);
const char *to_service_name(const struct to_table *t, uint8_t service);
/* The pool of the edge, or TO_NO_INDEX */
uint8_t to_pool_of_edge(const struct to_table *t, uint8_t edge);
/* Of the partner that the route names, the longest prefix that holds the client; "" for everyone's
 * route. Into a buffer of TO_RANGE_TEXT. */
const char *to_route_prefix(const struct to_explained *e, char *out);
/* "198.51.100.7", or the /64; likewise */
const char *to_client_text(const union to_addr *addr, char *out);

#endif
