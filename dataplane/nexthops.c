/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "pipeline.h"

void to_nexthops_replay(struct to_nexthops *nh, uint16_t mtu)
{
	static const uint8_t base[6] = {0x02, 0x54, 0x4f, 0, 0, 0};

	memset(nh, 0, sizeof(*nh));
	memcpy(nh->own, base, 6);
	nh->own[5] = 1;
	memcpy(nh->outside, base, 6);
	nh->outside[5] = 2;
	for (uint8_t i = 0; i < TO_MAX_EDGES; i++) {
		memcpy(nh->edge[i], base, 6);
		nh->edge[i][4] = 1;
		nh->edge[i][5] = i;
	}
	nh->mtu = mtu;
}
