/* SPDX-License-Identifier: BSD-3-Clause */
#include "pinned.h"

#include <string.h>

#include <turnout/hash.h>

int bench_pinned_open(struct bench_pinned *p, const struct to_table *table, uint32_t pins,
		      uint32_t capacity, uint32_t now)
{
	struct to_state_config config;

	*p = (struct bench_pinned){.now = now};
	bench_sizes(&config, capacity, now);
	if (bench_subject_open(&p->subject, table, &config) < 0)
		return -1;
	p->order = bench_huge(BENCH_VISITS * sizeof(*p->order));
	if (!p->order || bench_flows_new(&p->flows, pins) < 0 ||
	    bench_flows_open(&p->flows, p->subject.worker, now) < 0) {
		fprintf(stderr, "cannot open %u flows\n", pins);
		bench_pinned_close(p);
		return -1;
	}
	return 0;
}

void bench_pinned_close(struct bench_pinned *p)
{
	bench_flows_free(&p->flows);
	bench_free(p->order, BENCH_VISITS * sizeof(*p->order));
	bench_subject_close(&p->subject);
	*p = (struct bench_pinned){0};
}

void bench_pinned_order(struct bench_pinned *p, const uint32_t *of, uint32_t n)
{
	for (uint32_t i = 0; i < BENCH_VISITS; i++) {
		uint32_t flow = (uint32_t)(to_mix(i + 77) % n);

		p->order[i] = of ? of[flow] : flow;
	}
}

void bench_pinned_put(const struct bench_pinned *p, uint32_t at, bool answers, struct to_frame *f)
{
	for (uint32_t i = 0; i < BENCH_BURST; i++) {
		uint8_t *data = bench_place(&p->subject, i);

		bench_flow_put(&p->flows, p->order[at + i], answers && i & 1, data);
		bench_arrive(&f[i], data, BENCH_FRAME);
	}
}

static bool is_right(const struct bench_pinned *p, const struct to_frame *f, uint32_t flow,
		     bool answer)
{
	if (answer)
		return f->decision.verdict == TO_VERDICT_REPLY &&
		       !memcmp(f->data + 26, &p->flows.vip, 4);
	return f->decision.verdict == TO_VERDICT_STEER && f->decision.reason == TO_REASON_PIN &&
	       !memcmp(f->data + 30, &p->flows.flow[flow].edge, 4);
}

void bench_pinned_check(struct bench_pinned *p, uint32_t at, bool answers, const struct to_frame *f,
			uint32_t first)
{
	for (uint32_t i = first; i < BENCH_BURST; i++)
		p->wrong += !is_right(p, &f[i], p->order[at + i], answers && i & 1);
}

double bench_pinned_sample(struct bench_pinned *p, uint32_t from, bool answers)
{
	struct to_frame f[BENCH_BURST];
	uint64_t ticks = 0, took;

	for (uint32_t at = from; at < from + BENCH_WINDOW; at += BENCH_BURST) {
		bench_pinned_put(p, at, answers, f);
		took = bench_ticks(&p->subject, f, BENCH_BURST, p->now);
		ticks += at >= from + BENCH_WARM ? took : 0;
		bench_pinned_check(p, at, answers, f, 0);
	}
	return (double)ticks * p->subject.tick / BENCH_TIMED;
}

uint64_t bench_pin_bytes(const struct bench_pinned *p)
{
	const struct to_worker_state *ws = to_state_worker(p->subject.state, 0);

	return (ws->view[TO_PIN4][true].mask + 1) * sizeof(union to_bucket);
}
