/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <turnout/hash.h>

#include "replay_clients.h"
#include "replay_map.h"

struct client_key {
	uint64_t client; /* IPv4 address or IPv6 /64: to_client() */
	uint64_t service;
};

struct client {
	uint32_t counted_in[2]; /* by role: the last generation, from 1 */
	uint32_t last_role;     /* of its last new flow, from 1 */
	uint32_t reserved;
};

/* [service][role] */
typedef struct to_client_count counts[TO_MAX_SERVICES][2];

struct to_clients {
	struct to_map map;
	counts *generation;
	uint32_t generations;
};

struct to_clients *to_clients_new(void)
{
	struct to_clients *c = calloc(1, sizeof(*c));

	if (c && to_map_init(&c->map, sizeof(struct client_key), sizeof(struct client)) < 0) {
		free(c);
		return NULL;
	}
	return c;
}

void to_clients_free(struct to_clients *c)
{
	if (!c)
		return;
	to_map_free(&c->map);
	free(c->generation);
	free(c);
}

int to_clients_generation(struct to_clients *c)
{
	counts *more = realloc(c->generation, (c->generations + 1) * sizeof(*more));

	if (!more)
		return -ENOMEM;
	c->generation = more;
	memset(&c->generation[c->generations++], 0, sizeof(*more));
	return 0;
}

int to_clients_add(struct to_clients *c, const union to_addr *client, uint8_t service,
		   unsigned role)
{
	struct client_key key = {to_client(client), service};
	struct to_client_count *n = &c->generation[c->generations - 1][service][role];
	struct client *known;
	bool fresh;

	n->flows++;
	known = to_map_put(&c->map, &key, &fresh);
	if (!known)
		return -ENOMEM;
	if (known->counted_in[role] != c->generations) {
		known->counted_in[role] = c->generations;
		n->clients++;
		n->first += fresh;
		n->moved += !fresh && known->last_role != role + 1;
	}
	known->last_role = role + 1;
	return 0;
}

const struct to_client_count *to_clients_of(const struct to_clients *c, unsigned generation,
					    uint8_t service, unsigned role)
{
	return &c->generation[generation][service][role];
}
