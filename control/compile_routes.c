/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Prefixes nest; the fast path wants one search in a sorted array. A sweep over the prefixes with a
 * stack of those that are open gives the longest match of every range. A second sweep along the
 * generation before says since when a pool's share of a range has been 0.
 */
#include "compile_routes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <turnout/table_read.h>

/* A client range up to the next one's first: of what `route` is an index depends on the step. */
struct range {
	uint64_t first;
	uint32_t route;
};

struct ranges {
	struct range *at;
	uint32_t count;
};

/* An exception's prefix, as inclusive ends. */
struct span {
	uint64_t first;
	uint64_t last;
	uint32_t route; /* 0: everyone, k: exception k - 1 */
};

static int by_span(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	if (x->first != y->first)
		return x->first < y->first ? -1 : 1;
	return x->last > y->last ? -1 : x->last < y->last; /* the wider one opens first */
}

static uint64_t last_of(const struct to_plan_prefix *p)
{
	unsigned bits = p->family == TO_IP4 ? 32 : 64;

	if (p->length == 0)
		return p->family == TO_IP4 ? UINT32_MAX : UINT64_MAX;
	return p->first + ((1ULL << (bits - p->length)) - 1);
}

static int collect(const struct to_plan *plan, const struct to_plan_route *route, uint8_t family,
		   struct span **out, uint32_t *count)
{
	size_t room = 0;

	for (uint32_t i = 0; i < route->exceptions; i++)
		room += plan->partner[route->exception[i].partner].prefixes;
	*count = 0;
	*out = calloc(room + 1, sizeof(**out));
	if (!*out)
		return -ENOMEM;
	for (uint32_t i = 0; i < route->exceptions; i++) {
		const struct to_plan_partner *p = &plan->partner[route->exception[i].partner];

		for (uint32_t k = 0; k < p->prefixes; k++)
			if (p->prefix[k].family == family)
				(*out)[(*count)++] = (struct span){p->prefix[k].first,
								   last_of(&p->prefix[k]), i + 1};
	}
	qsort(*out, *count, sizeof(**out), by_span);
	return 0;
}

/* From `first` on it is `route`, until someone says otherwise. */
static void turn_to(struct ranges *r, uint64_t first, uint32_t route)
{
	if (r->count && r->at[r->count - 1].first == first)
		r->count--;
	if (!r->count || r->at[r->count - 1].route != route)
		r->at[r->count++] = (struct range){first, route};
}

static void sweep(const struct span *spans, uint32_t count, struct span *open, struct ranges *r)
{
	uint32_t depth = 0;

	open[0] = (struct span){0, UINT64_MAX, 0};
	turn_to(r, 0, 0);
	for (uint32_t i = 0; i <= count; i++) {
		/* what ends before the next begins; at the end, all */
		while (depth && (i == count || open[depth].last < spans[i].first)) {
			uint64_t last = open[depth--].last;

			if (last < open[0].last)
				turn_to(r, last + 1, open[depth].route);
		}
		if (i < count) {
			open[++depth] = spans[i];
			turn_to(r, spans[i].first, spans[i].route);
		}
	}
}

/* The range after the last IPv4 address belongs to nobody. */
static void cut_at_end(struct ranges *r, uint8_t family)
{
	while (family == TO_IP4 && r->at[r->count - 1].first > UINT32_MAX)
		r->count--;
}

static int longest_matches(const struct to_plan *plan, const struct to_plan_route *route,
			   uint8_t family, struct ranges *r)
{
	struct span *spans, *open = NULL;
	uint32_t count;
	int err = collect(plan, route, family, &spans, &count);

	if (err)
		return err;
	open = calloc(count + 1u, sizeof(*open));
	r->at = calloc(count * 2u + 1u, sizeof(*r->at));
	r->count = 0;
	if (open && r->at) {
		sweep(spans, count, open, r);
		cut_at_end(r, family);
	} else {
		err = -ENOMEM;
	}
	free(open);
	free(spans);
	return err;
}

static int grow(void **array, uint32_t count, uint32_t *room, size_t size)
{
	uint32_t wanted = *room ? *room * 2 : 256;
	void *grown;

	if (count < *room)
		return 0;
	grown = realloc(*array, wanted * size);
	if (!grown)
		return -ENOMEM;
	*array = grown;
	*room = wanted;
	return 0;
}

/* 0: long ago, or not at all. Once `grace` is over, when it was does not matter any more: then
 * ranges that only differ in it can be one again. */
static uint32_t zero_since(bool zero, bool was_zero, uint32_t before, uint32_t now, uint32_t grace)
{
	if (!zero)
		return 0;
	if (!was_zero)
		return now;
	return before && now - before < grace ? before : 0;
}

static struct to_flat_route trace(const struct to_plan *plan, const struct to_compile_input *input,
				  const struct to_plan_route *route, uint32_t index,
				  const struct to_route *before)
{
	struct to_flat_route flat = {.partner = TO_EVERYONE, .share = route->share};

	if (index) {
		flat.partner = route->exception[index - 1].partner;
		flat.share = route->exception[index - 1].share;
	}
	if (before) {
		flat.new_zero_since = zero_since(!flat.share, !before->share,
						 before->new_zero_since, input->now, plan->grace);
		flat.legacy_zero_since =
			zero_since(flat.share == TO_SHARE_ALL, before->share == TO_SHARE_ALL,
				   before->legacy_zero_since, input->now, plan->grace);
	}
	return flat;
}

static bool same_route(const struct to_flat_route *a, const struct to_flat_route *b)
{
	return a->partner == b->partner && a->share == b->share &&
	       a->new_zero_since == b->new_zero_since &&
	       a->legacy_zero_since == b->legacy_zero_since;
}

/* Routes of a service that differ only in where their clients came from hang together in a list;
 * there are few of each. */
struct variants {
	uint32_t *head; /* by the route's index in the stage; + 1, 0: none */
	uint32_t *next; /* by flat route */
	uint32_t next_room;
};

static int flat_route(struct to_flat *flat, struct variants *v, uint32_t index,
		      const struct to_flat_route *wanted, uint32_t *out)
{
	uint32_t found = v->head[index];
	int err;

	while (found && !same_route(&flat->routes[found - 1], wanted))
		found = v->next[found - 1];
	if (found) {
		*out = found - 1;
		return 0;
	}
	err = grow((void **)&flat->routes, flat->route_count, &flat->route_room,
		   sizeof(*flat->routes));
	if (!err)
		err = grow((void **)&v->next, flat->route_count, &v->next_room, sizeof(*v->next));
	if (err)
		return err;
	*out = flat->route_count++;
	flat->routes[*out] = *wanted;
	v->next[*out] = v->head[index];
	v->head[index] = *out + 1;
	return 0;
}

static int add_interval(struct to_flat *flat, uint32_t from, uint64_t first, uint32_t route)
{
	int err;

	if (flat->interval_count > from && flat->intervals[flat->interval_count - 1].route == route)
		return 0;
	err = grow((void **)&flat->intervals, flat->interval_count, &flat->interval_room,
		   sizeof(*flat->intervals));
	if (!err)
		flat->intervals[flat->interval_count++] = (struct to_interval){first, route, 0};
	return err;
}

/* Along both generations at once: a step ends where either one's range does. */
static int merge(const struct to_plan *plan, const struct to_compile_input *input,
		 const struct to_plan_route *route, const struct ranges *now,
		 const struct to_interval *then, uint32_t then_count, struct variants *v,
		 struct to_flat *flat)
{
	const struct to_route *routes = then_count ? to_table_routes(input->previous) : NULL;
	uint32_t from = flat->interval_count, i = 0, k = 0;
	int err = 0;

	while (!err) {
		uint64_t first = now->at[i].first;
		struct to_flat_route wanted;
		uint32_t index = 0;

		if (then_count && then[k].first > first)
			first = then[k].first;
		wanted = trace(plan, input, route, now->at[i].route,
			       then_count ? &routes[then[k].route] : NULL);
		err = flat_route(flat, v, now->at[i].route, &wanted, &index);
		if (!err)
			err = add_interval(flat, from, first, index);
		if (i + 1 == now->count && k + 1 >= then_count)
			break;
		if (k + 1 >= then_count)
			i++;
		else if (i + 1 == now->count || then[k + 1].first < now->at[i + 1].first)
			k++;
		else if (then[k + 1].first > now->at[i + 1].first)
			i++;
		else
			i++, k++;
	}
	return err;
}

static const struct to_service *service_before(const struct to_table *table, const char *name)
{
	for (uint32_t i = 0; table && i < to_table_service_count(table); i++) {
		const struct to_service *s = &to_table_services(table)[i];

		if (!strcmp(to_table_string(table, s->name), name))
			return s;
	}
	return NULL;
}

static int flatten_family(const struct to_plan *plan, const struct to_compile_input *input,
			  uint32_t service, int f, struct variants *v, struct to_flat *flat)
{
	const struct to_plan_route *route = &plan->stage[input->stage].route[service];
	const struct to_service *before =
		service_before(input->previous, plan->service[service].name);
	const struct to_interval *then =
		before ? to_table_intervals(input->previous) + before->first_interval[f] : NULL;
	struct ranges now = {0};
	int err = longest_matches(plan, route, f ? TO_IP6 : TO_IP4, &now);

	flat->first[service][f] = flat->interval_count;
	if (!err)
		err = merge(plan, input, route, &now, then, before ? before->intervals[f] : 0, v,
			    flat);
	flat->count[service][f] = flat->interval_count - flat->first[service][f];
	free(now.at);
	return err;
}

static int flatten_service(const struct to_plan *plan, const struct to_compile_input *input,
			   uint32_t service, struct variants *v, struct to_flat *flat)
{
	uint32_t routes = plan->stage[input->stage].route[service].exceptions + 1;
	int err = 0;

	v->head = calloc(routes, sizeof(*v->head));
	if (!v->head)
		return -ENOMEM;
	for (int f = 0; f < 2 && !err; f++)
		err = flatten_family(plan, input, service, f, v, flat);
	free(v->head);
	return err;
}

static int flatten(const struct to_plan *plan, const struct to_compile_input *input,
		   struct to_flat *flat)
{
	struct variants v = {0};
	int err = 0;

	*flat = (struct to_flat){0};
	for (uint32_t i = 0; i < plan->services && !err; i++)
		err = flatten_service(plan, input, i, &v, flat);
	free(v.next);
	if (!err && (flat->route_count > TO_MAX_ROUTES || flat->interval_count > TO_MAX_INTERVALS))
		err = -E2BIG;
	if (err)
		to_flat_free(flat);
	return err;
}

int to_flatten(const struct to_plan *plan, const struct to_compile_input *input,
	       struct to_flat *flat)
{
	struct to_compile_input alone = *input;
	int err = flatten(plan, input, flat);

	/* A stage fits by itself (the plan check says so), but perhaps not cut along another one's
	 * ranges: then it goes without their grace. */
	if (err == -E2BIG && input->previous) {
		alone.previous = NULL;
		err = flatten(plan, &alone, flat);
	}
	return err;
}

void to_flat_free(struct to_flat *flat)
{
	free(flat->intervals);
	free(flat->routes);
	*flat = (struct to_flat){0};
}
