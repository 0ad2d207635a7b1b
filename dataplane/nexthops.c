/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "pipeline.h"

static struct to_nexthop hop(uint8_t kind, uint8_t number, uint16_t mtu)
{
	return (struct to_nexthop){.mac = {0x02, 0x54, 0x4f, 0, kind, number},
				   .own = {0x02, 0x54, 0x4f, 0, 0, 1},
				   .mtu = mtu};
}

void to_nexthops_replay(struct to_nexthops *nh, uint16_t mtu)
{
	*nh = (struct to_nexthops){.outside4 = hop(0, 2, mtu), .outside6 = hop(0, 2, mtu)};
	for (uint8_t i = 0; i < TO_MAX_EDGES; i++)
		nh->edge[i] = hop(1, i, mtu);
	for (uint8_t i = 0; i < TO_MAX_PORTS; i++)
		memcpy(nh->own[i], nh->outside4.own, sizeof(nh->own[i]));
}
