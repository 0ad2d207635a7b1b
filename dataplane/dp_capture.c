/* SPDX-License-Identifier: BSD-3-Clause */
#include "dp_capture.h"

#include <errno.h>
#include <stdlib.h>

static void free_rings(struct dp_capture *c)
{
	for (unsigned i = 0; c->rings && i < c->workers; i++)
		to_capture_ring_free(c->rings[i]);
	free(c->rings);
	c->rings = NULL;
}

int dp_capture_begin(struct dp_capture *c, const struct to_capture *what, unsigned workers,
		     struct rte_rcu_qsbr *qsbr)
{
	if (c->rings)
		return -EBUSY;
	c->workers = workers;
	c->qsbr = qsbr;
	c->rings = calloc(workers, sizeof(*c->rings));
	for (unsigned i = 0; c->rings && i < workers; i++) {
		c->rings[i] = to_capture_ring_new(what, (uint16_t)i);
		if (!c->rings[i])
			free_rings(c);
	}
	if (!c->rings)
		return -ENOMEM;
	__atomic_store_n(&c->current, c->rings, __ATOMIC_RELEASE);
	return 0;
}

/* False: the visitor has enough. */
static bool drain_ring(struct to_capture_ring *r, to_capture_visit visit, void *visit_arg)
{
	const struct to_captured *p;

	while ((p = to_capture_ring_first(r))) {
		bool enough = visit(visit_arg, p, (const uint8_t *)(p + 1));

		to_capture_ring_let_go(r);
		if (enough)
			return false;
	}
	return true;
}

bool dp_capture_drain(struct dp_capture *c, to_capture_visit visit, void *visit_arg)
{
	for (unsigned i = 0; c->rings && i < c->workers; i++) {
		if (!drain_ring(c->rings[i], visit, visit_arg))
			return true;
	}
	return false;
}

void dp_capture_count(const struct dp_capture *c, struct to_capture_counts *counts)
{
	for (unsigned i = 0; c->rings && i < c->workers; i++)
		to_capture_ring_count(c->rings[i], counts);
}

bool dp_capture_stop(struct dp_capture *c)
{
	if (c->current) {
		__atomic_store_n(&c->current, NULL, __ATOMIC_RELEASE);
		c->token = rte_rcu_qsbr_start(c->qsbr);
	}
	return rte_rcu_qsbr_check(c->qsbr, c->token, false) == 1;
}

void dp_capture_close(struct dp_capture *c)
{
	c->current = NULL;
	free_rings(c);
}
