/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plan_loader.h"

static void read_version(struct to_loader *l, const struct to_node *node, void *plan)
{
	uint64_t version;

	(void)plan;
	to_read_number(l, node, 1, 1, &version);
}

static void read_salt(struct to_loader *l, const struct to_node *node, void *plan)
{
	if (!to_expect_text(l, node))
		return;
	if (node->length < 1 || node->length > TO_PLAN_MAX_SALT)
		to_bad(l, node->at, "'salt' must have 1 to %d bytes, not %zu", TO_PLAN_MAX_SALT,
		       node->length);
	else
		memcpy(((struct to_plan *)plan)->salt, node->text, node->length + 1);
}

static void read_grace(struct to_loader *l, const struct to_node *node, void *plan)
{
	to_read_duration(l, node, 0, UINT16_MAX, &((struct to_plan *)plan)->grace);
}

static void read_relay_key(struct to_loader *l, const struct to_node *node, void *plan)
{
	static const char *const words[] = {"shared", "distinct"};
	uint8_t word;

	if (to_read_word(l, node, words, TO_COUNT(words), &word))
		((struct to_plan *)plan)->relay_key_shared = word == 0;
}

static void read_site_name(struct to_loader *l, const struct to_node *node, void *plan)
{
	to_read_name(l, node, ((struct to_plan *)plan)->site);
}

static void read_gateway(struct to_loader *l, const struct to_node *node, void *object)
{
	struct to_plan *plan = object;
	union to_addr addr;

	if (!to_read_address(l, node, &addr))
		return;
	if (plan->gateways == TO_MAX_GATEWAYS) {
		to_bad(l, node->at, "more than %d gateway addresses", TO_MAX_GATEWAYS);
		return;
	}
	plan->gateway[plan->gateways++] = (struct to_plan_gateway){addr, node->at};
}

static void read_gateways(struct to_loader *l, const struct to_node *node, void *plan)
{
	to_each_item(l, node, read_gateway, plan);
}

void to_read_site(struct to_loader *l, const struct to_node *node, void *plan)
{
	static const struct to_field fields[] = {
		{"name", true, read_site_name},
		{"gateways", false, read_gateways},
	};

	to_read_fields(l, node, "site", fields, TO_COUNT(fields), plan);
}

/* In the order in which one needs another, whatever the file's is. */
static const struct to_field sections[] = {
	{"turnout", true, read_version},
	{"site", true, to_read_site},
	{"salt", true, read_salt},
	{"grace", false, read_grace},
	{"relay_key", false, read_relay_key},
	{"pools", true, to_read_pools},
	{"services", true, to_read_services},
	{"partners", false, to_read_partners},
	{"stages", true, to_read_stages},
};

static void read_plan(struct to_loader *l, const struct to_node *root)
{
	l->plan->grace = TO_GRACE;
	if (root->type != TO_NODE_MAP) {
		if (root->type != TO_NODE_BAD)
			to_bad(l, root->at, "a plan must be a map, not %s",
			       to_node_type_name(root));
		return;
	}
	to_read_fields(l, root, "the plan", sections, TO_COUNT(sections), l->plan);
	to_check_addresses(l);
	to_check_services(l);
	to_check_stages(l);
	to_check_federation(l);
}

int to_plan_parse(const char *text, size_t size, struct to_report *report, struct to_plan **out)
{
	struct to_loader l = {.report = report, .plan = calloc(1, sizeof(*l.plan))};
	struct to_arena tree = {0};
	const struct to_node *root;
	int err = 0;

	*out = NULL;
	if (!l.plan)
		return -ENOMEM;
	root = to_tree_load(&tree, text, size, report);
	if (root)
		read_plan(&l, root);
	to_report_sort(report);
	to_names_free(&l.pools);
	to_names_free(&l.edges);
	to_names_free(&l.services);
	to_names_free(&l.partners);
	to_names_free(&l.stages);
	to_names_free(&l.groups);
	to_arena_free(&tree);
	if (l.no_memory)
		err = -ENOMEM;
	else if (!root || report->errors)
		err = -EINVAL;
	if (err)
		to_plan_free(l.plan);
	else
		*out = l.plan;
	return err;
}

/* The whole file, or one byte more than a plan may have: the tree refuses that by name. */
static int read_file(FILE *file, char **text, size_t *size)
{
	size_t room = 64u << 10;
	char *grown;

	*text = NULL;
	*size = 0;
	for (;;) {
		grown = realloc(*text, room);
		if (!grown)
			return -ENOMEM;
		*text = grown;
		errno = 0;
		*size += fread(*text + *size, 1, room - *size, file);
		if (ferror(file))
			return errno ? -errno : -EIO;
		if (*size < room || *size > TO_PLAN_MAX_BYTES)
			return 0;
		room *= 2;
	}
}

int to_plan_load(const char *path, struct to_report *report, struct to_plan **out)
{
	FILE *file = fopen(path, "re");
	char *text;
	size_t size;
	int err;

	*out = NULL;
	if (!file)
		return -errno;
	err = read_file(file, &text, &size);
	if (!err)
		err = to_plan_parse(text, size, report, out);
	free(text);
	fclose(file);
	return err;
}

void to_plan_free(struct to_plan *plan)
{
	if (!plan)
		return;
	to_arena_free(&plan->arena);
	free(plan);
}

int to_plan_find_stage(const struct to_plan *plan, const char *name)
{
	for (uint32_t i = 0; i < plan->stages; i++)
		if (!strcmp(plan->stage[i].name, name))
			return (int)i;
	return -1;
}

int to_plan_find_service(const struct to_plan *plan, const char *name)
{
	for (uint32_t i = 0; i < plan->services; i++)
		if (!strcmp(plan->service[i].name, name))
			return (int)i;
	return -1;
}

int to_plan_find_edge(const struct to_plan *plan, const char *name)
{
	for (uint32_t i = 0; i < plan->edges; i++)
		if (!strcmp(plan->edge[i].name, name))
			return (int)i;
	return -1;
}

const struct to_plan_address *to_plan_edge_address(const struct to_plan_edge *edge,
						   const struct to_plan_service *service)
{
	if (edge->pool != service->pool[TO_LEGACY] && edge->pool != service->pool[TO_NEW])
		return NULL;
	for (uint32_t i = 0; i < edge->addresses; i++)
		if (!strcmp(edge->address[i].name, service->address))
			return &edge->address[i];
	return NULL;
}
