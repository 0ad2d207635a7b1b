/* SPDX-License-Identifier: BSD-3-Clause */
/* Every address is one thing: a gateway's, one edge's, or a VIP. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "plan_loader.h"

enum use { USE_GATEWAY, USE_EDGE, USE_VIP };

struct used {
	union to_addr addr;
	enum use use;
	uint32_t index;
	struct to_place at;
};

static int by_address(const void *a, const void *b)
{
	const struct used *x = a, *y = b;
	int order = memcmp(&x->addr, &y->addr, sizeof(x->addr));

	if (order)
		return order;
	if (x->at.line != y->at.line)
		return x->at.line < y->at.line ? -1 : 1;
	return x->at.column < y->at.column ? -1 : x->at.column > y->at.column;
}

static const char *describe(const struct to_plan *plan, const struct used *u, char *out,
			    size_t size)
{
	char text[INET6_ADDRSTRLEN];

	switch (u->use) {
	case USE_GATEWAY:
		snprintf(out, size, "a gateway address");
		break;
	case USE_EDGE:
		snprintf(out, size, "an address of edge '%s'", plan->edge[u->index].name);
		break;
	default:
		inet_ntop(to_addr_is_v4(&u->addr) ? AF_INET : AF_INET6,
			  to_addr_is_v4(&u->addr) ? &u->addr.b[12] : u->addr.b, text, sizeof(text));
		snprintf(out, size, "the VIP %s", text);
	}
	return out;
}

static void check_pair(struct to_loader *l, const struct used *first, const struct used *second)
{
	char one[96], other[96];

	if (memcmp(&first->addr, &second->addr, sizeof(first->addr)))
		return;
	if (first->use == second->use && first->index == second->index && first->use != USE_GATEWAY)
		return; /* one edge may serve two services at one address */
	if (first->use == USE_GATEWAY && second->use == USE_GATEWAY)
		to_bad(l, second->at, "the gateway address is given twice");
	else
		to_bad(l, second->at, "%s is already %s (line %u)",
		       describe(l->plan, second, one, sizeof(one)),
		       describe(l->plan, first, other, sizeof(other)), first->at.line);
}

static size_t collect(const struct to_plan *plan, struct used *used)
{
	size_t n = 0;

	for (uint32_t i = 0; i < plan->gateways; i++)
		used[n++] =
			(struct used){plan->gateway[i].addr, USE_GATEWAY, i, plan->gateway[i].at};
	for (uint32_t i = 0; i < plan->vips; i++)
		used[n++] = (struct used){plan->vip[i].addr, USE_VIP, i, plan->vip[i].at};
	for (uint32_t i = 0; i < plan->edges; i++) {
		for (uint32_t k = 0; k < plan->edge[i].addresses; k++) {
			const struct to_plan_address *a = &plan->edge[i].address[k];

			for (int f = 0; f < 2; f++)
				if (a->has[f])
					used[n++] =
						(struct used){a->addr[f], USE_EDGE, i, a->at[f]};
		}
	}
	return n;
}

void to_check_addresses(struct to_loader *l)
{
	const struct to_plan *plan = l->plan;
	size_t count = plan->gateways + plan->vips;
	struct used *used;

	for (uint32_t i = 0; i < plan->edges; i++)
		count += (size_t)plan->edge[i].addresses * 2;
	used = calloc(count + 1, sizeof(*used));
	if (!used) {
		l->no_memory = true;
		return;
	}
	count = collect(plan, used);
	qsort(used, count, sizeof(*used), by_address);
	for (size_t i = 1; i < count; i++)
		check_pair(l, &used[i - 1], &used[i]);
	free(used);
}
