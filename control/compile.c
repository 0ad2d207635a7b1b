/* SPDX-License-Identifier: BSD-3-Clause */
#include "compile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <turnout/hash.h>
#include <turnout/table_check.h>

#include "compile_addresses.h"
#include "compile_routes.h"

/* Everything that the image is put together from. */
struct build {
	const struct to_plan *plan;
	const struct to_compile_input *input;
	struct to_flat flat;
	struct to_addresses addresses;
	char *strings;
	uint32_t string_bytes, string_room;
	struct to_table *table;
};

/* The offset of a new string; 0 (the empty string) when there is no memory: `failed` remembers. */
static uint32_t add_string(struct build *b, const char *text, int *err)
{
	uint32_t length = (uint32_t)strlen(text) + 1, at = b->string_bytes;

	if (length == 1)
		return 0;
	if (b->string_bytes + length > b->string_room) {
		uint32_t room = (b->string_room + length) * 2;
		char *grown = realloc(b->strings, room);

		if (!grown) {
			*err = -ENOMEM;
			return 0;
		}
		b->strings = grown;
		b->string_room = room;
	}
	memcpy(b->strings + at, text, length);
	b->string_bytes += length;
	return at;
}

/* Names in the order in which fill_*() will ask for them. */
struct names {
	uint32_t site, stage;
	uint32_t pool[TO_MAX_POOLS], edge[TO_MAX_EDGES], service[TO_MAX_SERVICES];
	uint32_t *partner; /* 0: no route names it */
};

static int add_names(struct build *b, struct names *n)
{
	const struct to_plan *plan = b->plan;
	int err = 0;

	b->strings = calloc(1, 4096);
	b->string_room = 4096;
	b->string_bytes = 1; /* the empty string */
	n->partner = calloc(plan->partners + 1u, sizeof(*n->partner));
	if (!b->strings || !n->partner)
		return -ENOMEM;
	n->site = add_string(b, plan->site, &err);
	n->stage = add_string(b, plan->stage[b->input->stage].name, &err);
	for (uint32_t i = 0; i < plan->pools; i++)
		n->pool[i] = add_string(b, plan->pool[i].name, &err);
	for (uint32_t i = 0; i < plan->edges; i++)
		n->edge[i] = add_string(b, plan->edge[i].name, &err);
	for (uint32_t i = 0; i < plan->services; i++)
		n->service[i] = add_string(b, plan->service[i].name, &err);
	for (uint32_t i = 0; i < b->flat.route_count; i++) {
		uint32_t p = b->flat.routes[i].partner;

		if (p != TO_EVERYONE && !n->partner[p])
			n->partner[p] = add_string(b, plan->partner[p].name, &err);
	}
	return err;
}

static size_t aligned(size_t size)
{
	return (size + TO_TABLE_ALIGN - 1) & ~(size_t)(TO_TABLE_ALIGN - 1);
}

static int lay_out(struct build *b, struct to_image *out)
{
	const struct to_plan *plan = b->plan;
	const uint32_t counts[TO_SECTION_COUNT] = {
		[TO_SECTION_ADDRESSES] = b->addresses.mask + 1,
		[TO_SECTION_BINDS] = b->addresses.bind_count,
		[TO_SECTION_SERVICES] = plan->services,
		[TO_SECTION_POOLS] = plan->pools,
		[TO_SECTION_EDGES] = plan->edges,
		[TO_SECTION_TARGETS] = plan->services * plan->edges,
		[TO_SECTION_INTERVALS] = b->flat.interval_count,
		[TO_SECTION_ROUTES] = b->flat.route_count,
		[TO_SECTION_VIPS] = plan->vips,
		[TO_SECTION_GATEWAYS] = plan->gateways,
		[TO_SECTION_STRINGS] = b->string_bytes,
	};
	struct to_section_ref refs[TO_SECTION_COUNT];
	size_t size = sizeof(struct to_table);
	int err;

	for (int i = 0; i < TO_SECTION_COUNT; i++) {
		refs[i] = (struct to_section_ref){(uint32_t)size, counts[i]};
		size = aligned(size + counts[i] * to_section_size[i]);
	}
	if (size > TO_TABLE_MAX_BYTES)
		return -E2BIG;
	err = to_image_alloc(out, size);
	if (err)
		return err;
	b->table = out->data;
	memcpy(b->table->section, refs, sizeof(refs));
	b->table->size = (uint32_t)size;
	return 0;
}

static void *section(const struct build *b, enum to_section which)
{
	return (char *)b->table + b->table->section[which].offset;
}

static void fill_header(struct build *b, const struct names *n)
{
	const struct to_plan *plan = b->plan;
	struct to_table *t = b->table;

	t->magic = TO_TABLE_MAGIC;
	t->layout = TO_TABLE_LAYOUT;
	t->generation = b->input->generation;
	t->salt = to_mix(to_fnv(plan->salt, strlen(plan->salt)));
	t->stage = b->input->stage;
	t->stage_name = n->stage;
	t->site_name = n->site;
	t->grace = plan->grace;
	t->committed = b->input->now;
	t->address_mask = b->addresses.mask;
	t->address_seed = b->addresses.seed;
}

static uint8_t service_flags(const struct build *b, uint32_t index)
{
	const struct to_plan *plan = b->plan;
	const struct to_plan_service *s = &plan->service[index];
	uint8_t midflow = plan->stage[b->input->stage].midflow[index];
	bool turn = s->kind == TO_KIND_TURN, dnat = false;
	uint8_t flags = 0;

	for (uint32_t i = 0; i < plan->edges; i++)
		if (plan->edge[i].pool == s->pool[TO_LEGACY] ||
		    plan->edge[i].pool == s->pool[TO_NEW])
			dnat |= plan->edge[i].mode == TO_MODE_DNAT;
	if (midflow == TO_NO_INDEX)
		midflow = s->midflow;
	flags |= s->balance_flow ? TO_SERVICE_BALANCE_FLOW : 0;
	flags |= s->fallback_other ? TO_SERVICE_FALLBACK_OTHER : 0;
	flags |= s->edge_initiated_vip ? TO_SERVICE_EDGE_INITIATED_VIP : 0;
	flags |= midflow == TO_MIDFLOW_DROP ? TO_SERVICE_MIDFLOW_DROP : 0;
	flags |= midflow == TO_MIDFLOW_NEW ? TO_SERVICE_MIDFLOW_NEW : 0;
	flags |= (turn || s->kind == TO_KIND_SIP) && dnat ? TO_SERVICE_LEARN : 0;
	flags |= (turn || s->kind == TO_KIND_MEDIA) && s->proto == TO_UDP ? TO_SERVICE_OWNED : 0;
	return flags;
}

static void fill_services(struct build *b, const struct names *n)
{
	struct to_service *out = section(b, TO_SECTION_SERVICES);

	for (uint32_t i = 0; i < b->plan->services; i++) {
		const struct to_plan_service *s = &b->plan->service[i];

		out[i] = (struct to_service){
			.kind = s->kind,
			.proto = s->proto,
			.flags = service_flags(b, i),
			.group = s->group,
			.legacy_pool = s->pool[TO_LEGACY],
			.new_pool = s->pool[TO_NEW],
			.vip4 = s->first_vip[0],
			.vip6 = s->first_vip[1],
			.port_low = s->port_low,
			.port_high = s->port_high,
			.idle = s->idle,
			.name = n->service[i],
			.first_interval = {b->flat.first[i][0], b->flat.first[i][1]},
			.intervals = {b->flat.count[i][0], b->flat.count[i][1]},
		};
	}
}

static void fill_pools(struct build *b, const struct names *n)
{
	const struct to_plan *plan = b->plan;
	struct to_pool *pools = section(b, TO_SECTION_POOLS);
	struct to_edge *edges = section(b, TO_SECTION_EDGES);

	for (uint32_t i = 0; i < plan->pools; i++)
		pools[i] = (struct to_pool){
			.role = plan->pool[i].role,
			.first_edge = plan->pool[i].first_edge,
			.edges = plan->pool[i].edges,
			.name = n->pool[i],
		};
	for (uint32_t i = 0; i < plan->edges; i++) {
		const char *name = plan->edge[i].name;

		edges[i] = (struct to_edge){
			.seed = to_mix(to_fnv(name, strlen(name)) ^ b->table->salt),
			.state = b->input->edge_states ? b->input->edge_states[i] : TO_EDGE_UP,
			.mode = plan->edge[i].mode,
			.pool = plan->edge[i].pool,
			.name = n->edge[i],
		};
	}
}

static uint8_t gateway_of(const struct to_plan *plan, int family)
{
	for (uint32_t i = 0; i < plan->gateways; i++)
		if (to_family_index(&plan->gateway[i].addr) == family)
			return (uint8_t)i;
	return TO_NO_INDEX;
}

static struct to_target target(const struct to_plan *plan, const struct to_plan_service *service,
			       const struct to_plan_edge *edge)
{
	const struct to_plan_address *a = to_plan_edge_address(edge, service);
	struct to_target t = {.mode = edge->mode, .gateway4 = TO_NO_INDEX, .gateway6 = TO_NO_INDEX};

	if (!a)
		return t;
	t.has4 = a->has[0];
	t.has6 = a->has[1];
	t.v4.raw = a->addr[0].w[3]; /* zero without one */
	t.v6 = a->addr[1];
	if (edge->mode == TO_MODE_IPIP) {
		t.gateway4 = t.has4 ? gateway_of(plan, 0) : TO_NO_INDEX;
		t.gateway6 = t.has6 ? gateway_of(plan, 1) : TO_NO_INDEX;
	}
	return t;
}

static void fill_targets(struct build *b)
{
	const struct to_plan *plan = b->plan;
	struct to_target *targets = section(b, TO_SECTION_TARGETS);

	for (uint32_t s = 0; s < plan->services; s++)
		for (uint32_t e = 0; e < plan->edges; e++)
			targets[s * plan->edges + e] =
				target(plan, &plan->service[s], &plan->edge[e]);
}

static void fill_routes(struct build *b, const struct names *n)
{
	struct to_route *routes = section(b, TO_SECTION_ROUTES);

	for (uint32_t i = 0; i < b->flat.route_count; i++) {
		const struct to_flat_route *f = &b->flat.routes[i];

		routes[i] = (struct to_route){
			.share = f->share,
			.partner = f->partner == TO_EVERYONE ? 0 : n->partner[f->partner],
			.new_zero_since = f->new_zero_since,
			.legacy_zero_since = f->legacy_zero_since,
		};
	}
}

static void fill_sites(struct build *b)
{
	struct to_vip *vips = section(b, TO_SECTION_VIPS);
	struct to_gateway *gateways = section(b, TO_SECTION_GATEWAYS);

	for (uint32_t i = 0; i < b->plan->vips; i++)
		vips[i] = (struct to_vip){.addr = b->plan->vip[i].addr,
					  .family = b->plan->vip[i].family};
	for (uint32_t i = 0; i < b->plan->gateways; i++)
		gateways[i].addr = b->plan->gateway[i].addr;
}

static void fill(struct build *b, const struct names *n)
{
	fill_header(b, n);
	memcpy(section(b, TO_SECTION_ADDRESSES), b->addresses.slots,
	       (b->addresses.mask + 1) * sizeof(struct to_address));
	memcpy(section(b, TO_SECTION_BINDS), b->addresses.binds,
	       b->addresses.bind_count * sizeof(struct to_bind));
	fill_services(b, n);
	fill_pools(b, n);
	fill_targets(b);
	memcpy(section(b, TO_SECTION_INTERVALS), b->flat.intervals,
	       b->flat.interval_count * sizeof(struct to_interval));
	fill_routes(b, n);
	fill_sites(b);
	memcpy(section(b, TO_SECTION_STRINGS), b->strings, b->string_bytes);
	b->table->checksum = to_table_checksum(b->table, b->table->size);
}

static bool possible(const struct to_plan *plan, const struct to_compile_input *input)
{
	if (input->stage >= plan->stages || !input->generation)
		return false;
	for (uint32_t i = 0; i < plan->edges && input->edge_states; i++)
		if (input->edge_states[i] >= TO_EDGE_STATE_COUNT)
			return false;
	return true;
}

int to_compile(const struct to_plan *plan, const struct to_compile_input *input,
	       struct to_image *out)
{
	struct build b = {.plan = plan, .input = input};
	struct names names = {0};
	const char *why;
	int err;

	*out = (struct to_image){0};
	if (!possible(plan, input))
		return -EINVAL;
	err = to_flatten(plan, input, &b.flat);
	if (!err)
		err = to_addresses_build(plan, &b.addresses);
	if (!err)
		err = add_names(&b, &names);
	if (!err)
		err = lay_out(&b, out);
	if (!err) {
		fill(&b, &names);
		/* what the engine would refuse must not leave this process */
		err = to_table_check(out->data, out->size, &why);
	}
	if (err)
		to_image_free(out);
	free(names.partner);
	free(b.strings);
	to_addresses_free(&b.addresses);
	to_flat_free(&b.flat);
	return err;
}
