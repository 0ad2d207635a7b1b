/* SPDX-License-Identifier: BSD-3-Clause */
/* Traffic that must not notice the flood. */
#ifndef TESTS_FLOOD_ESTABLISHED_H
#define TESTS_FLOOD_ESTABLISHED_H

#include "site.h"

enum { TCP4 = 20000, UDP4 = 20000, CALLS = 5000, TCP6 = 5000, FLOWS = TCP4 + UDP4 + CALLS + TCP6 };

enum step {
	OPEN,   /* the client's first packet */
	RING,   /* a call's 180; nothing of the others */
	ANSWER, /* the edge's */
	TALK,   /* the client's next */
	TALK_BACK,
};

struct established {
	uint8_t edge[FLOWS]; /* that the first packet went to */
};

/* One packet of each flow from `from` to, not with, `to`; each must be as it should. */
void established_step(struct site *s, struct established *e, enum step step, unsigned from,
		      unsigned to);

#define FIRST_CALL (TCP4 + UDP4)

#endif
