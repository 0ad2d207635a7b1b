/* SPDX-License-Identifier: BSD-3-Clause */
#include "subject.h"

#include <errno.h>
#include <string.h>

static int stage_of(const struct to_plan *plan, const char *name)
{
	for (uint32_t i = 0; i < plan->stages; i++)
		if (!name || strcmp(plan->stage[i].name, name) == 0)
			return (int)i;
	fprintf(stderr, "the plan has no stage '%s'\n", name);
	return -1;
}

static int compile(const struct bench_plan *p, const char *name, struct to_image *image)
{
	int stage = stage_of(p->plan, name);
	struct to_compile_input input = {.stage = (uint32_t)stage, .generation = 1};
	int ret = stage < 0 ? -EINVAL : to_compile(p->plan, &input, image);

	if (ret < 0)
		fprintf(stderr, "cannot compile the stage: %s\n", strerror(-ret));
	return ret < 0 ? -1 : 0;
}

int bench_plan_open(struct bench_plan *p, const char *path, const char *stage, const char *second)
{
	struct to_report report = {0};
	int ret;

	*p = (struct bench_plan){0};
	ret = to_plan_load(path, &report, &p->plan);
	if (ret)
		to_report_print(&report, path, stderr);
	to_report_free(&report);
	if (ret == 0)
		ret = compile(p, stage, &p->image[0]);
	if (ret == 0 && second)
		ret = compile(p, second, &p->image[1]);
	if (ret)
		bench_plan_close(p);
	return ret ? -1 : 0;
}

void bench_plan_close(struct bench_plan *p)
{
	to_image_free(&p->image[1]);
	to_image_free(&p->image[0]);
	to_plan_free(p->plan);
	*p = (struct bench_plan){0};
}

void bench_sizes(struct to_state_config *config, uint32_t pins, uint32_t now)
{
	*config = (struct to_state_config){.seed = 1, .now = now};
	to_state_sizes(config, 1, pins);
	config->size[TO_AFFINITY].proven = pins;
}

static double ns_a_tick(void)
{
	double start = bench_seconds();
	uint64_t ticks = __rdtsc();

	while (bench_seconds() - start < 0.2)
		;
	return (bench_seconds() - start) * 1e9 / (double)(__rdtsc() - ticks);
}

int bench_subject_open(struct bench_subject *s, const struct to_table *table,
		       const struct to_state_config *config)
{
	char err[256];

	*s = (struct bench_subject){.tick = ns_a_tick()};
	to_nexthops_replay(&s->nexthops, 1500);
	if (to_state_open(NULL, config, &s->state, err, sizeof(err)) < 0) {
		fprintf(stderr, "%s\n", err);
		return -1;
	}
	s->room = bench_huge((size_t)BENCH_BURST * BENCH_ROOM);
	s->worker = to_worker_new(s->state, 0, &s->nexthops);
	if (!s->room || !s->worker) {
		fprintf(stderr, "no memory\n");
		bench_subject_close(s);
		return -1;
	}
	to_worker_set_table(s->worker, table);
	return 0;
}

void bench_subject_close(struct bench_subject *s)
{
	bench_free(s->room, (size_t)BENCH_BURST * BENCH_ROOM);
	to_worker_free(s->worker);
	if (s->state)
		to_state_close(s->state);
	*s = (struct bench_subject){0};
}
