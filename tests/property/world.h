/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A random site and plan as the test knows it. The engine gets the YAML; the test judges by this,
 * and reads nothing of the engine's tables or state.
 */
#ifndef TESTS_WORLD_H
#define TESTS_WORLD_H

#include <stdio.h>
#include <turnout/lists.h>

#include "random.h"

enum {
	MAX_POOLS = 4,
	MAX_EDGES = 24,
	MAX_SERVICES = 4,
	MAX_STAGES = 6,
	MAX_PARTNERS = 4,
	MAX_PREFIXES = 8,
	MAX_CLIENTS = 8,
	MAX_PROBES = 8, /* clients that only begin flows, and never get an answer */
	MAX_GROUPS = 2 + MAX_SERVICES,
};
enum { LEGACY, NEW };
enum { V4, V6 };
#define NONE (-1)

struct world_pool {
	int role;
	int mode; /* enum to_mode */
	int first_edge;
	int edges;
};

struct world_edge {
	int pool;
	bool has[2]; /* an address of the family */
};

struct world_service {
	int kind;  /* enum to_kind */
	int proto; /* enum to_proto */
	int port_low;
	int port_high;
	int vip;
	bool family[2];
	int group; /* NONE, 0 and 1: named ones, 2 + service: its own */
	bool balance_flow;
	bool fallback_other;
	bool through_vip; /* edge_initiated: vip */
	int midflow;      /* 0 legacy, 1 new, 2 drop */
	uint32_t idle;
	int pool[2]; /* by role */
};

struct world_prefix {
	int partner;
	int family;
	int length;
	union to_addr addr;
};

struct world_stage {
	int share[MAX_SERVICES];                   /* hundredths of a percent */
	int exception[MAX_SERVICES][MAX_PARTNERS]; /* likewise, or NONE */
	int midflow[MAX_SERVICES];                 /* or NONE: the service's */
};

struct world_client {
	union to_addr addr;
	int family;
	int identity; /* the first client with the same address or /64 */
};

struct world {
	int pools, edges, services, stages, partners, prefixes, vips, clients, probes;
	uint32_t salt;
	bool one_address; /* an edge serves all services at one address */
	struct world_pool pool[MAX_POOLS];
	struct world_edge edge[MAX_EDGES];
	struct world_service service[MAX_SERVICES];
	struct world_stage stage[MAX_STAGES];
	struct world_prefix prefix[MAX_PREFIXES];
	struct world_client client[MAX_CLIENTS + MAX_PROBES]; /* the probes behind the clients */
};

void world_generate(struct world *w, struct random *r);
void world_print(const struct world *w, FILE *out);

union to_addr world_vip(int vip, int family);
union to_addr world_gateway(int family);
/* Where the edge serves the service. */
union to_addr world_edge_addr(const struct world *w, int edge, int service, int family);
/* Of the client in the stage: by its longest prefix that has a share of its own. */
int world_share(const struct world *w, int stage, int service, const struct world_client *c);
int world_midflow(const struct world *w, int stage, int service);
/* Has the edge an address that this service's packets of the family can be sent to? */
bool world_serves(const struct world *w, int edge, int service, int family);
int world_role(const struct world *w, int service, int edge); /* NONE: in neither pool */
int world_mode(const struct world *w, int edge);

#endif
