/* SPDX-License-Identifier: BSD-3-Clause */
#include "packet_tables.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compile.h"

/* The order is part of the corpus: tools/make-corpus.py has the same. */
static const char *const plans[] = {
	"examples/contoso.yaml",  "examples/dual-stack.yaml", "pcaps/plans/dsr.yaml",
	"pcaps/plans/media.yaml", "pcaps/plans/trunk.yaml",
};
#define SITES (sizeof(plans) / sizeof(plans[0]))

static struct to_plan *load(const char *name)
{
	const char *top = getenv("TURNOUT_SOURCE");
	struct to_report report = {0};
	struct to_plan *plan;
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", top ? top : TURNOUT_SOURCE, name);
	if (to_plan_load(path, &report, &plan)) {
		to_report_print(&report, path, stderr);
		fprintf(stderr, "cannot load %s\n", path);
		abort();
	}
	to_report_free(&report);
	return plan;
}

static const struct to_table *compile(const struct to_plan *plan, uint32_t stage, int states,
				      const struct to_table *previous)
{
	static const uint8_t mixed[] = {TO_EDGE_UP, TO_EDGE_DOWN, TO_EDGE_RETIRED, TO_EDGE_DRAINING,
					TO_EDGE_RESETTING};
	uint8_t state[TO_MAX_EDGES];
	struct to_compile_input input = {
		.stage = stage,
		.edge_states = states == FUZZ_MIXED ? state : NULL,
		.generation = 1 + 2 * stage + (uint64_t)states,
		.now = 1000 + stage,
		.previous = previous,
	};
	struct to_image image;
	int err;

	for (unsigned i = 0; i < TO_MAX_EDGES; i++)
		state[i] = mixed[(i + stage) % sizeof(mixed)];
	err = to_compile(plan, &input, &image);
	if (err) {
		fprintf(stderr, "cannot compile stage %u: %s\n", stage, strerror(-err));
		abort();
	}
	return image.data;
}

static void fill(struct fuzz_site *site, const char *name)
{
	struct to_plan *plan = load(name);
	const struct to_table *previous = NULL;

	site->stages = plan->stages < FUZZ_MAX_STAGES ? plan->stages : FUZZ_MAX_STAGES;
	for (uint32_t i = 0; i < site->stages; i++) {
		for (int states = 0; states < FUZZ_STATES; states++)
			site->table[i][states] = compile(plan, i, states, previous);
		previous = site->table[i][FUZZ_ALL_UP];
	}
	to_plan_free(plan);
}

unsigned fuzz_sites(const struct fuzz_site **sites)
{
	static struct fuzz_site all[SITES];

	for (unsigned i = 0; i < SITES; i++)
		fill(&all[i], plans[i]);
	*sites = all;
	return SITES;
}
