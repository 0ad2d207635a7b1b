/* SPDX-License-Identifier: BSD-3-Clause */
#include "engine_census.h"

#include <string.h>

void to_census_begin(struct to_census *c, uint64_t now_ns)
{
	c->at = (struct to_flow_cursor){0};
	c->began_ns = now_ns;
	c->serial++;
	c->runs = true;
	memset(c->count, 0, sizeof(c->count));
}

static int count(void *arg, const struct to_state_item *item)
{
	struct to_census *c = arg;
	uint8_t s = item->entry.service < TO_MAX_SERVICES ? item->entry.service : TO_MAX_SERVICES;

	if (item->entry.edge < TO_MAX_EDGES) /* as every table's entries have it */
		c->count[s][item->entry.edge][item->kind][item->proven]++;
	return 0;
}

static void put(struct to_region *r, uint32_t service, uint32_t edge, uint32_t kind,
		uint32_t proven, uint32_t n)
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
		.proven = (uint8_t)proven,
		.count = n};
}

static void put_all(const struct to_census *c, struct to_region *r)
{
	r->lives = r->lives_lost = 0;
	for (uint32_t s = 0; s <= TO_MAX_SERVICES; s++)
		for (uint32_t e = 0; e < TO_MAX_EDGES; e++)
			for (uint32_t k = 0; k < TO_ENTRY_KIND_COUNT * 2; k++)
				put(r, s, e, k / 2, k % 2, c->count[s][e][k / 2][k % 2]);
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
