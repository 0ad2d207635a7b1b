/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The test's own idea of one entry (a pin, a dialog, a transaction): who was named for it, who has
 * answered, until when. Written from docs/state.md, sections 1 and 2.
 */
#ifndef TESTS_HOLD_H
#define TESTS_HOLD_H

#include <stdbool.h>
#include <stdint.h>

enum { UNPROVEN_SECONDS = 10, NO_EDGE = -1 };

struct hold {
	int named; /* the edge of the unproven entry */
	uint32_t named_until;
	int edge; /* of the proven one */
	uint32_t expires;
	uint32_t life;
	uint32_t lost; /* a bit for each edge that was retired under it */
	uint32_t lost_until;
};

static inline void hold_init(struct hold *h)
{
	*h = (struct hold){.named = NO_EDGE, .edge = NO_EDGE};
}

static inline bool hold_proven(const struct hold *h, uint32_t now)
{
	return h->edge != NO_EDGE && now < h->expires;
}

static inline bool hold_unproven(const struct hold *h, uint32_t now)
{
	return h->named != NO_EDGE && now < h->named_until;
}

static inline void hold_name(struct hold *h, int edge, uint32_t now)
{
	h->named = edge;
	h->named_until = now + UNPROVEN_SECONDS;
}

static inline void hold_prove(struct hold *h, uint32_t now, uint32_t life)
{
	h->edge = h->named;
	h->named = NO_EDGE;
	h->life = life;
	h->expires = now + life;
}

static inline void hold_retire(struct hold *h, int edge, uint32_t now)
{
	if (hold_proven(h, now) && h->edge == edge) {
		h->lost |= 1u << edge;
		if (h->lost_until < h->expires)
			h->lost_until = h->expires;
	}
	if (hold_unproven(h, now) && h->named == edge) {
		h->lost |= 1u << edge;
		if (h->lost_until < h->named_until)
			h->lost_until = h->named_until;
	}
	if (h->edge == edge)
		h->edge = NO_EDGE;
	if (h->named == edge)
		h->named = NO_EDGE;
}

/* Would the entry of before the retirement speak again, with nothing in its place? Then what is
 * right depends on more than the test keeps. */
static inline bool hold_haunted(const struct hold *h, int edge, uint32_t now)
{
	return h->lost >> edge & 1 && now < h->lost_until && !hold_proven(h, now);
}

#endif
