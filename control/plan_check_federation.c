/* SPDX-License-Identifier: BSD-3-Clause */
/* S26: federation has one default owner. A canary is an exception for named partners. */
#include "plan_loader.h"

static const char *const roles[] = {"legacy", "new"};

static bool is_federation(const struct to_plan *plan, uint32_t service)
{
	return plan->service[service].kind == TO_KIND_FEDERATION;
}

/* All federation services name the same two pools, or one of them owns what others do not. */
static void check_pools(struct to_loader *l)
{
	const struct to_plan_service *first = NULL;

	for (uint32_t i = 0; i < l->plan->services; i++) {
		const struct to_plan_service *s = &l->plan->service[i];

		if (!is_federation(l->plan, i) || s->pool[TO_LEGACY] == TO_NO_INDEX ||
		    s->pool[TO_NEW] == TO_NO_INDEX)
			continue;
		if (!first)
			first = s;
		else if (s->pool[TO_LEGACY] != first->pool[TO_LEGACY] ||
			 s->pool[TO_NEW] != first->pool[TO_NEW])
			to_bad(l, s->at,
			       "federation services '%s' and '%s' have different pools: only one "
			       "pool can own federation (S26)",
			       first->name, s->name);
	}
}

static void check_route(struct to_loader *l, const struct to_plan_stage *stage, uint32_t service)
{
	const struct to_plan_route *route = &stage->route[service];
	int owner = route->share ? TO_NEW : TO_LEGACY;

	if (route->share != 0 && route->share != TO_SHARE_ALL)
		to_bad(l, route->at,
		       "stage '%s' would give federation '%s' two default owners (S26): its "
		       "default must be 0 or 100; a canary is an exception for named partners",
		       stage->name, l->plan->service[service].name);
	else if (owner != stage->federation_route)
		to_bad(l, route->at,
		       "stage '%s' would give federation two default owners (S26): the default of "
		       "'%s' is the %s pool, 'federation_route' is '%s'",
		       stage->name, l->plan->service[service].name, roles[owner],
		       roles[stage->federation_route]);
}

static void check_stage(struct to_loader *l, const struct to_plan_stage *stage)
{
	const struct to_plan *plan = l->plan;
	uint32_t first = plan->services;

	for (uint32_t i = 0; i < plan->services; i++) {
		if (!is_federation(plan, i))
			continue;
		if (first == plan->services)
			first = i;
		if (stage->route[i].share == stage->route[first].share)
			check_route(l, stage, i);
		else
			to_bad(l, stage->route[i].at,
			       "stage '%s' has several default federation owners (S26): '%s' and "
			       "'%s' differ",
			       stage->name, plan->service[first].name, plan->service[i].name);
	}
}

void to_check_federation(struct to_loader *l)
{
	check_pools(l);
	for (uint32_t i = 0; i < l->plan->stages; i++)
		check_stage(l, &l->plan->stage[i]);
}
