/* SPDX-License-Identifier: BSD-3-Clause */
/* The machinery of the readers: fields, references, suggestions. */
#include "plan_loader.h"

#include <stdio.h>
#include <string.h>

#define MAX_FIELDS      20
#define MAX_COMPARISONS 4000000 /* of names, a few hundred nanoseconds each */

const char *to_did_you_mean(struct to_loader *l, const char *wrong, const char *const *candidates,
			    size_t count)
{
	static _Thread_local char text[64];
	const char *near;

	l->comparisons += count;
	if (l->comparisons > MAX_COMPARISONS)
		return "";
	near = to_nearest(wrong, candidates, count);
	if (!near)
		return "";
	snprintf(text, sizeof(text), "; did you mean '%.40s'?", near);
	return text;
}

static void refuse_unknown(struct to_loader *l, const struct to_node *map, const char *what,
			   const struct to_field *fields, size_t count)
{
	const char *keys[MAX_FIELDS];

	for (size_t i = 0; i < count; i++)
		keys[i] = fields[i].key;
	for (const struct to_node *child = map->first; child; child = child->next) {
		const char *key = child->key->text;
		size_t i = 0;

		while (i < count && strcmp(keys[i], key))
			i++;
		if (i == count)
			to_bad(l, child->key->at, "unknown key '%.60s' in %s%s", key, what,
			       to_did_you_mean(l, key, keys, count));
	}
}

bool to_read_fields(struct to_loader *l, const struct to_node *node, const char *what,
		    const struct to_field *fields, size_t count, void *object)
{
	if (!to_expect_map(l, node))
		return false;
	refuse_unknown(l, node, what, fields, count);
	for (size_t i = 0; i < count; i++) {
		const struct to_node *child = to_node_child(node, fields[i].key);

		if (child)
			fields[i].read(l, child, object);
		else if (fields[i].required)
			to_bad(l, to_node_place(node), "%s has no '%s'", what, fields[i].key);
	}
	return true;
}

uint32_t to_resolve(struct to_loader *l, const char *what, const struct to_names *names,
		    const char *name, struct to_place at)
{
	uint32_t index = to_names_find(names, name);

	if (index == TO_NO_NAME)
		to_bad(l, at, "%s '%.60s' is not defined%s", what, name,
		       to_did_you_mean(l, name, names->names, names->count));
	return index;
}

void *to_loader_alloc(struct to_loader *l, size_t count, size_t size)
{
	void *memory = to_arena_alloc(&l->plan->arena, count, size);

	if (!memory)
		l->no_memory = true;
	return memory;
}

void to_each_item(struct to_loader *l, const struct to_node *node, to_field_reader *each,
		  void *object)
{
	if (node->type != TO_NODE_LIST) {
		each(l, node, object);
		return;
	}
	if (!node->children)
		to_bad(l, node->at, "'%s' is an empty list", node->key ? node->key->text : "item");
	for (const struct to_node *item = node->first; item; item = item->next)
		each(l, item, object);
}
