/* SPDX-License-Identifier: BSD-3-Clause */
/* The same flow in every stage of the plan: when does this client move? */
#include <stdlib.h>

#include <turnout/table_read.h>

#include "compile.h"
#include "explain.h"

static void answer(const struct to_table *t, const struct to_explanation *n,
		   struct to_stage_answer *a)
{
	a->out = n->packet.out;
	a->pool = to_pool_of_edge(t, a->out.edge);
	a->routed = n->routed;
	a->share = n->routed ? n->route->share : 0;
	a->bucket = n->bucket;
}

static int explain_stage(const struct to_plan *plan, const struct to_compile_input *input,
			 const struct to_flow *flow, struct to_explanation *n,
			 struct to_stage_answer *a)
{
	struct to_image image = {0};
	int err = to_compile(plan, input, &image);

	if (err)
		return err;
	to_explain(image.data, flow, n);
	answer(image.data, n, a);
	to_image_free(&image);
	return 0;
}

int to_explain_stages(const struct to_plan *plan, const uint8_t *edge_states,
		      const struct to_flow *flow, struct to_stage_answer *answers)
{
	struct to_explanation notes;
	int err = 0;

	for (uint32_t i = 0; i < plan->stages && !err; i++) {
		struct to_compile_input input = {
			.stage = i, .edge_states = edge_states, .generation = 1};
		struct to_stage_answer *a = &answers[i];

		err = explain_stage(plan, &input, flow, &notes, a);
		a->moves = !err && i && a->pool != TO_NO_INDEX && a[-1].pool != TO_NO_INDEX &&
			   a->pool != a[-1].pool;
	}
	return err;
}
