/* SPDX-License-Identifier: BSD-3-Clause */
/* Which addresses are asked for a service at an edge. */
#include <stdio.h>
#include <string.h>

#include "internal.h"

static void name_target(const struct to_plan_pool *pool, const struct to_plan_service *service,
			struct to_target *target)
{
	for (uint32_t i = 0; i < pool->fqdns; i++)
		if (!strcmp(pool->fqdn[i].name, service->address))
			snprintf(target->fqdn, sizeof(target->fqdn), "%s", pool->fqdn[i].fqdn);
}

static void begin_target(const struct to_plan_edge *edge, const struct to_plan_service *service,
			 const struct to_plan_pool *pool, struct to_target *target)
{
	memset(target, 0, sizeof(*target));
	snprintf(target->edge, sizeof(target->edge), "%s", edge->name);
	snprintf(target->service, sizeof(target->service), "%s", service->name);
	name_target(pool, service, target);
	target->port = service->check.port;
	target->probe = service->check.probe;
	target->transport = service->check.transport;
}

/* Where the service is at the edge: for a tunnel whichever families it ends in. */
static unsigned own_addresses(const struct to_plan_edge *edge,
			      const struct to_plan_service *service,
			      const struct to_plan_pool *pool, struct to_target *out)
{
	const struct to_plan_address *address = to_plan_edge_address(edge, service);
	unsigned n = 0;

	for (int f = 0; f < 2; f++) {
		if (!address->has[f] ||
		    (edge->mode != TO_MODE_IPIP && service->first_vip[f] == TO_NO_INDEX))
			continue;
		begin_target(edge, service, pool, &out[n]);
		out[n].addr = address->addr[f];
		out[n++].not_the_vip = edge->mode != TO_MODE_DNAT;
	}
	return n;
}

unsigned to_targets(const struct to_plan *plan, uint32_t e, uint32_t s,
		    struct to_target out[TO_MAX_VIPS])
{
	const struct to_plan_edge *edge = &plan->edge[e];
	const struct to_plan_service *service = &plan->service[s];
	const struct to_plan_pool *pool = &plan->pool[edge->pool];

	if (service->check.probe == TO_PROBE_NONE || !to_plan_edge_address(edge, service))
		return 0;
	if (!edge->check_mark)
		return own_addresses(edge, service, pool, out);
	for (unsigned i = 0; i < service->vips; i++) {
		begin_target(edge, service, pool, &out[i]);
		out[i].addr = plan->vip[service->vip[i]].addr;
		out[i].mark = edge->check_mark;
	}
	return service->vips;
}
