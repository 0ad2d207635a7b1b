/* SPDX-License-Identifier: BSD-3-Clause */
/* From a plan to its checks, and from one plan's to the next one's. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

static int index_of(const char *name, const to_plan_name *names, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (!strcmp(names[i], name))
			return (int)i;
	return -1;
}

/* What the old set has for this edge and service, or NULL. */
static const struct to_pair *old_pair(const struct to_check_set *old, const char *edge,
				      const char *service)
{
	int e = old ? index_of(edge, old->edge, old->edges) : -1;
	int s = old ? index_of(service, old->service, old->services) : -1;

	if (e < 0 || s < 0 || old->pair_at[e][s] == TO_NO_PAIR)
		return NULL;
	return &old->pair[old->pair_at[e][s]];
}

static bool same(const struct to_target *a, const struct to_target *b)
{
	return !strcmp(a->edge, b->edge) && !strcmp(a->service, b->service) &&
	       !strcmp(a->fqdn, b->fqdn) && to_addr_equal(&a->addr, &b->addr) &&
	       a->mark == b->mark && a->port == b->port && a->probe == b->probe &&
	       a->transport == b->transport && a->not_the_vip == b->not_the_vip;
}

static struct to_check *find(const struct to_check_set *old, const struct to_pair *pair,
			     const struct to_target *target)
{
	for (uint32_t i = 0; pair && i < pair->count; i++) {
		struct to_check *check = old->check[pair->first + i];

		if (same(&check->target, target))
			return check;
	}
	return NULL;
}

static int add_pair(struct to_health *health, struct to_check_set *set, uint32_t e, uint32_t s,
		    const struct to_target *target, unsigned targets)
{
	const struct to_pair *old = old_pair(health->set, set->edge[e], set->service[s]);
	struct to_pair *pair = &set->pair[set->pairs];

	*pair = (struct to_pair){
		.edge = (uint8_t)e,
		.service = (uint8_t)s,
		.told = old ? old->told : TO_CHECK_UNKNOWN,
		.first = set->checks,
		.count = targets,
	};
	set->pair_at[e][s] = (uint16_t)set->pairs++;
	for (unsigned i = 0; i < targets; i++) {
		struct to_check *check = find(health->set, old, &target[i]);

		if (!check)
			check = to_check_make(health, &target[i]);
		if (!check)
			return -ENOMEM;
		set->check[set->checks++] = check;
	}
	return 0;
}

static void name_all(const struct to_plan *plan, struct to_check_set *set)
{
	set->edges = plan->edges;
	set->services = plan->services;
	for (uint32_t i = 0; i < plan->edges; i++)
		memcpy(set->edge[i], plan->edge[i].name, sizeof(to_plan_name));
	for (uint32_t i = 0; i < plan->services; i++)
		memcpy(set->service[i], plan->service[i].name, sizeof(to_plan_name));
	memset(set->pair_at, 0xff, sizeof(set->pair_at));
}

static int add_pairs(struct to_health *health, const struct to_plan *plan, struct to_check_set *set,
		     struct to_target *target)
{
	int err = 0;

	for (uint32_t e = 0; e < plan->edges; e++) {
		for (uint32_t s = 0; s < plan->services && !err; s++) {
			unsigned n = to_targets(plan, e, s, target);

			if (n)
				err = add_pair(health, set, e, s, target, n);
		}
	}
	return err;
}

/* Room for everything that the plan can want. */
static int make_room(const struct to_plan *plan, struct to_check_set *set, struct to_target *target)
{
	size_t checks = 0, pairs = (size_t)plan->edges * plan->services;

	for (uint32_t e = 0; e < plan->edges; e++)
		for (uint32_t s = 0; s < plan->services; s++)
			checks += to_targets(plan, e, s, target);
	set->pair = calloc(pairs ? pairs : 1, sizeof(*set->pair));
	set->check = calloc(checks ? checks : 1, sizeof(struct to_check *));
	return set->pair && set->check ? 0 : -ENOMEM;
}

int to_set_make(struct to_health *health, const struct to_plan *plan, struct to_check_set **out)
{
	struct to_target *target = calloc(TO_MAX_VIPS, sizeof(*target));
	struct to_check_set *set = calloc(1, sizeof(*set));
	int err = target && set ? 0 : -ENOMEM;

	*out = NULL;
	if (!err) {
		name_all(plan, set);
		err = make_room(plan, set, target);
	}
	if (!err)
		err = add_pairs(health, plan, set, target);
	free(target);
	if (err)
		to_set_free(set);
	else
		*out = set;
	return err;
}

/* Frees the checks that are its own, or nobody's yet. */
void to_set_free(struct to_check_set *set)
{
	if (!set)
		return;
	for (uint32_t i = 0; i < set->checks; i++)
		if (set->check[i]->fresh || set->check[i]->owner == set)
			to_check_free(set->check[i]);
	free(set->pair);
	free((void *)set->check);
	free(set);
}

static void take(struct to_check *check, const struct to_check_set *set, uint16_t pair,
		 const struct to_plan_check *times)
{
	bool other = check->fresh || check->times.interval != times->interval;

	check->owner = set;
	check->pair = pair;
	check->times = *times;
	check->fresh = false;
	if (other && !check->slot && !check->waiting)
		to_check_spread(check);
}

void to_set_use(struct to_health *health, struct to_check_set *set, const struct to_plan *plan)
{
	struct to_check_set *old = health->set;

	health->set = set;
	for (uint32_t p = 0; p < set->pairs; p++) {
		const struct to_pair *pair = &set->pair[p];

		for (uint32_t i = 0; i < pair->count; i++)
			take(set->check[pair->first + i], set, (uint16_t)p,
			     &plan->service[pair->service].check);
	}
	/* what the new set has taken is the old one's no more: its pointers are read once again */
	to_set_free(old);
	for (uint32_t p = 0; p < set->pairs; p++)
		to_pair_tell(health, &set->pair[p]);
}
