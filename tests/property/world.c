/* SPDX-License-Identifier: BSD-3-Clause */
#include "world.h"

#include <string.h>
#include <tests/pipeline/frame.h>

union to_addr world_vip(int vip, int family)
{
	union to_addr a = frame_addr("2001:db8:ffff::");

	if (family == V4)
		return frame_v4(192, 0, 2, (uint8_t)(10 + vip));
	a.b[15] = (uint8_t)(10 + vip);
	return a;
}

union to_addr world_gateway(int family)
{
	return family == V4 ? frame_v4(192, 0, 2, 1) : frame_addr("2001:db8:ffff::1");
}

union to_addr world_edge_addr(const struct world *w, int edge, int service, int family)
{
	union to_addr a = frame_addr("fd00:1::");
	uint8_t slot = (uint8_t)(w->one_address ? 1 : service + 1);

	if (family == V4)
		return frame_v4(10, 1, (uint8_t)edge, slot);
	a.b[13] = (uint8_t)edge;
	a.b[15] = slot;
	return a;
}

int world_mode(const struct world *w, int edge)
{
	return w->pool[w->edge[edge].pool].mode;
}

int world_role(const struct world *w, int service, int edge)
{
	for (int role = LEGACY; role <= NEW; role++)
		if (w->service[service].pool[role] == w->edge[edge].pool)
			return role;
	return NONE;
}

bool world_serves(const struct world *w, int edge, int service, int family)
{
	if (world_role(w, service, edge) == NONE)
		return false;
	return world_mode(w, edge) == TO_MODE_IPIP || w->edge[edge].has[family];
}

static bool covers(const struct world_prefix *p, const struct world_client *c)
{
	int bits = p->family == V4 ? 96 + p->length : p->length;

	if (p->family != c->family || memcmp(p->addr.b, c->addr.b, (size_t)bits / 8) != 0)
		return false;
	return bits % 8 == 0 || (p->addr.b[bits / 8] ^ c->addr.b[bits / 8]) >> (8 - bits % 8) == 0;
}

int world_share(const struct world *w, int stage, int service, const struct world_client *c)
{
	const struct world_stage *s = &w->stage[stage];
	int share = s->share[service], longest = -1;

	for (int i = 0; i < w->prefixes; i++) {
		const struct world_prefix *p = &w->prefix[i];
		int own = s->exception[service][p->partner];

		if (own == NONE || p->length <= longest || !covers(p, c))
			continue;
		longest = p->length;
		share = own;
	}
	return share;
}

int world_midflow(const struct world *w, int stage, int service)
{
	int own = w->stage[stage].midflow[service];

	return own == NONE ? w->service[service].midflow : own;
}
