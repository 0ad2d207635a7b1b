/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "plan_loader.h"

static const char *const roles[] = {"legacy", "new"};
static const char *const modes[] = {TO_NAMES(TO_MODES)};

/* A list's place for one address of each family. */
static void read_edge_address(struct to_loader *l, const struct to_node *node, void *object)
{
	struct to_plan_address *address = object;
	union to_addr addr;
	int family;

	if (!to_read_address(l, node, &addr))
		return;
	family = to_family_index(&addr);
	if (address->has[family]) {
		to_bad(l, node->at, "a second IPv%d address for '%s' of one edge", family ? 6 : 4,
		       address->name);
		return;
	}
	address->has[family] = true;
	address->addr[family] = addr;
	address->at[family] = node->at;
}

static void read_mode(struct to_loader *l, const struct to_node *node, uint8_t *mode)
{
	to_read_word(l, node, modes, TO_COUNT(modes), mode);
}

static void read_check_mark(struct to_loader *l, const struct to_node *node,
			    struct to_plan_edge *edge)
{
	uint64_t mark;

	if (to_read_number(l, node, 1, UINT32_MAX, &mark))
		edge->check_mark = (uint32_t)mark;
}

static void read_edge(struct to_loader *l, const struct to_node *node, struct to_plan_edge *edge)
{
	uint32_t wanted = node->children;

	if (!to_expect_map(l, node))
		return;
	if (wanted > TO_MAX_SERVICES) {
		to_bad(l, node->key->at, "edge '%s' has more than %d addresses", node->key->text,
		       TO_MAX_SERVICES);
		return;
	}
	edge->address = to_loader_alloc(l, wanted, sizeof(*edge->address));
	if (!edge->address)
		return;
	for (const struct to_node *child = node->first; child; child = child->next) {
		struct to_plan_address *address = &edge->address[edge->addresses];

		if (!strcmp(child->key->text, "mode")) {
			read_mode(l, child, &edge->mode);
		} else if (!strcmp(child->key->text, "check_mark")) {
			read_check_mark(l, child, edge);
		} else if (to_check_name(l, child->key, address->name)) {
			to_each_item(l, child, read_edge_address, address);
			edge->addresses++;
		}
	}
	if (!edge->addresses)
		to_bad(l, node->key->at, "edge '%s' has no address", node->key->text);
	if (edge->check_mark && edge->mode == TO_MODE_DNAT)
		to_bad(l, to_node_child(node, "check_mark")->key->at,
		       "edge '%s' has the mode dnat, in which its own addresses answer: "
		       "'check_mark' "
		       "is for l2 and ipip",
		       node->key->text);
}

static void add_edge(struct to_loader *l, const struct to_node *node, struct to_plan_pool *pool)
{
	struct to_plan *plan = l->plan;
	struct to_plan_edge *edge = &plan->edge[plan->edges];
	uint32_t known = l->edges.count;

	if (plan->edges == TO_MAX_EDGES) {
		to_bad(l, node->key->at, "more than %d edges", TO_MAX_EDGES);
		return;
	}
	edge->at = node->key->at;
	edge->pool = (uint8_t)(pool - plan->pool);
	edge->mode = pool->mode;
	if (to_check_name(l, node->key, edge->name) &&
	    to_names_add(&l->edges, node->key->text) < known)
		to_bad(l, edge->at, "edge '%s' is in two pools: an edge's name is its own",
		       edge->name);
	plan->edges++;
	pool->edges++;
	read_edge(l, node, edge);
}

static void read_edges(struct to_loader *l, const struct to_node *node, void *object)
{
	if (!to_expect_map(l, node))
		return;
	if (!node->children)
		to_bad(l, to_node_place(node), "a pool without edges");
	for (const struct to_node *child = node->first; child; child = child->next)
		add_edge(l, child, object);
}

static void read_role(struct to_loader *l, const struct to_node *node, void *object)
{
	to_read_word(l, node, roles, TO_COUNT(roles), &((struct to_plan_pool *)object)->role);
}

static void read_pool_mode(struct to_loader *l, const struct to_node *node, void *object)
{
	read_mode(l, node, &((struct to_plan_pool *)object)->mode);
}

/* Labels of letters, digits and hyphens, RFC 1123, 2.1; also '_' for what is no host. */
static bool is_fqdn(const char *s, size_t length)
{
	size_t label = 0;

	if (length < 1 || length > TO_PLAN_MAX_FQDN)
		return false;
	for (; *s; s++) {
		bool word = (*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') ||
			    (*s >= '0' && *s <= '9') || *s == '_';

		if (*s == '.' ? label == 0 || s[-1] == '-' : !word && (*s != '-' || label == 0))
			return false;
		label = *s == '.' ? 0 : label + 1;
		if (label > 63)
			return false;
	}
	return label > 0 && s[-1] != '-';
}

static void read_fqdns(struct to_loader *l, const struct to_node *node, void *object)
{
	struct to_plan_pool *pool = object;

	if (!to_expect_map(l, node))
		return;
	pool->fqdn = to_loader_alloc(l, node->children, sizeof(*pool->fqdn));
	if (!pool->fqdn)
		return;
	for (const struct to_node *child = node->first; child; child = child->next) {
		struct to_plan_fqdn *fqdn = &pool->fqdn[pool->fqdns];

		if (!to_check_name(l, child->key, fqdn->name) || !to_expect_text(l, child))
			continue;
		if (!is_fqdn(child->text, child->length)) {
			to_bad(l, child->at, "'%.80s' is not a fully qualified domain name",
			       child->text);
			continue;
		}
		fqdn->at = child->at;
		fqdn->fqdn = to_arena_copy(&l->plan->arena, child->text, child->length);
		if (fqdn->fqdn)
			pool->fqdns++;
		else
			l->no_memory = true;
	}
}

/* Each name must be that of an address that the pool's edges have. */
static void check_fqdns(struct to_loader *l, const struct to_node *node,
			const struct to_plan_pool *pool)
{
	const struct to_node *names = to_node_child(node, "names");
	struct to_names known = {0};

	for (uint32_t e = pool->first_edge; e < pool->first_edge + pool->edges; e++)
		for (uint32_t a = 0; a < l->plan->edge[e].addresses; a++)
			to_names_add(&known, l->plan->edge[e].address[a].name);
	if (names && names->type == TO_NODE_MAP && known.count)
		for (const struct to_node *child = names->first; child; child = child->next)
			to_resolve(l, "address", &known, child->key->text, child->key->at);
	to_names_free(&known);
}

static const struct to_plan_fqdn *fqdn_of(const struct to_plan_pool *pool, const char *name)
{
	for (uint32_t i = 0; i < pool->fqdns; i++)
		if (!strcmp(pool->fqdn[i].name, name))
			return &pool->fqdn[i];
	return NULL;
}

static void check_one_name(struct to_loader *l, const struct to_plan_pool *pool)
{
	const struct to_plan_fqdn *access = fqdn_of(pool, "access");
	const struct to_plan_fqdn *webconf = fqdn_of(pool, "webconf");
	const struct to_plan_fqdn *av = fqdn_of(pool, "av");

	if (pool->role == TO_LEGACY && access && webconf && av &&
	    !strcasecmp(access->fqdn, webconf->fqdn) && !strcasecmp(access->fqdn, av->fqdn))
		to_bad(l, access->at,
		       "access, webconf and av of the legacy pool '%s' have one name, '%s': such a "
		       "pool cannot be migrated beside a new one (S6); move all users and "
		       "decommission it first, then federate (S7)",
		       pool->name, access->fqdn);
}

static void read_pool(struct to_loader *l, const struct to_node *node, struct to_plan_pool *pool)
{
	static const struct to_field fields[] = {
		{"role", true, read_role},
		{"mode", false, read_pool_mode},
		{"edges", true, read_edges},
		{"names", false, read_fqdns},
	};
	char what[80];

	snprintf(what, sizeof(what), "pool '%.40s'", node->key->text);
	pool->at = node->key->at;
	pool->role = TO_NO_INDEX;
	pool->mode = TO_MODE_DNAT;
	pool->first_edge = (uint8_t)l->plan->edges;
	to_check_name(l, node->key, pool->name);
	if (!to_read_fields(l, node, what, fields, TO_COUNT(fields), pool))
		return;
	check_fqdns(l, node, pool);
	check_one_name(l, pool);
}

void to_read_pools(struct to_loader *l, const struct to_node *node, void *plan)
{
	struct to_plan *p = plan;

	if (!to_expect_map(l, node))
		return;
	if (!node->children)
		to_bad(l, to_node_place(node), "a plan without pools");
	for (const struct to_node *child = node->first; child; child = child->next) {
		if (p->pools == TO_MAX_POOLS) {
			to_bad(l, child->key->at, "more than %d pools", TO_MAX_POOLS);
			return;
		}
		if (to_names_add(&l->pools, child->key->text) == TO_NO_NAME)
			l->no_memory = true;
		read_pool(l, child, &p->pool[p->pools++]);
	}
}
