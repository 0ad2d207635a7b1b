/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the pipeline costs from received burst to rewritten burst, against a bare prefetched look-up
 * of as many entries in the same run, sample by sample in turn: 64-byte UDP frames of proven pins
 * visited in random order, requests and answers mixed, dnat. Putting the frames back between bursts
 * is not timed. Prints a JSON line a size; wrong verdicts are counted and fail the run.
 *
 *   bench_pipeline PLAN PINS...
 */
#include <x86intrin.h>

#include <control/compile.h>
#include <control/plan.h>
#include <dataplane/pipeline.h>
#include <dataplane/state.h>
#include <turnout/hash.h>
#include <turnout/parse.h>
#include <turnout/table_read.h>

#include "bare.h"

#define NOW     1000
#define FRAME   60 /* 64 on the wire with its checksum */
#define LOOKUPS (1u << 20)
#define ROOM    2048 /* as far apart as mbufs are */

/* One pin: what its client and its edge send. */
struct flow {
	uint32_t client; /* network order */
	uint32_t edge;
	uint16_t port;
	uint16_t vip_port;
};

struct bench {
	uint32_t pins;
	struct flow *flow;
	uint32_t *order; /* LOOKUPS numbers of flows */
	struct to_key *keys;
	struct to_state *state;
	struct to_worker *worker;
	struct bare bare;
	uint8_t *room;
	uint32_t vip;
	uint64_t wrong;
};

static void put_frame(uint8_t *p, uint32_t src, uint32_t dst, uint16_t sport, uint16_t dport)
{
	static const uint8_t head[42] = {2,    0, 0, 0,  0, 1, 2, 0, 0,  0,  0, 2,  8, 0,
					 0x45, 0, 0, 46, 0, 1, 0, 0, 64, 17, 0, 0,  0, 0,
					 0,    0, 0, 0,  0, 0, 0, 0, 0,  0,  0, 26, 0, 0};
	uint64_t sum;

	memcpy(p, head, sizeof(head));
	memcpy(p + 26, &src, 4);
	memcpy(p + 30, &dst, 4);
	memcpy(p + 34, &sport, 2);
	memcpy(p + 36, &dport, 2);
	sum = to_sum32(p + 14) + to_sum32(p + 18) + to_sum32(p + 22) + to_sum32(p + 26) +
	      to_sum32(p + 30);
	sum = (uint16_t)~to_fold16(sum);
	memcpy(p + 24, &sum, 2);
	p[40] = 0x12; /* a checksum that must be kept up */
	p[41] = 0x34;
	p[42] = 0x80; /* RTP */
	p[43] = 0;
}

/* A request, or where `answer` its edge's answer. */
static void put_flow(const struct bench *b, struct to_frame *f, uint32_t slot, uint32_t i,
		     bool answer)
{
	const struct flow *w = &b->flow[i];
	uint8_t *p = b->room + (size_t)slot * ROOM + 128;

	if (answer)
		put_frame(p, w->edge, w->client, w->vip_port, w->port);
	else
		put_frame(p, w->client, b->vip, w->port, w->vip_port);
	*f = (struct to_frame){.data = p, .len = FRAME, .zone = TO_ZONE_BOTH};
}

static void make_flow(struct bench *b, uint32_t i)
{
	uint64_t r = to_mix(i);

	b->flow[i] = (struct flow){
		.client = to_net32(0x64000000u | (uint32_t)(r & 0x3fffff)).raw,
		.port = to_net16(1024 + (r >> 32) % 60000).raw,
		.vip_port = to_net16(50000 + (r >> 48) % 10000).raw,
	};
}

/* Opens every flow: a request, and the answer of the edge that the decision named. */
static int open_flows(struct bench *b, const struct to_table *t)
{
	for (uint32_t i = 0; i < b->pins; i++) {
		struct to_frame f;

		make_flow(b, i);
		put_flow(b, &f, 0, i, false);
		to_pipeline_run(b->worker, &f, 1, NOW);
		if (f.decision.verdict != TO_VERDICT_STEER)
			return -1;
		b->flow[i].edge = to_table_target(t, f.decision.service, f.decision.edge)->v4.raw;
		put_flow(b, &f, 0, i, true);
		to_pipeline_run(b->worker, &f, 1, NOW);
		if (f.decision.verdict != TO_VERDICT_REPLY)
			return -1;
	}
	return 0;
}

/* The order of visits, of flows that the bare table has a place for as well. */
static int make_order(struct bench *b)
{
	uint32_t *asked = malloc(b->pins * sizeof(*asked)), n = 0;

	if (!asked)
		return -1;
	for (uint32_t i = 0; i < b->pins; i++) {
		const struct flow *w = &b->flow[i];
		struct to_key k = {{w->client, w->port | (uint32_t)w->vip_port << 16, 1}};

		if (bare_put(&b->bare, &k))
			asked[n++] = i;
	}
	for (uint32_t i = 0; i < LOOKUPS; i++) {
		const struct flow *w = &b->flow[b->order[i] = asked[to_mix(i + 77) % n]];

		b->keys[i] = (struct to_key){{w->client, w->port | (uint32_t)w->vip_port << 16, 1}};
	}
	free(asked);
	return 0;
}

static void check(struct bench *b, const struct to_frame *f, bool answer)
{
	b->wrong +=
		answer ? f->decision.verdict != TO_VERDICT_REPLY || memcmp(f->data + 26, &b->vip, 4)
		       : f->decision.verdict != TO_VERDICT_STEER ||
				 f->decision.reason != TO_REASON_PIN;
}

/* Time stamp counter ticks of LOOKUPS frames through the pipeline. `answers`: every second one. */
static uint64_t pipeline_ticks(struct bench *b, bool answers)
{
	struct to_frame f[BENCH_BURST];
	uint64_t ticks = 0, start;
	unsigned aux;

	for (uint32_t at = 0; at < LOOKUPS; at += BENCH_BURST) {
		for (uint32_t i = 0; i < BENCH_BURST; i++)
			put_flow(b, &f[i], i, b->order[at + i], answers && i & 1);
		_mm_lfence();
		start = __rdtsc();
		to_pipeline_run(b->worker, f, BENCH_BURST, NOW);
		ticks += __rdtscp(&aux) - start;
		for (uint32_t i = 0; i < BENCH_BURST; i++)
			check(b, &f[i], answers && i & 1);
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

	bare_sample(&b->bare, b->keys, LOOKUPS);
	pipeline_ticks(b, true);
	b->wrong = 0;
	for (int i = 0; i < BENCH_SAMPLES; i++) {
		bare[i] = bare_sample(&b->bare, b->keys, LOOKUPS);
		mixed[i] = (double)pipeline_ticks(b, true) * tick / LOOKUPS;
		requests[i] = (double)pipeline_ticks(b, false) * tick / LOOKUPS;
	}
	bench_sort(bare);
	bench_sort(mixed);
	bench_sort(requests);
	printf("{\"bench\":\"pipeline\",\"pins\":%u,\"samples\":%d,\"wrong\":%llu", b->pins,
	       BENCH_SAMPLES, (unsigned long long)(b->wrong + b->bare.wrong));
	bench_print("bare", bare, bare);
	bench_print("mixed", mixed, bare);
	bench_print("requests", requests, bare);
	printf("}\n");
	fflush(stdout);
}

static int measure(const struct to_table *t, uint32_t pins)
{
	struct to_state_config config = {.seed = 1, .now = NOW};
	struct bench b = {.pins = pins, .vip = to_net32(0x0a020001).raw};
	struct to_nexthops nh;
	char err[256] = "no memory";
	int rc = 1;

	to_nexthops_replay(&nh, 1500);
	to_state_sizes(&config, 1, pins);
	config.size[TO_AFFINITY].proven = pins;
	b.flow = bench_huge(pins * sizeof(*b.flow));
	b.order = bench_huge(LOOKUPS * sizeof(*b.order));
	b.keys = bench_huge(LOOKUPS * sizeof(*b.keys));
	b.room = bench_huge((size_t)BENCH_BURST * ROOM);
	if (!b.flow || !b.order || !b.keys || !b.room || bare_open(&b.bare, pins) ||
	    to_state_open(NULL, &config, &b.state, err, sizeof(err))) {
		fprintf(stderr, "%u pins: %s\n", pins, err);
		return 1;
	}
	b.worker = to_worker_new(b.state, 0, &nh);
	if (b.worker) {
		to_worker_set_table(b.worker, t);
		if (open_flows(&b, t) || make_order(&b))
			fprintf(stderr, "%u pins: a flow could not be opened\n", pins);
		else
			sample(&b), rc = b.wrong + b.bare.wrong != 0;
	}
	to_worker_free(b.worker);
	to_state_close(b.state);
	bare_close(&b.bare);
	munmap(b.flow, pins * sizeof(*b.flow));
	munmap(b.order, LOOKUPS * sizeof(*b.order));
	munmap(b.keys, LOOKUPS * sizeof(*b.keys));
	munmap(b.room, (size_t)BENCH_BURST * ROOM);
	return rc;
}

int main(int argc, char **argv)
{
	struct to_report report = {0};
	struct to_plan *plan = NULL;
	struct to_image image = {0};
	int rc = 1;

	if (argc < 3) {
		fprintf(stderr, "usage: %s PLAN PINS...\n", argv[0]);
		return 2;
	}
	if (to_plan_load(argv[1], &report, &plan) ||
	    to_compile(plan, &(struct to_compile_input){.generation = 1}, &image)) {
		to_report_print(&report, argv[1], stderr);
		goto out;
	}
	rc = 0;
	for (int i = 2; i < argc; i++)
		rc |= measure(image.data, (uint32_t)strtoul(argv[i], NULL, 10));
out:
	to_image_free(&image);
	to_plan_free(plan);
	to_report_free(&report);
	return rc;
}
