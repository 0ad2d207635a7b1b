/* SPDX-License-Identifier: BSD-3-Clause */
#include "plan_tree.h"

#include <string.h>
#include <yaml.h>

#include "plan_names.h"

struct reader {
	yaml_parser_t parser;
	struct to_arena *arena;
	struct to_report *report;
	const char *text;
	size_t size;
	bool failed; /* nothing further can be read */
};

static struct to_place place_of(yaml_mark_t mark)
{
	return (struct to_place){(uint32_t)mark.line + 1, (uint32_t)mark.column + 1};
}

/* libyaml gives only the offset of a byte that is no text. */
static struct to_place place_at(const struct reader *r, size_t offset)
{
	struct to_place at = {1, 1};

	for (size_t i = 0; i < offset && i < r->size; i++) {
		at.column += (r->text[i] & 0xc0) != 0x80; /* characters, not bytes */
		if (r->text[i] == '\n')
			at = (struct to_place){at.line + 1, 1};
	}
	return at;
}

static bool next_event(struct reader *r, yaml_event_t *event)
{
	const yaml_parser_t *p = &r->parser;

	if (r->failed)
		return false;
	if (yaml_parser_parse(&r->parser, event))
		return true;
	r->failed = true;
	if (p->error == YAML_READER_ERROR)
		to_report_add(r->report, TO_ERROR, place_at(r, p->problem_offset),
			      "not readable as text: %s", p->problem);
	else
		to_report_add(r->report, TO_ERROR, place_of(p->problem_mark), "not YAML: %s%s%s",
			      p->problem ? p->problem : "no memory", p->context ? ", " : "",
			      p->context ? p->context : "");
	return false;
}

/* A number in YAML's core schema, as far as a plan could mean one. */
static bool is_number(const char *s)
{
	bool digits = false;

	if (*s == '-' || *s == '+')
		s++;
	if (s[0] == '0' && (s[1] == 'x' || s[1] == 'o'))
		return s[2] && !s[2 + strspn(s + 2, "0123456789abcdefABCDEF")];
	for (; *s >= '0' && *s <= '9'; s++)
		digits = true;
	if (*s == '.')
		for (s++; *s >= '0' && *s <= '9'; s++)
			digits = true;
	if (!digits)
		return false;
	if (*s == 'e' || *s == 'E') {
		s++;
		if (*s == '-' || *s == '+')
			s++;
		return *s && !s[strspn(s, "0123456789")];
	}
	return !*s;
}

static enum to_node_type plain_type(const char *s)
{
	static const char *const words[] = {"",     "~",    "null",  "Null",  "NULL",  "true",
					    "True", "TRUE", "false", "False", "FALSE", ".nan",
					    ".NaN", ".NAN", ".inf",  ".Inf",  ".INF"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!strcmp(s, words[i]))
			return TO_NODE_WORD;
	return is_number(s) ? TO_NODE_NUMBER : TO_NODE_TEXT;
}

static void refuse_extras(struct reader *r, struct to_node *node, const yaml_char_t *anchor,
			  const yaml_char_t *tag)
{
	if (anchor)
		to_report_add(r->report, TO_ERROR, node->at,
			      "anchor '&%s': a plan has no anchors and aliases, write it out",
			      (const char *)anchor);
	if (tag)
		to_report_add(r->report, TO_ERROR, node->at, "tag '%s': a plan has no tags",
			      (const char *)tag);
}

static void fill_scalar(struct reader *r, struct to_node *node, const yaml_event_t *event)
{
	const char *value = (const char *)event->data.scalar.value;

	refuse_extras(r, node, event->data.scalar.anchor, event->data.scalar.tag);
	node->length = event->data.scalar.length;
	node->text = to_arena_copy(r->arena, value, node->length);
	if (!node->text) {
		r->failed = true;
	} else if (strlen(value) != node->length) {
		to_report_add(r->report, TO_ERROR, node->at, "a text with a NUL byte in it");
		node->type = TO_NODE_BAD;
	} else if (event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE) {
		node->type = plain_type(value);
	} else {
		node->type = TO_NODE_TEXT;
	}
}

static struct to_node *read_node(struct reader *r, const yaml_event_t *event, unsigned depth);

static void append(struct to_node *parent, struct to_node **last, struct to_node *node)
{
	if (*last)
		(*last)->next = node;
	else
		parent->first = node;
	*last = node;
	parent->children++;
}

static void read_list(struct reader *r, struct to_node *list, unsigned depth)
{
	struct to_node *last = NULL;
	yaml_event_t event;

	while (next_event(r, &event)) {
		bool end = event.type == YAML_SEQUENCE_END_EVENT;
		struct to_node *node = end ? NULL : read_node(r, &event, depth + 1);

		yaml_event_delete(&event);
		if (!node)
			return;
		append(list, &last, node);
	}
}

/* Is it a key to go on with? A second one of a name is reported and left out. */
static bool good_key(struct reader *r, struct to_names *seen, const struct to_node *key,
		     const struct to_node **keys)
{
	uint32_t before = seen->count;
	uint32_t index;

	if (key->type == TO_NODE_BAD)
		return false;
	if (key->type != TO_NODE_TEXT) {
		to_report_add(r->report, TO_ERROR, key->at, "a key must be a string, not %s%s",
			      to_node_type_name(key),
			      key->type == TO_NODE_NUMBER || key->type == TO_NODE_WORD
				      ? ": quote it"
				      : "");
		return false;
	}
	index = to_names_add(seen, key->text);
	if (index == TO_NO_NAME) {
		r->failed = true;
		return false;
	}
	if (seen->count != before) {
		*keys = key;
		return true;
	}
	to_report_add(r->report, TO_ERROR, key->at, "key '%s' is given twice", key->text);
	return false;
}

static void read_map(struct reader *r, struct to_node *map, unsigned depth)
{
	struct to_node *last = NULL, *key, *value;
	const struct to_node *kept;
	struct to_names seen = {0};
	yaml_event_t event;

	while (next_event(r, &event)) {
		bool end = event.type == YAML_MAPPING_END_EVENT;

		key = end ? NULL : read_node(r, &event, depth + 1);
		yaml_event_delete(&event);
		if (!key || !next_event(r, &event))
			break;
		value = read_node(r, &event, depth + 1);
		yaml_event_delete(&event);
		if (!value)
			break;
		if (good_key(r, &seen, key, &kept)) {
			value->key = kept;
			append(map, &last, value);
		}
	}
	to_names_free(&seen);
}

static void read_deep(struct reader *r, struct to_node *node, const yaml_event_t *event,
		      unsigned depth)
{
	if (depth > TO_PLAN_MAX_DEPTH) {
		to_report_add(r->report, TO_ERROR, node->at, "nested more than %u levels deep",
			      TO_PLAN_MAX_DEPTH);
		r->failed = true;
	} else if (event->type == YAML_SEQUENCE_START_EVENT) {
		node->type = TO_NODE_LIST;
		refuse_extras(r, node, event->data.sequence_start.anchor,
			      event->data.sequence_start.tag);
		read_list(r, node, depth);
	} else {
		node->type = TO_NODE_MAP;
		refuse_extras(r, node, event->data.mapping_start.anchor,
			      event->data.mapping_start.tag);
		read_map(r, node, depth);
	}
}

static struct to_node *read_node(struct reader *r, const yaml_event_t *event, unsigned depth)
{
	struct to_node *node = to_arena_alloc(r->arena, 1, sizeof(*node));

	if (!node) {
		r->failed = true;
		return NULL;
	}
	node->at = place_of(event->start_mark);
	if (event->type == YAML_ALIAS_EVENT) {
		to_report_add(r->report, TO_ERROR, node->at,
			      "alias '*%s': a plan has no anchors and aliases, write it out",
			      (const char *)event->data.alias.anchor);
		node->type = TO_NODE_BAD;
	} else if (event->type == YAML_SCALAR_EVENT) {
		fill_scalar(r, node, event);
	} else {
		read_deep(r, node, event, depth);
	}
	return r->failed ? NULL : node;
}

/* Stream start, document start, the root, document end, stream end; or nothing in the stream. */
static struct to_node *read_stream(struct reader *r)
{
	struct to_node *root = NULL;
	yaml_event_t event;
	bool end = false;

	while (!end && next_event(r, &event)) {
		end = event.type == YAML_STREAM_END_EVENT;
		if (event.type == YAML_DOCUMENT_START_EVENT && root) {
			to_report_add(r->report, TO_ERROR, place_of(event.start_mark),
				      "a second document: a plan is one document");
			end = true;
		} else if (!end && event.type != YAML_STREAM_START_EVENT &&
			   event.type != YAML_DOCUMENT_START_EVENT &&
			   event.type != YAML_DOCUMENT_END_EVENT) {
			root = read_node(r, &event, 1);
		}
		yaml_event_delete(&event);
	}
	if (!r->failed && !root)
		to_report_add(r->report, TO_ERROR, (struct to_place){1, 1}, "the file is empty");
	return r->failed ? NULL : root;
}

const struct to_node *to_tree_load(struct to_arena *arena, const char *text, size_t size,
				   struct to_report *report)
{
	struct reader r = {.arena = arena, .report = report, .text = text, .size = size};
	struct to_node *root;
	size_t before = report->errors;

	if (size > TO_PLAN_MAX_BYTES) {
		to_report_add(report, TO_ERROR, (struct to_place){1, 1},
			      "the file is larger than %u MiB", TO_PLAN_MAX_BYTES >> 20);
		return NULL;
	}
	if (yaml_parser_initialize(&r.parser)) {
		yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, size);
		root = read_stream(&r);
		yaml_parser_delete(&r.parser);
	} else {
		root = NULL;
	}
	if (!root && report->errors == before)
		to_report_add(report, TO_ERROR, (struct to_place){1, 1}, "no memory to read it");
	return root;
}

const struct to_node *to_node_child(const struct to_node *map, const char *key)
{
	const struct to_node *child = map->first;

	while (child && strcmp(child->key->text, key))
		child = child->next;
	return child;
}

struct to_place to_node_place(const struct to_node *node)
{
	return node->key ? node->key->at : node->at;
}

const char *to_node_type_name(const struct to_node *node)
{
	switch (node->type) {
	case TO_NODE_NUMBER:
		return "a number";
	case TO_NODE_WORD:
		return *node->text ? node->text : "nothing";
	case TO_NODE_MAP:
		return "a map";
	case TO_NODE_LIST:
		return "a list";
	default:
		return "a string";
	}
}
