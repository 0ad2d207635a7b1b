/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the pipeline costs from received burst to rewritten burst, against a bare prefetched look-up
 * of as many entries in the same run, sample by sample in turn: 64-byte UDP frames of proven pins
 * visited in random order, requests and answers mixed, dnat. Writing the frames anew between bursts
 * is not timed. Prints a JSON line a size; wrong verdicts are counted and fail the run.
 *
 *   bench_pipeline PLAN PINS[/CAPACITY]...
 */
#include <errno.h>
#include <x86intrin.h>

#include <control/compile.h>
#include <control/plan.h>
#include <dataplane/pipeline.h>
#include <dataplane/state.h>
#include <turnout/hash.h>

#include "bare.h"
#include "flows.h"

#define NOW  1000
#define ROOM (37 * 64) /* from frame to frame, as mbufs are: not a power of two */

struct bench {
	uint32_t pins;
	uint32_t capacity;
	struct bench_flows flows;
	uint32_t *order; /* BENCH_VISITS numbers of flows */
	struct to_key *keys;
	struct to_state *state;
	struct to_worker *worker;
	struct bare bare;
	uint8_t *room;
	uint64_t wrong;
};

/* The order of visits, of flows that the bare table has a place for as well. */
static int make_order(struct bench *b)
{
	uint32_t *asked = malloc(b->pins * sizeof(*asked)), n = 0;

	if (!asked)
		return -ENOMEM;
	for (uint32_t i = 0; i < b->pins; i++) {
		const struct bench_flow *w = &b->flows.flow[i];
		struct to_key k = {{w->client, w->port | (uint32_t)w->vip_port << 16, 1}};

		if (bare_put(&b->bare, &k))
			asked[n++] = i;
	}
	for (uint32_t i = 0; n && i < BENCH_VISITS; i++) {
		const struct bench_flow *w =
			&b->flows.flow[b->order[i] = asked[to_mix(i + 77) % n]];

		b->keys[i] = (struct to_key){{w->client, w->port | (uint32_t)w->vip_port << 16, 1}};
	}
	free(asked);
	return n ? 0 : -EINVAL;
}

/* To its own edge by its pin, or from the VIP. */
static void check(struct bench *b, const struct to_frame *f, uint32_t i, bool answer)
{
	const uint32_t *edge = &b->flows.flow[i].edge;

	b->wrong += answer ? f->decision.verdict != TO_VERDICT_REPLY ||
				     memcmp(f->data + 26, &b->flows.vip, 4)
			   : f->decision.verdict != TO_VERDICT_STEER ||
				     f->decision.reason != TO_REASON_PIN ||
				     memcmp(f->data + 30, edge, 4);
}

/* Time stamp counter ticks of a window through the pipeline. `answers`: every second one. */
static uint64_t pipeline_ticks(struct bench *b, uint32_t from, bool answers)
{
	struct to_frame f[BENCH_BURST];
	uint64_t ticks = 0, start;
	unsigned aux;

	for (uint32_t at = from; at < from + BENCH_WINDOW; at += BENCH_BURST) {
		for (uint32_t i = 0; i < BENCH_BURST; i++) {
			uint8_t *p = b->room + (size_t)i * ROOM + TO_FRAME_HEADROOM;

			bench_flow_put(&b->flows, b->order[at + i], answers && i & 1, p);
			f[i] = (struct to_frame){
				.data = p, .len = BENCH_FRAME, .zone = TO_ZONE_BOTH};
		}
		_mm_lfence();
		start = __rdtsc();
		to_pipeline_run(b->worker, f, BENCH_BURST, NOW);
		if (at >= from + BENCH_WARM)
			ticks += __rdtscp(&aux) - start;
		for (uint32_t i = 0; i < BENCH_BURST; i++)
			check(b, &f[i], b->order[at + i], answers && i & 1);
	}
	return ticks;
}

static double ns_a_tick(void)
{
	double start = bench_seconds();
	uint64_t ticks = __rdtsc();

	while (bench_seconds() - start < 0.2)
		;
	return (bench_seconds() - start) * 1e9 / (double)(__rdtsc() - ticks);
}

static void sample(struct bench *b)
{
	double bare[BENCH_SAMPLES], requests[BENCH_SAMPLES], mixed[BENCH_SAMPLES];
	double tick = ns_a_tick();

	bare_sample(&b->bare, b->keys + BENCH_VISITS - BENCH_WINDOW);
	pipeline_ticks(b, BENCH_VISITS - BENCH_WINDOW, true);
	b->wrong = 0;
	for (uint32_t i = 0; i < BENCH_SAMPLES; i++) {
		bare[i] = bare_sample(&b->bare, b->keys + bench_window(0, i));
		mixed[i] = (double)pipeline_ticks(b, bench_window(1, i), true) * tick / BENCH_TIMED;
		requests[i] =
			(double)pipeline_ticks(b, bench_window(2, i), false) * tick / BENCH_TIMED;
	}
	bench_sort(bare);
	bench_sort(mixed);
	bench_sort(requests);
	printf("{\"bench\":\"pipeline\",\"pins\":%u,\"capacity\":%u,\"samples\":%d,\"wrong\":%llu",
	       b->pins, b->capacity, BENCH_SAMPLES, (unsigned long long)(b->wrong + b->bare.wrong));
	printf(",\"state_bytes\":%llu", (unsigned long long)to_state_bytes(b->state));
	bench_print("bare", bare, bare);
	bench_print("mixed", mixed, bare);
	bench_print("requests", requests, bare);
	printf("}\n");
	fflush(stdout);
}

static int make(struct bench *b, const struct to_nexthops *nh, const struct to_table *t)
{
	struct to_state_config config = {.seed = 1, .now = NOW};
	char err[256];
	int ret;

	to_state_sizes(&config, 1, b->capacity);
	config.size[TO_AFFINITY].proven = b->capacity;
	b->order = bench_huge(BENCH_VISITS * sizeof(*b->order));
	b->keys = bench_huge(BENCH_VISITS * sizeof(*b->keys));
	b->room = bench_huge((size_t)BENCH_BURST * ROOM);
	if (!b->order || !b->keys || !b->room || bare_open(&b->bare, b->pins) ||
	    bench_flows_new(&b->flows, b->pins))
		return -ENOMEM;
	ret = to_state_open(NULL, &config, &b->state, err, sizeof(err));
	if (ret < 0)
		return ret;
	b->worker = to_worker_new(b->state, 0, nh);
	if (!b->worker)
		return -ENOMEM;
	to_worker_set_table(b->worker, t);
	ret = bench_flows_open(&b->flows, b->worker, NOW);
	return ret < 0 ? ret : make_order(b);
}

static int measure(const struct to_table *t, uint32_t pins, uint32_t capacity)
{
	struct bench b = {.pins = pins, .capacity = capacity};
	struct to_nexthops nh;
	int ret;

	to_nexthops_replay(&nh, 1500);
	ret = make(&b, &nh, t);
	if (ret < 0)
		fprintf(stderr, "%u pins: %s\n", pins, strerror(-ret));
	else
		sample(&b);
	to_worker_free(b.worker);
	if (b.state)
		to_state_close(b.state);
	bare_close(&b.bare);
	bench_flows_free(&b.flows);
	bench_free(b.order, BENCH_VISITS * sizeof(*b.order));
	bench_free(b.keys, BENCH_VISITS * sizeof(*b.keys));
	bench_free(b.room, (size_t)BENCH_BURST * ROOM);
	return ret < 0 || b.wrong + b.bare.wrong;
}

int main(int argc, char **argv)
{
	struct to_report report = {0};
	struct to_plan *plan = NULL;
	struct to_image image = {0};
	int rc = 1;

	if (argc < 3) {
		fprintf(stderr, "usage: %s PLAN PINS[/CAPACITY]...\n", argv[0]);
		return 2;
	}
	if (to_plan_load(argv[1], &report, &plan) ||
	    to_compile(plan, &(struct to_compile_input){.generation = 1}, &image)) {
		to_report_print(&report, argv[1], stderr);
		goto out;
	}
	rc = 0;
	for (int i = 2; i < argc; i++) {
		char *end;
		uint32_t pins = (uint32_t)strtoul(argv[i], &end, 10);

		rc |= measure(image.data, pins,
			      *end == '/' ? (uint32_t)strtoul(end + 1, NULL, 10) : pins);
	}
out:
	to_image_free(&image);
	to_plan_free(plan);
	to_report_free(&report);
	return rc;
}
