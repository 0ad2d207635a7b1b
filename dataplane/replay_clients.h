/* SPDX-License-Identifier: BSD-3-Clause */
/* Which clients each pool got, generation by generation. */
#ifndef TURNOUT_REPLAY_CLIENTS_H
#define TURNOUT_REPLAY_CLIENTS_H

#include <turnout/table.h>

struct to_clients;

/* What one pool of a service got in one generation. */
struct to_client_count {
	uint64_t flows;   /* new flows, decided by affinity, route or fallback */
	uint64_t clients; /* clients that they came from */
	uint64_t first;   /* of these: never seen on the service before */
	uint64_t moved;   /* of these: their last new flow went to the service's other pool */
};

struct to_clients *to_clients_new(void);
void to_clients_free(struct to_clients *c);

/* Both return 0 or -ENOMEM. `role`: 0 legacy, 1 new. */
int to_clients_generation(struct to_clients *c);
int to_clients_add(struct to_clients *c, const union to_addr *client, uint8_t service,
		   unsigned role);

/* `generation` counts the calls of to_clients_generation() from 0. */
const struct to_client_count *to_clients_of(const struct to_clients *c, unsigned generation,
					    uint8_t service, unsigned role);

#endif
