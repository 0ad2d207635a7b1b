/* SPDX-License-Identifier: BSD-3-Clause */
/* What a stage's routes must not do together. */
#include <stdlib.h>
#include <string.h>

#include "plan_loader.h"

static bool is_av(const struct to_plan_service *s)
{
	return s->kind == TO_KIND_TURN || s->kind == TO_KIND_MEDIA;
}

static bool splits(const struct to_plan_route *route)
{
	if (route->share != 0 && route->share != TO_SHARE_ALL)
		return true;
	for (uint32_t i = 0; i < route->exceptions; i++)
		if (route->exception[i].share != route->share)
			return true;
	return false;
}

static const struct to_plan_partner *apart(const struct to_plan *plan,
					   const struct to_plan_route *route)
{
	for (uint32_t i = 0; i < route->exceptions; i++)
		if (route->exception[i].share != route->share)
			return &plan->partner[route->exception[i].partner];
	return NULL;
}

static void refuse_split(struct to_loader *l, const struct to_plan_stage *stage, uint32_t service)
{
	const struct to_plan_route *route = &stage->route[service];
	const struct to_plan_partner *partner = apart(l->plan, route);
	const char *name = l->plan->service[service].name;

	if (route->share != 0 && route->share != TO_SHARE_ALL)
		to_bad(l, route->at,
		       "stage '%s' splits the A/V service '%s' between two pools, which needs "
		       "'relay_key: shared' (the same relay key on all A/V Edges)",
		       stage->name, name);
	else
		to_bad(l, route->at,
		       "stage '%s' routes partner '%s' of the A/V service '%s' apart from everyone "
		       "else, which needs 'relay_key: shared'",
		       stage->name, partner->name, name);
}

/* Credentials of one pool's relay are worthless at another's, unless the keys are the same. */
static void check_relay_key(struct to_loader *l, const struct to_plan_stage *stage)
{
	const struct to_plan *plan = l->plan;

	for (uint32_t i = 0; i < plan->services && !plan->relay_key_shared; i++) {
		const struct to_plan_service *s = &plan->service[i];

		if (!is_av(s))
			continue;
		if (splits(&stage->route[i]))
			refuse_split(l, stage, i);
		for (uint32_t k = 0; k < i; k++)
			if (is_av(&plan->service[k]) && to_share_vip(s, &plan->service[k]) &&
			    !splits(&stage->route[i]) && !splits(&stage->route[k]) &&
			    stage->route[i].share != stage->route[k].share)
				to_bad(l, stage->route[i].at,
				       "stage '%s' splits one A/V VIP between two pools by "
				       "services "
				       "'%s' and '%s', which needs 'relay_key: shared'",
				       stage->name, plan->service[k].name, s->name);
	}
}

static int by_partner(const void *a, const void *b)
{
	const struct to_plan_exception *x = a, *y = b;

	return x->partner < y->partner ? -1 : x->partner > y->partner;
}

static struct to_plan_exception *sorted(const struct to_plan_route *route)
{
	struct to_plan_exception *copy = calloc(route->exceptions + 1u, sizeof(*copy));

	if (copy && route->exceptions) {
		memcpy(copy, route->exception, route->exceptions * sizeof(*copy));
		qsort(copy, route->exceptions, sizeof(*copy), by_partner);
	}
	return copy;
}

static bool same_route(struct to_loader *l, const struct to_plan_route *a,
		       const struct to_plan_route *b)
{
	struct to_plan_exception *x, *y;
	bool same;

	if (a->share != b->share || a->exceptions != b->exceptions)
		return false;
	x = sorted(a);
	y = sorted(b);
	l->no_memory |= !x || !y;
	same = x && y;
	for (uint32_t i = 0; i < a->exceptions && same; i++)
		same = x[i].partner == y[i].partner && x[i].share == y[i].share;
	free(x);
	free(y);
	return same;
}

/* Front ends dial the web conferencing Edge that their media association names. */
static void warn_webconf(struct to_loader *l, const struct to_plan_stage *stage)
{
	const struct to_plan *plan = l->plan;

	for (uint32_t i = 0; i < plan->services; i++) {
		if (plan->service[i].kind != TO_KIND_PSOM)
			continue;
		for (uint32_t k = 0; k < plan->services; k++) {
			if (!is_av(&plan->service[k]) ||
			    same_route(l, &stage->route[i], &stage->route[k]))
				continue;
			to_doubt(l, stage->route[i].at,
				 "stage '%s' routes web conferencing '%s' otherwise than A/V '%s': "
				 "it follows the media association, so the two move in one stage",
				 stage->name, plan->service[i].name, plan->service[k].name);
			break;
		}
	}
}

static bool moves(const struct to_plan_route *route)
{
	for (uint32_t i = 0; i < route->exceptions; i++)
		if (route->exception[i].share)
			return true;
	return route->share != 0;
}

static bool acknowledged(const struct to_plan *plan, uint32_t last, const char *ack)
{
	for (uint32_t i = 0; i <= last; i++)
		for (uint32_t k = 0; k < plan->stage[i].gates; k++)
			if (plan->stage[i].gate[k].kind == TO_GATE_ACK &&
			    !strcmp(plan->stage[i].gate[k].ack, ack))
				return true;
	return false;
}

/* S8: what must be true of XMPP before the new pool can take it. */
static void warn_xmpp(struct to_loader *l, uint32_t index)
{
	static const char *const acks[] = {"xmpp-users-moved", "xmpp-policies-and-certificates",
					   "xmpp-partners-configured", "xmpp-dns-updated"};
	const struct to_plan_stage *stage = &l->plan->stage[index];

	for (uint32_t i = 0; i < l->plan->services; i++) {
		if (l->plan->service[i].kind != TO_KIND_XMPP || !moves(&stage->route[i]))
			continue;
		for (size_t k = 0; k < TO_COUNT(acks); k++)
			if (!acknowledged(l->plan, index, acks[k]))
				to_doubt(l, stage->route[i].at,
					 "stage '%s' moves XMPP '%s' without the gate 'ack: %s' "
					 "(S8) "
					 "there or before",
					 stage->name, l->plan->service[i].name, acks[k]);
	}
}

static bool hides_answers(const struct to_plan *plan, const struct to_plan_service *s)
{
	return to_uses_mode(plan, s, TO_MODE_L2) || to_uses_mode(plan, s, TO_MODE_IPIP);
}

static void check_gates(struct to_loader *l, const struct to_plan_stage *stage)
{
	for (uint32_t i = 0; i < stage->gates; i++) {
		const struct to_plan_gate *gate = &stage->gate[i];

		if (gate->kind == TO_GATE_FAILURES && gate->service != TO_NO_INDEX &&
		    hides_answers(l->plan, &l->plan->service[gate->service]))
			to_bad(l, gate->at,
			       "gate 'failures' counts what edges answer, which the modes l2 and "
			       "ipip of service '%s' hide",
			       l->plan->service[gate->service].name);
	}
}

/* A table holds a route for every default and exception, and two intervals for every prefix. */
static void check_size(struct to_loader *l, const struct to_plan_stage *stage)
{
	const struct to_plan *plan = l->plan;
	uint64_t routes = 0, intervals = 0;

	for (uint32_t i = 0; i < plan->services; i++) {
		const struct to_plan_route *route = &stage->route[i];

		routes += 1 + route->exceptions;
		intervals += 2;
		for (uint32_t k = 0; k < route->exceptions; k++)
			intervals += plan->partner[route->exception[k].partner].prefixes * 2;
	}
	if (routes > TO_MAX_ROUTES)
		to_bad(l, stage->at, "stage '%s' has %llu routes; a table holds %d", stage->name,
		       (unsigned long long)routes, TO_MAX_ROUTES);
	else if (intervals > TO_MAX_INTERVALS)
		to_bad(l, stage->at,
		       "stage '%s' needs %llu intervals for its partners' prefixes; a table holds "
		       "%d",
		       stage->name, (unsigned long long)intervals, TO_MAX_INTERVALS);
}

void to_check_stages(struct to_loader *l)
{
	for (uint32_t i = 0; i < l->plan->stages; i++) {
		const struct to_plan_stage *stage = &l->plan->stage[i];

		check_relay_key(l, stage);
		warn_webconf(l, stage);
		warn_xmpp(l, i);
		check_gates(l, stage);
		check_size(l, stage);
	}
}
