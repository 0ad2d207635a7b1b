/* SPDX-License-Identifier: BSD-3-Clause */
#include "nexthop_wish.h"

#include <string.h>

#include "table_view.h"

const struct to_nexthop_option *to_nexthop_option_of(const struct to_nexthop_options *all,
						     const char *name, enum to_family family)
{
	for (unsigned i = 0; i < all->n; i++) {
		const struct to_nexthop_option *o = &all->option[i];

		if (!strcmp(o->name, name) &&
		    (o->is_mac || !family || to_addr_is_v4(&o->address) == (family == TO_IP4)))
			return o;
	}
	return NULL;
}

const struct to_nexthop_option *to_nexthop_option_of_edge(const struct to_nexthop_options *all,
							  const char *name)
{
	const struct to_nexthop_option *o = to_nexthop_option_of(all, name, TO_NO_FAMILY);

	return o ? o : to_nexthop_option_of(all, "edges", TO_NO_FAMILY);
}

static enum to_family family_of(const union to_addr *a)
{
	return to_addr_is_v4(a) ? TO_IP4 : TO_IP6;
}

bool to_nexthop_wish_edge(const struct to_table *t, uint32_t edge, struct to_hop_wanted *want)
{
	*want = (struct to_hop_wanted){.kind = TO_HOP_ROUTED,
				       .address = to_view_edge_address(t, (uint8_t)edge)};
	want->family = family_of(&want->address);
	return want->address.d[0] || want->address.d[1];
}

static bool is_link_local(const union to_addr *a)
{
	return a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0x80;
}

bool to_nexthop_wish(struct to_hop_wanted *want, const struct to_nexthop_option *o)
{
	if (o) {
		want->kind = o->is_mac ? TO_HOP_FIXED : TO_HOP_NEIGHBOUR;
		want->address = o->address;
		memcpy(want->mac, o->mac, sizeof(want->mac));
		if (!o->is_mac)
			want->family = family_of(&o->address);
	}
	return want->kind == TO_HOP_FIXED || want->kind == TO_HOP_DEFAULT ||
	       is_link_local(&want->address);
}
