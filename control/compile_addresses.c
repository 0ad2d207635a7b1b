/* SPDX-License-Identifier: BSD-3-Clause */
#include "compile_addresses.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <turnout/hash.h>

#define SEEDS 64 /* tried before the hash table doubles; at half full about one in ten is good */

/* Addresses in the order of their binds. */
struct list {
	struct to_address *at;
	uint32_t count;
	struct to_bind *binds;
	uint32_t bind_count;
};

static void add_bind(struct list *list, const struct to_plan_service *s, uint32_t service,
		     uint8_t vip)
{
	list->binds[list->bind_count++] = (struct to_bind){
		.port_low = s->port_low,
		.port_high = s->port_high,
		.proto = s->proto,
		.service = (uint8_t)service,
		.vip = vip,
	};
}

static struct to_address *add_address(struct list *list, const union to_addr *addr, uint8_t kind,
				      uint32_t index)
{
	struct to_address *a = &list->at[list->count++];

	*a = (struct to_address){.addr = *addr,
				 .kind = kind,
				 .index = (uint8_t)index,
				 .first_bind = list->bind_count};
	return a;
}

static void add_vips(const struct to_plan *plan, struct list *list)
{
	for (uint32_t v = 0; v < plan->vips; v++) {
		struct to_address *a = add_address(list, &plan->vip[v].addr, TO_ADDRESS_VIP, v);

		for (uint32_t i = 0; i < plan->services; i++)
			if (memchr(plan->service[i].vip, (int)v, plan->service[i].vips))
				add_bind(list, &plan->service[i], i, (uint8_t)v);
		a->binds = (uint16_t)(list->bind_count - a->first_bind);
	}
}

static bool known(const struct list *list, uint32_t from, const union to_addr *addr)
{
	for (uint32_t i = from; i < list->count; i++)
		if (to_addr_equal(&list->at[i].addr, addr))
			return true;
	return false;
}

static void add_edge_address(const struct to_plan *plan, struct list *list, uint32_t index,
			     const union to_addr *addr)
{
	const struct to_plan_edge *edge = &plan->edge[index];
	struct to_address *entry = add_address(list, addr, TO_ADDRESS_EDGE, index);
	int f = to_family_index(addr);

	for (uint32_t i = 0; i < plan->services; i++) {
		const struct to_plan_service *s = &plan->service[i];
		const struct to_plan_address *a = to_plan_edge_address(edge, s);

		if (a && a->has[f] && to_addr_equal(&a->addr[f], addr))
			add_bind(list, s, i,
				 edge->mode == TO_MODE_DNAT ? s->first_vip[f] : TO_NO_INDEX);
	}
	entry->binds = (uint16_t)(list->bind_count - entry->first_bind);
}

/* An edge may have one address under several names. */
static void add_edges(const struct to_plan *plan, struct list *list)
{
	for (uint32_t e = 0; e < plan->edges; e++) {
		uint32_t from = list->count;

		for (uint32_t k = 0; k < plan->edge[e].addresses; k++) {
			const struct to_plan_address *a = &plan->edge[e].address[k];

			for (int f = 0; f < 2; f++)
				if (a->has[f] && !known(list, from, &a->addr[f]))
					add_edge_address(plan, list, e, &a->addr[f]);
		}
	}
}

static void add_gateways(const struct to_plan *plan, struct list *list)
{
	for (uint32_t i = 0; i < plan->gateways; i++)
		add_address(list, &plan->gateway[i].addr, TO_ADDRESS_GATEWAY, i)->first_bind = 0;
}

static int collect(const struct to_plan *plan, struct list *list)
{
	size_t addresses = plan->gateways + plan->vips, binds = 0;

	for (uint32_t i = 0; i < plan->edges; i++)
		addresses += (size_t)plan->edge[i].addresses * 2;
	for (uint32_t i = 0; i < plan->services; i++)
		binds += plan->service[i].vips + (size_t)plan->edges * 2;
	list->at = calloc(addresses + 1, sizeof(*list->at));
	list->binds = calloc(binds + 1, sizeof(*list->binds));
	if (!list->at || !list->binds)
		return -ENOMEM;
	add_vips(plan, list);
	add_edges(plan, list);
	add_gateways(plan, list);
	return 0;
}

/* False: some address would lie too far from its own slot. */
static bool place(const struct list *list, struct to_address *slots, uint32_t mask, uint64_t seed)
{
	memset(slots, 0, ((size_t)mask + 1) * sizeof(*slots));
	for (uint32_t i = 0; i < list->count; i++) {
		uint32_t slot = to_address_slot(&list->at[i].addr, seed, mask);
		uint32_t probe = 0;

		while (probe < TO_ADDRESS_PROBES && slots[(slot + probe) & mask].kind)
			probe++;
		if (probe == TO_ADDRESS_PROBES)
			return false;
		slots[(slot + probe) & mask] = list->at[i];
	}
	return true;
}

/* Doubling ends: in a table much larger than its content some seed leaves everyone alone. */
static int hash(const struct list *list, struct to_addresses *out)
{
	uint32_t slots = 16;

	while (slots < list->count * 2)
		slots *= 2;
	for (; slots <= 1u << 20; slots *= 2) {
		out->slots = calloc(slots, sizeof(*out->slots));
		if (!out->slots)
			return -ENOMEM;
		out->mask = slots - 1;
		for (uint64_t i = 0; i < SEEDS; i++) {
			out->seed = to_mix(i + 1);
			if (place(list, out->slots, out->mask, out->seed))
				return 0;
		}
		free(out->slots);
		out->slots = NULL;
	}
	return -E2BIG;
}

int to_addresses_build(const struct to_plan *plan, struct to_addresses *out)
{
	struct list list = {0};
	int err;

	*out = (struct to_addresses){0};
	err = collect(plan, &list);
	if (!err)
		err = hash(&list, out);
	free(list.at);
	if (err) {
		free(list.binds);
		return err;
	}
	out->binds = list.binds;
	out->bind_count = list.bind_count;
	return 0;
}

void to_addresses_free(struct to_addresses *addresses)
{
	free(addresses->slots);
	free(addresses->binds);
	*addresses = (struct to_addresses){0};
}
