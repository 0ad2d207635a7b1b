/* SPDX-License-Identifier: BSD-3-Clause */
#include "engine_census.h"

#include <string.h>
#include <turnout/key.h>

void to_census_begin(struct to_census *c, uint64_t now_ns)
{
	c->at = (struct to_flow_cursor){0};
	c->began_ns = now_ns;
	c->serial++;
	c->runs = true;
	memset(c->count, 0, sizeof(c->count));
}

static enum to_life life_of(const struct to_state_item *item)
{
	const struct to_entry *e = &item->entry;
	uint8_t proto = TO_UDP;

	if (item->kind == TO_PIN4)
		proto = to_key_pin4_proto(&item->key);
	else if (item->kind == TO_PIN6)
		proto = item->key6.proto;
	if (proto == TO_TCP && to_tcp_closing(e->tcp))
		return TO_LIFE_OVER;
	if (item->kind == TO_DIALOG && e->flags & TO_ENTRY_ENDED)
		return TO_LIFE_OVER;
	return item->proven ? TO_LIFE_PROVEN : TO_LIFE_UNPROVEN;
}

static int count(void *arg, const struct to_state_item *item)
{
	struct to_census *c = arg;
	uint8_t s = item->entry.service < TO_MAX_SERVICES ? item->entry.service : TO_MAX_SERVICES;

	if (item->entry.edge < TO_MAX_EDGES) /* as every table's entries have it */
		c->count[s][item->entry.edge][item->kind][life_of(item)]++;
	return 0;
}

static void put(struct to_region *r, uint32_t service, uint32_t edge, uint32_t kind, uint32_t life,
		uint32_t n)
{
	if (!n)
		return;
	if (r->lives == TO_REGION_LIVE) {
		r->lives_lost++;
		return;
	}
	r->alive[r->lives++] = (struct to_region_live){
		.service = service < TO_MAX_SERVICES ? (uint8_t)service : TO_NO_INDEX,
		.edge = (uint8_t)edge,
		.kind = (uint8_t)kind,
		.life = (uint8_t)life,
		.count = n};
}

static void put_all(const struct to_census *c, struct to_region *r)
{
	r->lives = r->lives_lost = 0;
	for (uint32_t s = 0; s <= TO_MAX_SERVICES; s++)
		for (uint32_t e = 0; e < TO_MAX_EDGES; e++)
			for (uint32_t k = 0; k < TO_ENTRY_KIND_COUNT * TO_LIFE_COUNT; k++)
				put(r, s, e, k / TO_LIFE_COUNT, k % TO_LIFE_COUNT,
				    c->count[s][e][k / TO_LIFE_COUNT][k % TO_LIFE_COUNT]);
}

int to_census_step(struct to_census *c, const struct to_engine *e, uint32_t now, uint64_t now_ns,
		   struct to_region *r)
{
	int ret = e->ops->walk(e->arg, &c->at, (1u << TO_ENTRY_KIND_COUNT) - 1, e->slice, now,
			       count, c);
	uint64_t took = now_ns - c->began_ns;
	uint64_t pause = took * TO_CENSUS_SHARE;

	if (ret > 0)
		return 1;
	c->runs = false;
	c->due_ns = c->began_ns + (pause > TO_CENSUS_EVERY_NS ? pause : TO_CENSUS_EVERY_NS);
	if (ret < 0)
		return ret;
	put_all(c, r);
	r->census_ns = c->began_ns;
	r->census_took_ns = took;
	return 0;
}
