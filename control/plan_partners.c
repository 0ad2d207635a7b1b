/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "plan_loader.h"

static void read_prefix(struct to_loader *l, const struct to_node *node, void *object)
{
	struct to_plan_partner *partner = object;

	if (to_read_prefix(l, node, &partner->prefix[partner->prefixes]))
		partner->prefixes++;
}

static void read_partner(struct to_loader *l, const struct to_node *node,
			 struct to_plan_partner *partner)
{
	uint32_t most = node->type == TO_NODE_LIST ? node->children : 1;

	partner->at = node->key->at;
	to_check_name(l, node->key, partner->name);
	partner->prefix = to_loader_alloc(l, most, sizeof(*partner->prefix));
	if (partner->prefix)
		to_each_item(l, node, read_prefix, partner);
}

struct known_prefix {
	const struct to_plan_prefix *prefix;
	const struct to_plan_partner *partner;
};

static int by_prefix(const void *a, const void *b)
{
	const struct to_plan_prefix *x = ((const struct known_prefix *)a)->prefix;
	const struct to_plan_prefix *y = ((const struct known_prefix *)b)->prefix;

	if (x->family != y->family)
		return x->family < y->family ? -1 : 1;
	if (x->first != y->first)
		return x->first < y->first ? -1 : 1;
	if (x->length != y->length)
		return x->length < y->length ? -1 : 1;
	if (x->at.line != y->at.line)
		return x->at.line < y->at.line ? -1 : 1;
	return x->at.column < y->at.column ? -1 : x->at.column > y->at.column;
}

static bool same_prefix(const struct to_plan_prefix *x, const struct to_plan_prefix *y)
{
	return x->family == y->family && x->first == y->first && x->length == y->length;
}

/* Equal prefixes stand side by side once they are sorted. */
static void refuse_duplicates(struct to_loader *l, struct known_prefix *known, size_t count)
{
	qsort(known, count, sizeof(*known), by_prefix);
	for (size_t i = 1; i < count; i++)
		if (same_prefix(known[i].prefix, known[i - 1].prefix))
			to_bad(l, known[i].prefix->at,
			       "the prefix of partner '%s' is already that of '%s' (line %u)",
			       known[i].partner->name, known[i - 1].partner->name,
			       known[i - 1].prefix->at.line);
}

static void check_duplicates(struct to_loader *l)
{
	const struct to_plan *plan = l->plan;
	struct known_prefix *known;
	size_t count = 0;

	for (uint32_t i = 0; i < plan->partners; i++)
		count += plan->partner[i].prefixes;
	known = calloc(count + 1, sizeof(*known));
	if (!known) {
		l->no_memory = true;
		return;
	}
	count = 0;
	for (uint32_t i = 0; i < plan->partners; i++)
		for (uint32_t k = 0; k < plan->partner[i].prefixes; k++)
			known[count++] = (struct known_prefix){&plan->partner[i].prefix[k],
							       &plan->partner[i]};
	refuse_duplicates(l, known, count);
	free(known);
}

void to_read_partners(struct to_loader *l, const struct to_node *node, void *plan)
{
	struct to_plan *p = plan;

	if (!to_expect_map(l, node))
		return;
	p->partner = to_loader_alloc(l, node->children, sizeof(*p->partner));
	if (!p->partner)
		return;
	for (const struct to_node *child = node->first; child; child = child->next) {
		if (to_names_add(&l->partners, child->key->text) == TO_NO_NAME) {
			l->no_memory = true;
			return;
		}
		read_partner(l, child, &p->partner[p->partners++]);
	}
	check_duplicates(l);
}
