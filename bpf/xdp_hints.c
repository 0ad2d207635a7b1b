/* SPDX-License-Identifier: BSD-3-Clause */
#include "xdp_hints.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "dataplane/table_view.h"

static const char *address_text(const union to_addr *a, char text[INET6_ADDRSTRLEN])
{
	bool v4 = to_addr_is_v4(a);

	return inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? a->b + 12 : a->b, text, INET6_ADDRSTRLEN);
}

static void check_other(struct to_xdp_nexthops *n, struct to_xdp_other *o, uint32_t id)
{
	const struct to_hop *first = to_xdp_nexthop_of(n, o->edge);
	const struct to_hop *hop = to_hops_get(n->hops, id);
	char text[INET6_ADDRSTRLEN];
	bool differs;

	if (!first || !hop || hop->state != TO_HOP_GOOD)
		return;
	differs = hop->ifindex != first->ifindex ||
		  memcmp(hop->mac, first->mac, sizeof(hop->mac)) != 0;
	if (differs && !o->told)
		fprintf(stderr,
			"turnout-xdp: edge %s: %s has another next hop than the edge's first "
			"address, by which its frames go all the same\n",
			n->names[o->edge], address_text(&o->address, text));
	o->told = differs;
}

static uint16_t vlan_of(const struct to_xdp_nexthops *n, const struct to_hop *hop)
{
	const struct to_link *link = to_hops_link(n->hops, hop->ifindex);

	return link ? link->vlan : 0;
}

static void check_vlan(struct to_xdp_nexthops *n, uint32_t edge, uint32_t outside)
{
	const struct to_hop *in = to_xdp_nexthop_of(n, edge), *out = to_xdp_nexthop_of(n, outside);
	bool *told = &n->vlan_told[edge][outside - TO_BPF_HOP_OUTSIDE4], differs;

	if (!in || !out)
		return;
	differs = vlan_of(n, in) != vlan_of(n, out);
	if (differs && !*told)
		fprintf(stderr,
			"turnout-xdp: the next hop to %s is in VLAN %u, and that to outside in "
			"VLAN %u (0: none): frames keep the tag that they came with, and do not "
			"arrive\n",
			n->names[edge], vlan_of(n, in), vlan_of(n, out));
	*told = differs;
}

void to_xdp_hints_check(struct to_xdp_nexthops *n)
{
	if (!n->begun)
		return;
	for (uint32_t i = 0; i < n->others; i++)
		check_other(n, &n->other[i], TO_XDP_WATCH_OTHERS + i);
	for (uint32_t e = 0; e < TO_MAX_EDGES; e++) {
		check_vlan(n, e, TO_BPF_HOP_OUTSIDE4);
		check_vlan(n, e, TO_BPF_HOP_OUTSIDE6);
	}
}

static bool is_known(const struct to_xdp_nexthops *n, uint32_t edge, const union to_addr *first,
		     const union to_addr *a)
{
	if (to_addr_equal(first, a))
		return true;
	for (uint32_t i = 0; i < n->others; i++) {
		if (n->other[i].edge == edge && to_addr_equal(&n->other[i].address, a))
			return true;
	}
	return false;
}

/* A hint is not worth an error: one that cannot be watched is not given. */
static void add_other(struct to_xdp_nexthops *n, uint32_t edge, const union to_addr *first,
		      const union to_addr *a)
{
	struct to_hop_wanted w = {
		.kind = TO_HOP_ROUTED, .family = to_addr_is_v4(a) ? TO_IP4 : TO_IP6, .address = *a};

	if (n->others == TO_XDP_OTHERS || is_known(n, edge, first, a) ||
	    to_hops_watch(n->hops, TO_XDP_WATCH_OTHERS + n->others, &w) < 0)
		return;
	n->other[n->others++] = (struct to_xdp_other){.address = *a, .edge = (uint8_t)edge};
}

void to_xdp_hints_table(struct to_xdp_nexthops *n, const struct to_table *t)
{
	for (uint32_t i = 0; i < n->others; i++)
		to_hops_unwatch(n->hops, TO_XDP_WATCH_OTHERS + i);
	n->others = 0;
	for (uint32_t e = 0; e < to_table_edge_count(t); e++) {
		union to_addr first = to_view_edge_address(t, (uint8_t)e);

		if (!n->follows_table[e])
			continue;
		for (uint32_t s = 0; s < to_table_service_count(t); s++) {
			const struct to_target *g = to_table_target(t, s, e);
			union to_addr v4 = to_addr_v4(g->v4);

			if (g->has4)
				add_other(n, e, &first, &v4);
			if (g->has6)
				add_other(n, e, &first, &g->v6);
		}
	}
}
