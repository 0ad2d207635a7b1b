/* SPDX-License-Identifier: BSD-3-Clause */
/* A segment to an edge that is resetting becomes the RST that answers it, in the same buffer. */
#include <turnout/tcp_reset.h>

#include "engine.h"

bool to_tcp_reset_build(struct to_worker *w, struct to_frame *f, const struct to_packet *k)
{
	struct to_tcp_numbers n = to_reset_numbers(f->data + k->l4, k);

	if (!to_reset_due(k, &w->resets))
		return false;
	to_answer_macs(w, f, f->data);
	f->len = k->l3 + to_reset_length(k);
	to_put_reset(f->data + k->l3, k, k->family, &n);
	return true;
}
