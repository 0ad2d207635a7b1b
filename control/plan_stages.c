/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "plan_loader.h"

static const char *const midflows[] = {"legacy", "new", "drop"};
static const char *const roles[] = {"legacy", "new"};

static void read_default(struct to_loader *l, const struct to_node *node, void *object)
{
	to_read_share(l, node, &((struct to_plan_route *)object)->share);
}

static void read_exceptions(struct to_loader *l, const struct to_node *node, void *object)
{
	struct to_plan_route *route = object;

	if (!to_expect_map(l, node))
		return;
	route->exception = to_loader_alloc(l, node->children, sizeof(*route->exception));
	if (!route->exception)
		return;
	for (const struct to_node *child = node->first; child; child = child->next) {
		struct to_plan_exception *e = &route->exception[route->exceptions];

		e->partner =
			to_resolve(l, "partner", &l->partners, child->key->text, child->key->at);
		if (to_read_share(l, child, &e->share) && e->partner != TO_NO_NAME)
			route->exceptions++;
	}
}

static void read_route(struct to_loader *l, const struct to_node *node, struct to_plan_route *route)
{
	static const struct to_field fields[] = {
		{"default", false, read_default},
		{"partners", false, read_exceptions},
	};
	char what[80];

	route->at = node->key->at;
	if (node->type == TO_NODE_MAP) {
		snprintf(what, sizeof(what), "the route of '%.40s'", node->key->text);
		to_read_fields(l, node, what, fields, TO_COUNT(fields), route);
	} else {
		to_read_share(l, node, &route->share);
	}
}

static void read_routes(struct to_loader *l, const struct to_node *node, void *object)
{
	struct to_plan_stage *stage = object;
	struct to_plan_route nowhere;

	if (!to_expect_map(l, node))
		return;
	for (const struct to_node *child = node->first; child; child = child->next) {
		uint32_t service =
			to_resolve(l, "service", &l->services, child->key->text, child->key->at);

		nowhere = (struct to_plan_route){0};
		read_route(l, child, service == TO_NO_NAME ? &nowhere : &stage->route[service]);
	}
}

static void read_midflows(struct to_loader *l, const struct to_node *node, void *object)
{
	struct to_plan_stage *stage = object;
	uint8_t nowhere;

	if (!to_expect_map(l, node))
		return;
	for (const struct to_node *child = node->first; child; child = child->next) {
		uint32_t service =
			to_resolve(l, "service", &l->services, child->key->text, child->key->at);

		to_read_word(l, child, midflows, TO_COUNT(midflows),
			     service == TO_NO_NAME ? &nowhere : &stage->midflow[service]);
	}
}

static void read_federation_route(struct to_loader *l, const struct to_node *node, void *object)
{
	to_read_word(l, node, roles, TO_COUNT(roles),
		     &((struct to_plan_stage *)object)->federation_route);
}

/* Two digits, up to `most`; where they end, or NULL. */
static const char *two_digits(const char *s, unsigned most, unsigned *out)
{
	if (s[0] < '0' || s[0] > '9' || s[1] < '0' || s[1] > '9')
		return NULL;
	*out = (unsigned)(s[0] - '0') * 10 + (unsigned)(s[1] - '0');
	return *out <= most ? s + 2 : NULL;
}

static const char *clock_time(const char *s, uint16_t *minutes)
{
	unsigned hour, minute;

	s = two_digits(s, 23, &hour);
	if (!s || *s != ':')
		return NULL;
	s = two_digits(s + 1, 59, &minute);
	if (s)
		*minutes = (uint16_t)(hour * 60 + minute);
	return s;
}

static void read_window(struct to_loader *l, const struct to_node *node, void *object)
{
	struct to_plan_stage *stage = object;
	const char *s;

	if (!to_expect_text(l, node))
		return;
	s = clock_time(node->text, &stage->window_from);
	s = s && *s == '-' ? clock_time(s + 1, &stage->window_to) : NULL;
	if (!s || *s)
		to_bad(l, node->at, "'window' must be HH:MM-HH:MM (UTC), not '%.40s'", node->text);
	else if (stage->window_from == stage->window_to)
		to_bad(l, node->at, "'window' begins when it ends: leave it out for any time");
	else
		stage->has_window = true;
}

static void read_stage_name(struct to_loader *l, const struct to_node *node, void *object)
{
	struct to_plan_stage *stage = object;

	stage->at = node->at;
	if (!to_read_name(l, node, stage->name))
		return;
	for (const struct to_plan_stage *other = l->plan->stage; other < stage; other++) {
		if (!strcmp(other->name, stage->name)) {
			to_bad(l, node->at, "stage '%s' is already defined on line %u", node->text,
			       other->at.line);
			return;
		}
	}
}

static void read_stage(struct to_loader *l, const struct to_node *node, struct to_plan_stage *stage)
{
	static const struct to_field fields[] = {
		{"name", true, read_stage_name},
		{"routes", false, read_routes},
		{"midflow", false, read_midflows},
		{"federation_route", false, read_federation_route},
		{"window", false, read_window},
		{"gates", false, to_read_gates},
	};

	stage->at = node->at;
	memset(stage->midflow, TO_NO_INDEX, sizeof(stage->midflow));
	to_read_fields(l, node, "a stage", fields, TO_COUNT(fields), stage);
	for (uint32_t i = 0; i < l->plan->services; i++)
		if (!stage->route[i].at.line)
			stage->route[i].at = stage->at;
}

/* All names first: a gate may name a stage that stands further down, and is told that it does. */
static void collect_names(struct to_loader *l, const struct to_node *list)
{
	uint32_t stages = 0;

	for (const struct to_node *item = list->first; item; item = item->next) {
		const struct to_node *name =
			item->type == TO_NODE_MAP ? to_node_child(item, "name") : NULL;
		bool text = name && name->type == TO_NODE_TEXT;

		if (++stages > TO_PLAN_MAX_STAGES)
			return;
		if (to_names_add(&l->stages, text ? name->text : "") == TO_NO_NAME)
			l->no_memory = true;
	}
}

void to_read_stages(struct to_loader *l, const struct to_node *node, void *plan)
{
	struct to_plan *p = plan;

	if (!to_expect_list(l, node))
		return;
	if (!node->children)
		to_bad(l, to_node_place(node), "a plan without stages");
	collect_names(l, node);
	p->stage = to_loader_alloc(
		l, node->children < TO_PLAN_MAX_STAGES ? node->children : TO_PLAN_MAX_STAGES,
		sizeof(*p->stage));
	if (!p->stage)
		return;
	for (const struct to_node *item = node->first; item; item = item->next) {
		if (p->stages == TO_PLAN_MAX_STAGES) {
			to_bad(l, item->at, "more than %d stages", TO_PLAN_MAX_STAGES);
			return;
		}
		read_stage(l, item, &p->stage[p->stages++]);
	}
}
