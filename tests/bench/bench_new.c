/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a flow costs that nobody has seen before, with routes of 10,000 prefixes, against a bare
 * look-up among as many entries in the same run, sample by sample in turn. UDP media, dnat.
 *
 * First `proved`: FLOWS flows begin, and each is answered DELAY flows later, which proves it;
 * packets of both kinds, nanoseconds a packet. Then `first`, over those pins and affinities: FLOWS
 * flows of clients that were never seen, none of which is answered. Before they are measured, so
 * many others have begun that the table of unproven pins is full: each displaces the oldest.
 *
 *   bench_new PLAN STAGE ROUTES FLOWS
 *
 * PLAN is that of plans.py's write_plan() with prefixes of 22 bits. Prints a JSON line; wrong
 * verdicts are counted and fail the run.
 */
#include <string.h>

#include <turnout/hash.h>
#include <turnout/table_read.h>

#include "bare.h"
#include "flows.h"
#include "subject.h"

#define WINDOW 1024 /* flows a sample: less than a millisecond */
#define EVERY  32   /* samples of them, one of the yardstick */
#define DELAY  4096 /* flows begin while one waits for its answer: some milliseconds */

struct bench {
	struct bench_subject subject;
	const struct to_table *table;
	struct bench_flows flows; /* those to be proved, then those that nobody answers */
	uint32_t proved;          /* how many are the former */
	uint32_t windows;         /* samples: as many of flows as of those that nobody answers */
	struct to_key *keys;      /* BENCH_VISITS, as the bare table is asked for them */
	uint32_t bound;           /* of the table of unproven pins */
	struct bare bare;
	uint64_t wrong;
};

/* A first packet goes where its client's route and bucket say, or where its earlier flows are. */
static void check_first(struct bench *b, const struct to_frame *f, uint32_t i)
{
	struct bench_flow *w = &b->flows.flow[i];
	const struct to_decision *d = &f->decision;
	uint32_t edge = bench_edge_of(b->table, (to_be32){w->client});

	w->edge = to_table_target(b->table, d->service, d->edge)->v4.raw;
	b->wrong += d->verdict != TO_VERDICT_STEER || d->edge != edge ||
		    (d->reason != TO_REASON_ROUTE &&
		     (i >= b->proved || d->reason != TO_REASON_AFFINITY)) ||
		    memcmp(f->data + 30, &w->edge, 4) != 0;
}

static void check_answer(struct bench *b, const struct to_frame *f)
{
	b->wrong += f->decision.verdict != TO_VERDICT_REPLY ||
		    memcmp(f->data + 26, &b->flows.vip, 4) != 0;
}

static void put(struct bench *b, struct to_frame *f, uint32_t place, uint32_t flow, bool answer)
{
	uint8_t *data = bench_place(&b->subject, place);

	bench_flow_put(&b->flows, flow, answer, data);
	bench_arrive(f, data, BENCH_FRAME);
}

/* A burst of first packets of the flows from `at` on. Ticks. */
static uint64_t burst_first(struct bench *b, uint32_t at)
{
	struct to_frame f[BENCH_BURST];
	uint64_t ticks;

	for (uint32_t i = 0; i < BENCH_BURST; i++)
		put(b, &f[i], i, at + i, false);
	ticks = bench_ticks(&b->subject, f, BENCH_BURST, BENCH_NOW);
	for (uint32_t i = 0; i < BENCH_BURST; i++)
		check_first(b, &f[i], at + i);
	return ticks;
}

/* Likewise of half as many, between answers to those that began DELAY flows before. */
static uint64_t burst_proved(struct bench *b, uint32_t at)
{
	struct to_frame f[BENCH_BURST];
	uint64_t ticks;

	for (uint32_t i = 0; i < BENCH_BURST / 2; i++) {
		put(b, &f[2 * i], 2 * i, at + i, false);
		put(b, &f[2 * i + 1], 2 * i + 1, at + i - DELAY, true);
	}
	ticks = bench_ticks(&b->subject, f, BENCH_BURST, BENCH_NOW);
	for (uint32_t i = 0; i < BENCH_BURST / 2; i++) {
		check_first(b, &f[2 * i], at + i);
		check_answer(b, &f[2 * i + 1]);
	}
	return ticks;
}

static double sample_first(struct bench *b, uint32_t from)
{
	uint64_t ticks = 0;

	for (uint32_t at = from; at < from + WINDOW; at += BENCH_BURST)
		ticks += burst_first(b, at);
	return (double)ticks * b->subject.tick / WINDOW;
}

/* Two packets a flow. */
static double sample_proved(struct bench *b, uint32_t from)
{
	uint64_t ticks = 0;

	for (uint32_t at = from; at < from + WINDOW; at += BENCH_BURST / 2)
		ticks += burst_proved(b, at);
	return (double)ticks * b->subject.tick / WINDOW / 2;
}

static double sample_bare(struct bench *b, uint32_t subject, uint32_t i)
{
	return bare_sample(&b->bare, b->keys + bench_window(subject, i));
}

/* The events that must have been: not one entry lost, each flow proven or displaced. */
static void check_events(struct bench *b, uint64_t displaced)
{
	const struct to_counters *c = to_worker_counters(b->subject.worker);
	uint64_t proven = c->events[TO_EVENT_PROVEN];
	uint32_t used, capacity;

	to_pipeline_sweep(b->subject.worker, BENCH_NOW, 0);
	to_state_usage(to_state_worker(b->subject.state, 0), TO_PIN4, true, &used, &capacity);
	if (c->events[TO_EVENT_ENTRY_LOST] || c->events[TO_EVENT_TABLE_FULL] ||
	    proven != b->proved - DELAY || used != proven ||
	    c->events[TO_EVENT_DISPLACED] != displaced) {
		fprintf(stderr, "%llu proven (%u pins), %llu displaced, %llu lost\n",
			(unsigned long long)proven, used,
			(unsigned long long)c->events[TO_EVENT_DISPLACED],
			(unsigned long long)c->events[TO_EVENT_ENTRY_LOST]);
		b->wrong++;
	}
}

struct series {
	double *bare[2], *proved, *first;
};

static bool series_open(struct series *s, uint32_t windows)
{
	s->bare[0] = calloc(windows, sizeof(double));
	s->bare[1] = calloc(windows, sizeof(double));
	s->proved = calloc(windows, sizeof(double));
	s->first = calloc(windows, sizeof(double));
	return s->bare[0] && s->bare[1] && s->proved && s->first;
}

static void series_close(struct series *s)
{
	free(s->bare[0]);
	free(s->bare[1]);
	free(s->proved);
	free(s->first);
}

static void sample_all(struct bench *b, struct series *s)
{
	uint32_t at = 0;

	for (; at < DELAY; at += BENCH_BURST)
		burst_first(b, at);
	sample_bare(b, 2, 0);
	for (uint32_t i = 0; i < b->windows; i++, at += WINDOW) {
		if (i % EVERY == 0)
			s->bare[0][i / EVERY] = sample_bare(b, 0, i / EVERY);
		s->proved[i] = sample_proved(b, at);
	}
	check_events(b, 0);
	for (; at < b->proved + b->bound; at += BENCH_BURST)
		burst_first(b, at);
	for (uint32_t i = 0; i < b->windows; i++, at += WINDOW) {
		if (i % EVERY == 0)
			s->bare[1][i / EVERY] = sample_bare(b, 1, i / EVERY);
		s->first[i] = sample_first(b, at);
	}
	/* DELAY flows of those to be proved still waited for their answers */
	check_events(b, b->flows.n - b->proved + DELAY - b->bound);
}

static void show(struct bench *b, uint32_t routes, struct series *s)
{
	uint32_t n = b->windows, bare_n = (n + EVERY - 1) / EVERY;

	bench_sort_of(s->bare[0], bare_n);
	bench_sort_of(s->bare[1], bare_n);
	bench_sort_of(s->proved, n);
	bench_sort_of(s->first, n);
	printf("{\"bench\":\"new\",\"flows\":%u,\"routes\":%u,\"unproven\":%u,\"samples\":%u,"
	       "\"wrong\":%llu,\"state_bytes\":%llu",
	       n * WINDOW, routes, b->bound, bare_n, (unsigned long long)(b->wrong + b->bare.wrong),
	       (unsigned long long)to_state_bytes(b->subject.state));
	bench_print_of("bare_first", s->bare[1], bare_n, s->bare[1], bare_n);
	bench_print_of("first", s->first, n, s->bare[1], bare_n);
	bench_print_of("bare_proved", s->bare[0], bare_n, s->bare[0], bare_n);
	bench_print_of("proved", s->proved, n, s->bare[0], bare_n);
	printf("}\n");
}

static int make(struct bench *b, uint32_t routes, uint32_t flows)
{
	struct to_state_config config;
	uint32_t n;

	b->windows = flows / WINDOW + 1;
	b->proved = DELAY + b->windows * WINDOW;
	bench_sizes(&config, 2 * b->proved, BENCH_NOW);
	b->bound = config.size[TO_PIN4].unproven / BENCH_BURST * BENCH_BURST;
	config.size[TO_PIN4].unproven = b->bound;
	n = b->proved + b->bound + b->windows * WINDOW;
	b->keys = bench_huge(BENCH_VISITS * sizeof(*b->keys));
	if (!b->keys || bench_flows_new(&b->flows, n) < 0) {
		fprintf(stderr, "no memory for %u flows\n", n);
		return -1;
	}
	bench_flows_route(&b->flows, 0, b->proved, routes, false);
	bench_flows_route(&b->flows, b->proved, n, routes, true);
	if (bare_open(&b->bare, b->proved) < 0)
		return -1;
	bare_fill(&b->bare, b->keys, b->proved);
	return bench_subject_open(&b->subject, b->table, &config);
}

static int measure(const struct to_table *t, uint32_t routes, uint32_t flows)
{
	struct bench b = {.table = t};
	struct series s = {0};
	int ret = make(&b, routes, flows);

	if (ret == 0 && series_open(&s, b.windows)) {
		sample_all(&b, &s);
		show(&b, routes, &s);
		ret = b.wrong || b.bare.wrong ? -1 : 0;
	}
	series_close(&s);
	bench_subject_close(&b.subject);
	bare_close(&b.bare);
	bench_flows_free(&b.flows);
	bench_free(b.keys, BENCH_VISITS * sizeof(*b.keys));
	return ret;
}

int main(int argc, char **argv)
{
	struct bench_plan plan;
	int ret;

	if (argc != 5) {
		fprintf(stderr, "usage: %s PLAN STAGE ROUTES FLOWS\n", argv[0]);
		return 2;
	}
	if (bench_plan_open(&plan, argv[1], argv[2], NULL) < 0)
		return 1;
	ret = measure(plan.image[0].data, (uint32_t)strtoul(argv[3], NULL, 10),
		      (uint32_t)strtoul(argv[4], NULL, 10));
	bench_plan_close(&plan);
	return ret < 0;
}
