/* SPDX-License-Identifier: BSD-3-Clause */
/* Gates: what must hold before the next stage. Parsed strictly and kept. */
#include <string.h>

#include "plan_loader.h"

#define MAX_COUNT   1000000000u
#define MAX_SECONDS (366u * 86400)

const char *const to_gate_names[] = {"soak", "connections",   "failures", "new_flows",
				     "ack",  "partners_seen", "drained",  "preflight"};
const char *const to_preflight_names[] = {"names", "access-certificate", "internal-certificate",
					  "next-hop", "all-edges"};

static void read_seconds(struct to_loader *l, const struct to_node *node, void *object)
{
	to_read_duration(l, node, 1, MAX_SECONDS, &((struct to_plan_gate *)object)->seconds);
}

static uint8_t reference(struct to_loader *l, const struct to_node *node, const char *what,
			 const struct to_names *names)
{
	if (!to_expect_text(l, node))
		return TO_NO_INDEX;
	return (uint8_t)to_resolve(l, what, names, node->text, node->at);
}

static void read_service(struct to_loader *l, const struct to_node *node, void *object)
{
	((struct to_plan_gate *)object)->service = reference(l, node, "service", &l->services);
}

static void read_pool(struct to_loader *l, const struct to_node *node, void *object)
{
	((struct to_plan_gate *)object)->pool = reference(l, node, "pool", &l->pools);
}

static void read_edge(struct to_loader *l, const struct to_node *node, void *object)
{
	((struct to_plan_gate *)object)->edge = reference(l, node, "edge", &l->edges);
}

static void read_at_least(struct to_loader *l, const struct to_node *node, void *object)
{
	to_read_number(l, node, 1, MAX_COUNT, &((struct to_plan_gate *)object)->number);
}

static void read_at_most(struct to_loader *l, const struct to_node *node, void *object)
{
	to_read_number(l, node, 0, MAX_COUNT, &((struct to_plan_gate *)object)->number);
}

static void read_worse_than(struct to_loader *l, const struct to_node *node, void *object)
{
	uint32_t stage;

	if (!to_expect_text(l, node))
		return;
	stage = to_resolve(l, "stage", &l->stages, node->text, node->at);
	if (stage != TO_NO_NAME && stage + 1 >= l->plan->stages)
		to_bad(l, node->at, "stage '%s' is not an earlier one", node->text);
	((struct to_plan_gate *)object)->stage = stage;
}

/* The gate's service must use the gate's pool. */
static void check_pool(struct to_loader *l, const struct to_node *node,
		       const struct to_plan_gate *gate)
{
	const struct to_plan_service *s;

	if (gate->service == TO_NO_INDEX || gate->pool == TO_NO_INDEX)
		return;
	s = &l->plan->service[gate->service];
	if (s->pool[TO_LEGACY] != TO_NO_INDEX && s->pool[TO_NEW] != TO_NO_INDEX &&
	    s->pool[TO_LEGACY] != gate->pool && s->pool[TO_NEW] != gate->pool)
		to_bad(l, to_node_child(node, "pool")->at, "pool '%s' is not one of service '%s'",
		       l->plan->pool[gate->pool].name, s->name);
}

static void read_connections(struct to_loader *l, const struct to_node *node, void *object)
{
	static const struct to_field fields[] = {
		{"service", true, read_service},
		{"pool", true, read_pool},
		{"at_least", true, read_at_least},
	};

	if (to_read_fields(l, node, "gate 'connections'", fields, TO_COUNT(fields), object))
		check_pool(l, node, object);
}

static void read_new_flows(struct to_loader *l, const struct to_node *node, void *object)
{
	static const struct to_field fields[] = {
		{"service", true, read_service},
		{"pool", true, read_pool},
		{"at_most", true, read_at_most},
	};

	if (to_read_fields(l, node, "gate 'new_flows'", fields, TO_COUNT(fields), object))
		check_pool(l, node, object);
}

static void read_failures(struct to_loader *l, const struct to_node *node, void *object)
{
	static const struct to_field fields[] = {
		{"service", true, read_service},
		{"no_worse_than", true, read_worse_than},
	};

	to_read_fields(l, node, "gate 'failures'", fields, TO_COUNT(fields), object);
}

static void read_ack(struct to_loader *l, const struct to_node *node, void *object)
{
	if (to_expect_text(l, node))
		to_check_label(l, node, ((struct to_plan_gate *)object)->ack, TO_PLAN_MAX_ACK);
}

static void read_list(struct to_loader *l, const struct to_node *node, struct to_plan_gate *gate,
		      const char *what, const struct to_names *names)
{
	struct to_names seen = {0};

	if (!to_expect_list(l, node))
		return;
	if (!node->children)
		to_bad(l, node->at, "'%s' is an empty list", node->key->text);
	gate->item = to_loader_alloc(l, node->children, sizeof(*gate->item));
	for (const struct to_node *item = node->first; item && gate->item; item = item->next) {
		uint32_t known = seen.count, index;

		if (!to_expect_text(l, item))
			continue;
		index = to_resolve(l, what, names, item->text, item->at);
		if (to_names_add(&seen, item->text) < known)
			to_bad(l, item->at, "%s '%s' is listed twice", what, item->text);
		else if (index != TO_NO_NAME)
			gate->item[gate->items++] = index;
	}
	to_names_free(&seen);
}

static void read_partners_seen(struct to_loader *l, const struct to_node *node, void *object)
{
	struct to_plan_gate *gate = object;

	if (node->type == TO_NODE_TEXT && !strcmp(node->text, "all"))
		gate->all = true;
	else if (node->type == TO_NODE_LIST || node->type == TO_NODE_BAD)
		read_list(l, node, gate, "partner", &l->partners);
	else
		to_bad(l, node->at, "'partners_seen' must be 'all' or a list of partners");
}

static void read_except(struct to_loader *l, const struct to_node *node, void *object)
{
	read_list(l, node, object, "service", &l->services);
}

static void read_drained(struct to_loader *l, const struct to_node *node, void *object)
{
	static const struct to_field fields[] = {
		{"pool", false, read_pool},
		{"edge", false, read_edge},
		{"for", true, read_seconds},
		{"except", false, read_except},
	};

	if (to_read_fields(l, node, "gate 'drained'", fields, TO_COUNT(fields), object) &&
	    !to_node_child(node, "pool") == !to_node_child(node, "edge"))
		to_bad(l, node->key->at, "gate 'drained' needs either 'pool' or 'edge'");
}

static void read_preflight(struct to_loader *l, const struct to_node *node, void *object)
{
	struct to_names known = {0};

	for (size_t i = 0; i < TO_PREFLIGHT_COUNT; i++)
		if (to_names_add(&known, to_preflight_names[i]) == TO_NO_NAME)
			l->no_memory = true;
	read_list(l, node, object, "preflight check", &known);
	to_names_free(&known);
}

static to_field_reader *const readers[TO_GATE_KIND_COUNT] = {
	read_seconds, read_connections,   read_failures, read_new_flows,
	read_ack,     read_partners_seen, read_drained,  read_preflight,
};

static void read_gate(struct to_loader *l, const struct to_node *node, void *object)
{
	struct to_plan_stage *stage = object;
	struct to_plan_gate *gate = &stage->gate[stage->gates++];
	const struct to_node *only = node->first;

	if (!to_expect_map(l, node))
		return;
	if (node->children != 1) {
		to_bad(l, node->at, "a gate is a map of one key, not of %u", node->children);
		return;
	}
	*gate = (struct to_plan_gate){.service = TO_NO_INDEX,
				      .pool = TO_NO_INDEX,
				      .edge = TO_NO_INDEX,
				      .at = only->key->at};
	while (gate->kind < TO_GATE_KIND_COUNT &&
	       strcmp(to_gate_names[gate->kind], only->key->text))
		gate->kind++;
	if (gate->kind == TO_GATE_KIND_COUNT)
		to_bad(l, only->key->at, "unknown gate '%.60s'%s", only->key->text,
		       to_did_you_mean(l, only->key->text, to_gate_names, TO_GATE_KIND_COUNT));
	else
		readers[gate->kind](l, only, gate);
}

void to_read_gates(struct to_loader *l, const struct to_node *node, void *object)
{
	struct to_plan_stage *stage = object;

	if (!to_expect_list(l, node))
		return;
	if (node->children > TO_PLAN_MAX_GATES) {
		to_bad(l, to_node_place(node), "more than %d gates in a stage", TO_PLAN_MAX_GATES);
		return;
	}
	stage->gate = to_loader_alloc(l, node->children, sizeof(*stage->gate));
	for (const struct to_node *item = node->first; item && stage->gate; item = item->next)
		read_gate(l, item, stage);
}
