/* SPDX-License-Identifier: BSD-3-Clause */
#include "state_lines.h"

#include "dataplane/state_tables.h"

WHOLE_LINES(struct to_worker_state);
WHOLE_LINES(struct to_cells);
WHOLE_LINES(union to_bucket);

void state_lines(struct to_state *state, uint32_t worker, state_lines_visit visit, void *arg)
{
	const struct to_worker_state *ws = to_state_worker(state, worker);

	visit(arg, false, "state", ws, sizeof(*ws));
	for (unsigned i = 0; i < TO_ENTRY_KIND_COUNT * 2; i++) {
		const struct to_cells *t = ws->cells[i / 2][i % 2];

		if (!t || (t->shared && worker))
			continue;
		visit(arg, t->shared, "table", t, sizeof(*t));
		visit(arg, t->shared, "entries", t->view.bucket,
		      (t->view.mask + 1) * sizeof(union to_bucket));
		if (t->link)
			visit(arg, t->shared, "order of age", t->link,
			      whole_lines(to_cells_count(t) * sizeof(*t->link)));
	}
}

unsigned state_lines_in_common(struct to_state *state, unsigned *shared)
{
	unsigned wrong = 0;

	*shared = 0;
	for (unsigned i = 0; i < TO_ENTRY_KIND_COUNT * 2; i++) {
		const struct to_cells *a = to_state_worker(state, 0)->cells[i / 2][i % 2];

		if (!a || a != to_state_worker(state, 1)->cells[i / 2][i % 2])
			continue;
		*shared += 1;
		wrong += !to_state_is_shared(i / 2, i % 2);
	}
	return wrong;
}
