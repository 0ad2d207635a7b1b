/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "plan_loader.h"

static const char *const kinds[] = {TO_NAMES(TO_KINDS)};
static const char *const protocols[] = {"tcp", "udp"};
static const char *const roles[] = {"legacy", "new"};
static const char *const midflows[] = {"legacy", "new", "drop"};

static void read_kind(struct to_loader *l, const struct to_node *node, void *object)
{
	to_read_word(l, node, kinds, TO_COUNT(kinds), &((struct to_plan_service *)object)->kind);
}

static void read_protocol(struct to_loader *l, const struct to_node *node, void *object)
{
	to_read_word(l, node, protocols, TO_COUNT(protocols),
		     &((struct to_plan_service *)object)->proto);
}

static void read_port(struct to_loader *l, const struct to_node *node, void *object)
{
	struct to_plan_service *service = object;

	service->port_at = node->at;
	if (!to_read_ports(l, node, &service->port_low, &service->port_high))
		service->port_low = 0;
}

/* The number of a VIP of that address, new or old; TO_NO_INDEX: one too many. */
static uint8_t vip_index(struct to_loader *l, const union to_addr *addr, struct to_place at)
{
	struct to_plan *plan = l->plan;

	for (uint32_t i = 0; i < plan->vips; i++)
		if (to_addr_equal(&plan->vip[i].addr, addr))
			return (uint8_t)i;
	if (plan->vips == TO_MAX_VIPS) {
		to_bad(l, at, "more than %d VIPs", TO_MAX_VIPS);
		return TO_NO_INDEX;
	}
	plan->vip[plan->vips] =
		(struct to_plan_vip){*addr, to_addr_is_v4(addr) ? TO_IP4 : TO_IP6, at};
	return (uint8_t)plan->vips++;
}

static void read_vip(struct to_loader *l, const struct to_node *node, void *object)
{
	struct to_plan_service *service = object;
	union to_addr addr;
	uint8_t index;

	if (!to_read_address(l, node, &addr))
		return;
	index = vip_index(l, &addr, node->at);
	if (index == TO_NO_INDEX)
		return;
	if (memchr(service->vip, index, service->vips)) {
		to_bad(l, node->at, "VIP '%s' is given twice", node->text);
		return;
	}
	if (service->first_vip[to_family_index(&addr)] == TO_NO_INDEX)
		service->first_vip[to_family_index(&addr)] = index;
	service->vip_at[service->vips] = node->at;
	service->vip[service->vips++] = index;
}

static void read_vips(struct to_loader *l, const struct to_node *node, void *object)
{
	to_each_item(l, node, read_vip, object);
}

static void read_address_name(struct to_loader *l, const struct to_node *node, void *object)
{
	to_read_name(l, node, ((struct to_plan_service *)object)->address);
}

static void read_pool_of(struct to_loader *l, const struct to_node *node, void *object, int role)
{
	const struct to_plan *plan = l->plan;
	uint32_t pool;

	if (!to_expect_text(l, node))
		return;
	pool = to_resolve(l, "pool", &l->pools, node->text, node->at);
	if (pool == TO_NO_NAME || plan->pool[pool].role == TO_NO_INDEX)
		return;
	if (plan->pool[pool].role == role)
		((struct to_plan_service *)object)->pool[role] = (uint8_t)pool;
	else
		to_bad(l, node->at, "pool '%s' has the role '%s', not '%s'", node->text,
		       roles[plan->pool[pool].role], roles[role]);
}

static void read_legacy_pool(struct to_loader *l, const struct to_node *node, void *object)
{
	read_pool_of(l, node, object, TO_LEGACY);
}

static void read_new_pool(struct to_loader *l, const struct to_node *node, void *object)
{
	read_pool_of(l, node, object, TO_NEW);
}

static void read_service_pools(struct to_loader *l, const struct to_node *node, void *object)
{
	static const struct to_field fields[] = {
		{"legacy", false, read_legacy_pool},
		{"new", false, read_new_pool},
	};

	to_read_fields(l, node, "'pools'", fields, TO_COUNT(fields), object);
}

static void read_idle(struct to_loader *l, const struct to_node *node, void *object)
{
	uint32_t idle = 0;

	if (to_read_duration(l, node, 1, UINT16_MAX, &idle))
		((struct to_plan_service *)object)->idle = (uint16_t)idle;
}

static void set_group(struct to_loader *l, struct to_plan_service *service, const char *name)
{
	uint32_t group;

	if (!strcmp(name, "none")) {
		service->group = TO_NO_INDEX;
		return;
	}
	group = to_names_add(&l->groups, name);
	if (group == TO_NO_NAME) {
		l->no_memory = true;
		return;
	}
	snprintf(l->plan->group[group], sizeof(l->plan->group[group]), "%s", name);
	l->plan->groups = l->groups.count;
	service->group = (uint8_t)group;
}

static void read_affinity(struct to_loader *l, const struct to_node *node, void *object)
{
	to_plan_name name;

	if (to_read_name(l, node, name))
		set_group(l, object, node->text);
}

static void read_balance(struct to_loader *l, const struct to_node *node, void *object)
{
	static const char *const words[] = {"client", "flow"};
	uint8_t word;

	if (to_read_word(l, node, words, TO_COUNT(words), &word))
		((struct to_plan_service *)object)->balance_flow = word == 1;
}

static void read_midflow(struct to_loader *l, const struct to_node *node, void *object)
{
	to_read_word(l, node, midflows, TO_COUNT(midflows),
		     &((struct to_plan_service *)object)->midflow);
}

static void read_fallback(struct to_loader *l, const struct to_node *node, void *object)
{
	static const char *const words[] = {"drop", "other"};
	uint8_t word;

	if (to_read_word(l, node, words, TO_COUNT(words), &word))
		((struct to_plan_service *)object)->fallback_other = word == 1;
}

static void read_edge_initiated(struct to_loader *l, const struct to_node *node, void *object)
{
	static const char *const words[] = {"own", "vip"};
	uint8_t word;

	if (to_read_word(l, node, words, TO_COUNT(words), &word))
		((struct to_plan_service *)object)->edge_initiated_vip = word == 1;
}

/* docs/state.md, section 2. */
static uint16_t default_idle(const struct to_plan_service *service)
{
	if (service->proto == TO_TCP)
		return 1800;
	if (service->kind == TO_KIND_SIP)
		return 14400;
	return service->kind == TO_KIND_TURN ? 660 : 300;
}

/* The only pool of a role that the service does not name. */
static void default_pool(struct to_loader *l, const struct to_node *node,
			 struct to_plan_service *service, int role)
{
	const struct to_node *pools = to_node_child(node, "pools");
	uint32_t found = 0;

	if (pools && (pools->type != TO_NODE_MAP || to_node_child(pools, roles[role])))
		return;
	for (uint32_t i = 0; i < l->plan->pools; i++) {
		if (l->plan->pool[i].role == role) {
			service->pool[role] = (uint8_t)i;
			found++;
		}
	}
	if (found == 1)
		return;
	service->pool[role] = TO_NO_INDEX;
	if (found)
		to_bad(l, service->at,
		       "%u pools have the role '%s': say which in 'pools' of service '%s'", found,
		       roles[role], service->name);
}

static void fill_defaults(struct to_loader *l, const struct to_node *node,
			  struct to_plan_service *service)
{
	const struct to_node *affinity = to_node_child(node, "affinity");

	if (!to_node_child(node, "address"))
		memcpy(service->address, service->name, sizeof(service->address));
	if (!service->idle)
		service->idle = default_idle(service);
	if (!to_node_child(node, "check"))
		to_default_check(service);
	default_pool(l, node, service, TO_LEGACY);
	default_pool(l, node, service, TO_NEW);
	if (!affinity && !service->balance_flow)
		set_group(l, service, service->name);
	if (service->balance_flow && service->group != TO_NO_INDEX)
		to_bad(l, affinity->at,
		       "'balance: flow' spreads a client over the edges, an affinity group keeps "
		       "it "
		       "together: give 'affinity: none' or 'balance: client'");
}

static void read_service(struct to_loader *l, const struct to_node *node,
			 struct to_plan_service *service)
{
	static const struct to_field fields[] = {
		{"kind", true, read_kind},
		{"vip", true, read_vips},
		{"protocol", true, read_protocol},
		{"port", true, read_port},
		{"address", false, read_address_name},
		{"pools", false, read_service_pools},
		{"idle", false, read_idle},
		{"affinity", false, read_affinity},
		{"balance", false, read_balance},
		{"midflow", false, read_midflow},
		{"fallback", false, read_fallback},
		{"edge_initiated", false, read_edge_initiated},
		{"check", false, to_read_check},
	};
	char what[80];

	snprintf(what, sizeof(what), "service '%.40s'", node->key->text);
	*service = (struct to_plan_service){
		.kind = TO_NO_INDEX,
		.proto = TO_NO_INDEX,
		.first_vip = {TO_NO_INDEX, TO_NO_INDEX},
		.pool = {TO_NO_INDEX, TO_NO_INDEX},
		.group = TO_NO_INDEX,
		.at = node->key->at,
	};
	to_check_name(l, node->key, service->name);
	if (to_read_fields(l, node, what, fields, TO_COUNT(fields), service))
		fill_defaults(l, node, service);
}

static void need_roles(struct to_loader *l, struct to_place at)
{
	for (int role = TO_LEGACY; role <= TO_NEW; role++) {
		bool unknown = false, found = false;

		for (uint32_t i = 0; i < l->plan->pools; i++) {
			found |= l->plan->pool[i].role == role;
			unknown |= l->plan->pool[i].role == TO_NO_INDEX;
		}
		if (l->plan->pools && !found && !unknown)
			to_bad(l, at, "no pool has the role '%s'", roles[role]);
	}
}

void to_read_services(struct to_loader *l, const struct to_node *node, void *plan)
{
	struct to_plan *p = plan;

	if (!to_expect_map(l, node))
		return;
	if (!node->children)
		to_bad(l, to_node_place(node), "a plan without services");
	need_roles(l, to_node_place(node));
	for (const struct to_node *child = node->first; child; child = child->next) {
		if (p->services == TO_MAX_SERVICES) {
			to_bad(l, child->key->at, "more than %d services", TO_MAX_SERVICES);
			return;
		}
		if (to_names_add(&l->services, child->key->text) == TO_NO_NAME)
			l->no_memory = true;
		read_service(l, child, &p->service[p->services++]);
	}
}
