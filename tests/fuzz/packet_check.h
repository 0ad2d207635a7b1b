/* SPDX-License-Identifier: BSD-3-Clause */
/* What must hold of every frame that the pipeline has had, by docs/state.md alone: the checks read
 * the bytes themselves and share no code with the core's parser. */
#ifndef TURNOUT_FUZZ_PACKET_CHECK_H
#define TURNOUT_FUZZ_PACKET_CHECK_H

#include "../../dataplane/pipeline.h"

/* A frame as it came in. */
struct fuzz_original {
	const uint8_t *data;
	uint32_t len;
};

/* Aborts when `f`, which was `in`, breaks a promise. `room`: where its buffer begins. */
void fuzz_check_frame(const struct to_table *t, const struct to_nexthops *nh,
		      const struct fuzz_original *in, const struct to_frame *f,
		      const uint8_t *room);

/* Makes the IPv4 header checksum right, and the transport checksum where the packet is whole:
 * chance never would. */
void fuzz_mend(uint8_t *data, uint32_t len);

#endif
