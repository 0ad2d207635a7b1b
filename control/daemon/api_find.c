/* SPDX-License-Identifier: BSD-3-Clause */
/* Names in requests. */
#include "api.h"
#include "daemon.h"
#include "plan_names.h"

static int find(struct to_call *call, const char *what, const char *name, const char *const *names,
		size_t count)
{
	const char *near;

	for (size_t i = 0; i < count; i++)
		if (!strcmp(names[i], name))
			return (int)i;
	near = to_nearest(name, names, count);
	to_call_refuse(call, "usage", "the plan has no %s '%.40s'%s%s%s", what, name,
		       near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	return -1;
}

int to_call_stage(struct to_call *call, const char *name)
{
	const struct to_plan *plan = call->d->plan->plan;
	const char *names[TO_PLAN_MAX_STAGES];

	for (uint32_t i = 0; i < plan->stages; i++)
		names[i] = plan->stage[i].name;
	return find(call, "stage", name, names, plan->stages);
}

int to_call_edge(struct to_call *call, const char *name)
{
	const struct to_plan *plan = call->d->plan->plan;
	const char *names[TO_MAX_EDGES];

	for (uint32_t i = 0; i < plan->edges; i++)
		names[i] = plan->edge[i].name;
	return find(call, "edge", name, names, plan->edges);
}

int to_call_service(struct to_call *call, const char *name)
{
	const struct to_plan *plan = call->d->plan->plan;
	const char *names[TO_MAX_SERVICES];

	for (uint32_t i = 0; i < plan->services; i++)
		names[i] = plan->service[i].name;
	return find(call, "service", name, names, plan->services);
}

int to_call_pool(struct to_call *call, const char *name)
{
	const struct to_plan *plan = call->d->plan->plan;
	const char *names[TO_MAX_POOLS];

	for (uint32_t i = 0; i < plan->pools; i++)
		names[i] = plan->pool[i].name;
	return find(call, "pool", name, names, plan->pools);
}
