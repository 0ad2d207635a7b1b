/* SPDX-License-Identifier: BSD-3-Clause */
/* A YAML document as a tree of nodes that know their places. */
#ifndef TURNOUT_PLAN_TREE_H
#define TURNOUT_PLAN_TREE_H

#include <stdbool.h>

#include "arena.h"
#include "report.h"

#define TO_PLAN_MAX_BYTES (16u << 20)
#define TO_PLAN_MAX_DEPTH 12 /* a plan needs 7 */

enum to_node_type {
	TO_NODE_TEXT,   /* a string, also a quoted number */
	TO_NODE_NUMBER, /* plain, and begins like a number and is one in YAML's core schema */
	TO_NODE_WORD,   /* plain true, false, null, ~ or nothing: never what a plan means */
	TO_NODE_MAP,
	TO_NODE_LIST,
	TO_NODE_BAD, /* already reported */
};

struct to_node {
	enum to_node_type type;
	uint32_t children;
	struct to_place at;
	const char *text; /* of a scalar; without NUL bytes in it */
	size_t length;
	const struct to_node *key; /* of a map's child */
	struct to_node *first;
	struct to_node *next;
};

/* NULL: the report says why. The tree lives in the arena. */
const struct to_node *to_tree_load(struct to_arena *arena, const char *text, size_t size,
				   struct to_report *report);

const struct to_node *to_node_child(const struct to_node *map, const char *key);

/* Where a message about a node as a whole points: at its key, if it has one. */
struct to_place to_node_place(const struct to_node *node);
const char *to_node_type_name(const struct to_node *node);

#endif
