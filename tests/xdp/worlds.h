/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Three tables that may follow each other, and in which nothing else is the same: where services
 * listen, which edges are up, their addresses and modes, the gateways, routes, what flows are
 * balanced by. What two of them make of a packet together, none of them makes alone.
 *
 * Three, because the program has two slots: a slot gets another table each time.
 */
#ifndef TESTS_XDP_WORLDS_H
#define TESTS_XDP_WORLDS_H

#include <turnout/table.h>

#define WORLDS      3
#define WORLD_SITES 1500u /* partners: enough that a table takes a while to be copied */
#define WORLD_EDGES 8

struct worlds {
	struct to_table *table[WORLDS];
};

/* Generations 1 to 3. */
void worlds_make(struct worlds *w);
void worlds_free(struct worlds *w);

/* A client in the prefix of a partner. */
union to_addr worlds_client(unsigned site, unsigned host, bool v6);
/* VIP 0: TCP services; VIP 1: those over UDP. */
union to_addr worlds_vip(unsigned vip, bool v6);
/* An edge's address in a world, where it answers for that VIP. */
union to_addr worlds_edge(unsigned world, unsigned edge, unsigned vip, bool v6);

#endif
