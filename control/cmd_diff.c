/* SPDX-License-Identifier: BSD-3-Clause */
/* What a switch from one stage to another changes for new flows. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <turnout/table_read.h>

#include "cli.h"
#include "compile.h"
#include "show.h"

/* A range of clients whose share changes. */
struct change {
	uint32_t service;
	uint16_t from, to;
	const char *partner; /* NULL: everyone else */
	int family;
	uint64_t first, last;
};

struct changes {
	struct change *at;
	size_t count, room;
	bool no_memory;
};

static struct change *new_change(struct changes *c)
{
	size_t room = c->room ? c->room * 2 : 64;
	struct change *grown;

	if (c->count < c->room)
		return &c->at[c->count++];
	grown = realloc(c->at, room * sizeof(*grown));
	if (!grown) {
		c->no_memory = true;
		return NULL;
	}
	c->at = grown;
	c->room = room;
	return &c->at[c->count++];
}

static const struct to_route *route_of(const struct to_table *t, const struct to_service *s, int f,
				       uint32_t i)
{
	return &to_table_routes(t)[to_table_intervals(t)[s->first_interval[f] + i].route];
}

static uint64_t end_of(const struct to_table *t, const struct to_service *s, int f, uint32_t i)
{
	if (i + 1 < s->intervals[f])
		return to_table_intervals(t)[s->first_interval[f] + i + 1].first - 1;
	return f ? UINT64_MAX : UINT32_MAX;
}

/* A partner that one side names is told by name, also where the other has no exception for it. */
static void note(struct changes *c, const struct to_table *a, const struct to_route *x,
		 const struct to_table *b, const struct to_route *y, struct change what)
{
	struct change *change;

	if (x->share == y->share)
		return;
	change = new_change(c);
	if (!change)
		return;
	what.from = x->share;
	what.to = y->share;
	what.partner = y->partner   ? to_table_string(b, y->partner)
		       : x->partner ? to_table_string(a, x->partner)
				    : NULL;
	*change = what;
}

static void compare_family(struct changes *c, const struct to_table *a, const struct to_table *b,
			   uint32_t service, int f)
{
	const struct to_service *x = &to_table_services(a)[service];
	const struct to_service *y = &to_table_services(b)[service];
	uint64_t first = 0, last;
	uint32_t i = 0, k = 0;

	if ((f ? x->vip6 : x->vip4) == TO_NO_INDEX)
		return; /* no such client reaches it */
	while (i < x->intervals[f] && k < y->intervals[f]) {
		uint64_t end_a = end_of(a, x, f, i), end_b = end_of(b, y, f, k);

		last = end_a < end_b ? end_a : end_b;
		note(c, a, route_of(a, x, f, i), b, route_of(b, y, f, k),
		     (struct change){
			     .service = service, .family = f, .first = first, .last = last});
		first = last + 1;
		i += end_a == last;
		k += end_b == last;
	}
}

static bool same_change(const struct change *a, const struct change *b)
{
	return a->service == b->service && a->from == b->from && a->to == b->to &&
	       !a->partner == !b->partner && (!a->partner || !strcmp(a->partner, b->partner));
}

/* Everyone first, then the partners by name; within one by place. */
static int by_name(const void *p, const void *q)
{
	const struct change *a = p, *b = q;
	int order;

	if (a->service != b->service)
		return a->service < b->service ? -1 : 1;
	if (!a->partner != !b->partner)
		return a->partner ? 1 : -1;
	order = a->partner ? strcmp(a->partner, b->partner) : 0;
	if (order)
		return order;
	if (a->from != b->from)
		return a->from < b->from ? -1 : 1;
	if (a->to != b->to)
		return a->to < b->to ? -1 : 1;
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	return a->first < b->first ? -1 : a->first > b->first;
}

static void print_change(const struct to_table *t, const struct change *c)
{
	char from[8], to[8];
	int moved = abs((int)c->to - (int)c->from);

	printf("%s, %s: %s %% -> %s %% new",
	       to_table_string(t, to_table_services(t)[c->service].name),
	       c->partner ? c->partner : "everyone else", to_share_text(c->from, from),
	       to_share_text(c->to, to));
	printf("  (%s %% of the clients go %s)\n", to_share_text((uint16_t)moved, from),
	       c->to > c->from ? "legacy to new" : "new to legacy");
}

static json_t *change_json(const struct to_table *t, const struct changes *c, size_t *i)
{
	const struct change *one = &c->at[*i];
	json_t *clients = json_array();

	for (; *i < c->count && same_change(one, &c->at[*i]); ++*i) {
		char range[TO_RANGE_TEXT];

		json_array_append_new(clients,
				      json_string(to_range_text(c->at[*i].family, c->at[*i].first,
								c->at[*i].last, range)));
	}
	return json_pack("{s:s, s:o, s:f, s:f, s:o}", "service",
			 to_table_string(t, to_table_services(t)[one->service].name), "partner",
			 one->partner ? json_string(one->partner) : json_null(), "from_percent",
			 one->from / 100.0, "to_percent", one->to / 100.0, "clients", clients);
}

static const char *midflow_text(const struct to_service *s)
{
	if (s->flags & TO_SERVICE_MIDFLOW_DROP)
		return "drop";
	return s->flags & TO_SERVICE_MIDFLOW_NEW ? "new" : "legacy";
}

static json_t *midflow_json(const struct to_table *a, const struct to_table *b)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < to_table_service_count(a); i++) {
		const struct to_service *x = &to_table_services(a)[i];
		const struct to_service *y = &to_table_services(b)[i];

		if (strcmp(midflow_text(x), midflow_text(y)))
			json_array_append_new(list,
					      json_pack("{s:s, s:s, s:s}", "service",
							to_table_string(a, x->name), "from",
							midflow_text(x), "to", midflow_text(y)));
	}
	return list;
}

static void print_midflow(json_t *list)
{
	json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
	{
		printf("%s, mid-flow packets without a pin: %s -> %s\n",
		       json_string_value(json_object_get(item, "service")),
		       json_string_value(json_object_get(item, "from")),
		       json_string_value(json_object_get(item, "to")));
	}
}

static const char *federation_text(const struct to_plan_stage *stage)
{
	return stage->federation_route == TO_NEW ? "new" : "legacy";
}

static void print_text(const struct to_plan_stage *from, const struct to_plan_stage *to,
		       const struct to_table *t, const struct changes *c, json_t *midflow)
{
	bool federation = from->federation_route != to->federation_route;

	for (size_t i = 0; i < c->count; i++)
		if (!i || !same_change(&c->at[i - 1], &c->at[i]))
			print_change(t, &c->at[i]);
	print_midflow(midflow);
	if (federation)
		printf("outbound federation: %s -> %s (the topology's, by acknowledgement)\n",
		       federation_text(from), federation_text(to));
	if (!c->count && !json_array_size(midflow) && !federation)
		puts("no change for new flows");
	else
		puts("established flows stay where they are");
}

static enum to_exit print_json(const struct to_plan_stage *from, const struct to_plan_stage *to,
			       const struct to_table *t, const struct changes *c, json_t *midflow)
{
	json_t *list = json_array();

	for (size_t i = 0; i < c->count;)
		json_array_append_new(list, change_json(t, c, &i));
	return to_print_json(json_pack("{s:s, s:s, s:o, s:O, s:{s:s, s:s}}", "from", from->name,
				       "to", to->name, "routes", list, "midflow", midflow,
				       "federation_route", "from", federation_text(from), "to",
				       federation_text(to)),
			     TO_EXIT_DONE);
}

static enum to_exit compare(const struct to_plan *plan, const int stages[2],
			    const struct to_image images[2], bool json)
{
	const struct to_table *a = images[0].data, *b = images[1].data;
	const struct to_plan_stage *from = &plan->stage[stages[0]], *to = &plan->stage[stages[1]];
	json_t *midflow = midflow_json(a, b);
	struct changes c = {0};
	enum to_exit code = TO_EXIT_DONE;

	for (uint32_t i = 0; i < to_table_service_count(a); i++)
		for (int f = 0; f < 2; f++)
			compare_family(&c, a, b, i, f);
	if (c.count)
		qsort(c.at, c.count, sizeof(*c.at), by_name);
	if (c.no_memory || !midflow) {
		to_complain("no memory");
		code = TO_EXIT_USAGE;
	} else if (json) {
		code = print_json(from, to, a, &c, midflow);
	} else {
		print_text(from, to, a, &c, midflow);
	}
	json_decref(midflow);
	free(c.at);
	return code;
}

static enum to_exit diff(const struct to_plan *plan, const struct to_args *args)
{
	struct to_image images[2] = {{0}, {0}};
	enum to_exit code = TO_EXIT_DONE;
	int stages[2];

	for (int i = 0; i < 2 && code == TO_EXIT_DONE; i++) {
		struct to_compile_input input = {.generation = 1};
		int err;

		stages[i] = to_open_stage(plan, args->positional[i + 1]);
		if (stages[i] < 0) {
			code = TO_EXIT_USAGE;
			break;
		}
		input.stage = (uint32_t)stages[i];
		err = to_compile(plan, &input, &images[i]);
		if (err) {
			to_complain("cannot compile the stage: %s", strerror(-err));
			code = TO_EXIT_NO;
		}
	}
	if (code == TO_EXIT_DONE)
		code = compare(plan, stages, images, to_has(args, "json"));
	to_image_free(&images[0]);
	to_image_free(&images[1]);
	return code;
}

static enum to_exit run(const struct to_args *args)
{
	struct to_plan *plan;
	enum to_exit code;

	if (!to_open_plan(args->positional[0], &plan, &code))
		return code;
	code = diff(plan, args);
	to_plan_free(plan);
	return code;
}

static const struct to_option options[] = {TO_OPTION_JSON, TO_OPTION_END};

const struct to_command to_cmd_diff = {
	.words = "diff",
	.arguments = "PLAN STAGE STAGE",
	.summary = "Says what a switch between two stages changes for new flows.",
	.options = options,
	.run = run,
};
