/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a packet of a realistic mix (mix.h) costs, against the time that 10 Gbit/s Ethernet gives
 * for it: the bits of those very frames on the wire, with checksum, preamble and gap. One packet in
 * ten is IPv6, one in twenty the first of a new flow, which is answered DELAY flows later. The
 * established flows are visited in random order, from both sides.
 *
 *   bench_mix PLAN FLOWS
 *
 * Prints a JSON line; wrong verdicts and classes are counted and fail the run.
 */
#include <string.h>

#include <turnout/hash.h>
#include <turnout/table_read.h>

#include "bare.h"
#include "mix.h"
#include "subject.h"

#define DELAY     256 /* flows begin while one waits for its answer */
#define ON_WIRE   24  /* bytes: checksum 4, preamble 8, gap 12 */
#define LINE_BITS 10  /* a nanosecond */
#define SAMPLED   ((BENCH_SAMPLES + 1) * BENCH_WINDOW)

static const char *const class_name[] = {TO_NAMES(TO_CLASSES)};

struct bench {
	struct bench_subject subject;
	const struct to_table *table;
	uint32_t flows;  /* established ones */
	uint32_t begun;  /* numbers of flows, from `flows` on, that have begun since */
	uint32_t proved; /* and of those the ones that have been answered */
	uint8_t *edge;   /* of each flow */
	uint64_t visit;
	uint64_t class[TO_CLASS_COUNT], kind[BENCH_KINDS];
	uint64_t six, first, bytes, packets;
	struct bare bare;
	struct to_key *keys;
	uint64_t wrong;
};

/* What a packet is, and what has to become of it. */
struct visit {
	uint32_t number;
	enum bench_what what;
	struct bench_mix_flow flow;
	uint8_t class;
};

static union to_addr address_of(const struct bench *b, uint8_t edge, bool six)
{
	const struct to_target *g = to_table_target(b->table, 0, edge);

	return six ? g->v6 : to_addr_v4(g->v4);
}

static void put(const struct bench *b, struct visit *v, uint64_t draw, uint8_t *p,
		struct to_frame *f)
{
	union to_addr edge;

	bench_mix_flow(v->number, &v->flow);
	edge = address_of(b, b->edge[v->number], v->flow.six);
	bench_arrive(f, p, bench_mix_put(&v->flow, v->number, v->what, &edge, draw, p, &v->class));
}

static bool is_right(const struct bench *b, const struct visit *v, const struct to_frame *f)
{
	const struct to_decision *d = &f->decision;
	bool six = v->flow.six, sip = v->flow.kind == BENCH_SIP_UDP;
	union to_addr edge = address_of(b, b->edge[v->number], six);
	uint8_t pinned = sip ? TO_REASON_DIALOG : TO_REASON_PIN;
	const uint8_t *to = f->data + bench_destination_at(six);
	size_t size = six ? 16 : 4;

	if (d->class != v->class)
		return false;
	if (v->what == BENCH_ANSWER || v->what == BENCH_FIRST_ANSWER)
		return d->verdict == TO_VERDICT_REPLY &&
		       !memcmp(f->data + bench_source_at(six), v->flow.ends.dst.b + 16 - size,
			       size);
	if (d->verdict != TO_VERDICT_STEER || memcmp(to, edge.b + 16 - size, size) != 0)
		return false;
	if (v->what == BENCH_REQUEST)
		return d->reason == pinned;
	return d->reason == TO_REASON_ROUTE || d->reason == TO_REASON_AFFINITY;
}

static void check(struct bench *b, const struct visit *v, const struct to_frame *f)
{
	if (v->what == BENCH_FIRST && f->decision.verdict == TO_VERDICT_STEER)
		b->edge[v->number] = f->decision.edge;
	b->wrong += !is_right(b, v, f);
	b->class[f->decision.class]++;
	b->kind[v->flow.kind]++;
	b->six += v->flow.six;
	b->first += v->what == BENCH_FIRST;
}

/* The next packet: of twenty, one begins a flow, one answers such a one. */
static void draw_visit(struct bench *b, uint64_t draw, struct visit *v)
{
	uint32_t turn = (uint32_t)(draw >> 48) % 20;

	if (turn == 0) {
		*v = (struct visit){.number = b->flows + b->begun++, .what = BENCH_FIRST};
	} else if (turn == 1 && b->begun > b->proved + DELAY) {
		*v = (struct visit){.number = b->flows + b->proved++, .what = BENCH_FIRST_ANSWER};
	} else {
		*v = (struct visit){.number = (uint32_t)(draw >> 8) % b->flows,
				    .what = draw & 128 ? BENCH_ANSWER : BENCH_REQUEST};
	}
}

/* Nanoseconds a packet; *line: those that the line gives. */
static double sample(struct bench *b, double *line)
{
	struct to_frame f[BENCH_BURST];
	struct visit v[BENCH_BURST];
	uint64_t ticks = 0, bytes = 0;

	for (uint32_t at = 0; at < BENCH_WINDOW; at += BENCH_BURST) {
		for (uint32_t i = 0; i < BENCH_BURST; i++) {
			uint64_t draw = to_mix(++b->visit);

			draw_visit(b, draw, &v[i]);
			put(b, &v[i], draw, bench_place(&b->subject, i), &f[i]);
			bytes += f[i].len + ON_WIRE;
		}
		ticks += bench_ticks(&b->subject, f, BENCH_BURST, BENCH_NOW);
		for (uint32_t i = 0; i < BENCH_BURST; i++)
			check(b, &v[i], &f[i]);
	}
	b->bytes += bytes;
	b->packets += BENCH_WINDOW;
	*line = (double)bytes * 8 / LINE_BITS / BENCH_WINDOW;
	return (double)ticks * b->subject.tick / BENCH_WINDOW;
}

/* What has not been measured. */
static bool one(struct bench *b, uint32_t number, enum bench_what what)
{
	struct visit v = {.number = number, .what = what};
	struct to_frame f;

	put(b, &v, to_mix(number), bench_place(&b->subject, 0), &f);
	to_pipeline_run(b->subject.worker, &f, 1, BENCH_NOW);
	if (what == BENCH_FIRST)
		b->edge[number] = f.decision.edge;
	return is_right(b, &v, &f);
}

static int open_flows(struct bench *b)
{
	for (uint32_t i = 0; i < b->flows; i++) {
		if (!one(b, i, BENCH_FIRST) || !one(b, i, BENCH_FIRST_ANSWER)) {
			fprintf(stderr, "flow %u is not opened as it should be\n", i);
			return -1;
		}
	}
	return 0;
}

static int make(struct bench *b)
{
	uint32_t most = b->flows + SAMPLED / 8;
	struct to_state_config config;

	bench_mix_init();
	bench_sizes(&config, 2 * most, BENCH_NOW);
	b->edge = calloc(most, 1);
	b->keys = bench_huge(BENCH_VISITS * sizeof(*b->keys));
	if (!b->edge || !b->keys || bare_open(&b->bare, b->flows) < 0 ||
	    bench_subject_open(&b->subject, b->table, &config) < 0)
		return -1;
	bare_fill(&b->bare, b->keys, b->flows);
	return open_flows(b);
}

static void show(const struct bench *b)
{
	printf("{\"bench\":\"mix\",\"flows\":%u,\"samples\":%d,\"wrong\":%llu,\"frame_mean\":%.0f,"
	       "\"ip6\":%.4f,\"first\":%.4f",
	       b->flows, BENCH_SAMPLES, (unsigned long long)(b->wrong + b->bare.wrong),
	       (double)b->bytes / (double)b->packets - ON_WIRE, (double)b->six / (double)b->packets,
	       (double)b->first / (double)b->packets);
	printf(",\"kinds\":{");
	for (int i = 0; i < BENCH_KINDS; i++)
		printf("%s\"%s\":%.4f", i ? "," : "", bench_kind_name[i],
		       (double)b->kind[i] / (double)b->packets);
	printf("},\"classes\":{");
	for (int i = 0, n = 0; i < TO_CLASS_COUNT; i++)
		if (b->class[i])
			printf("%s\"%s\":%llu", n++ ? "," : "", class_name[i],
			       (unsigned long long)b->class[i]);
	printf("}");
}

/* Every kind of packet must have been there: a mix without one is another. */
static void check_kinds(struct bench *b)
{
	const struct to_counters *c = to_worker_counters(b->subject.worker);

	for (int i = 0; i < BENCH_KINDS; i++)
		b->wrong += b->kind[i] < b->packets * bench_kind_share[i] / 2000;
	b->wrong += c->events[TO_EVENT_ENTRY_LOST] + c->events[TO_EVENT_TABLE_FULL];
}

static void measure(struct bench *b)
{
	double line[BENCH_SAMPLES], bare[BENCH_SAMPLES], mix[BENCH_SAMPLES];

	sample(b, &line[0]);
	for (uint32_t i = 0; i < BENCH_SAMPLES; i++) {
		bare[i] = bare_sample(&b->bare, b->keys + bench_window(0, i));
		mix[i] = sample(b, &line[i]);
	}
	check_kinds(b);
	bench_sort(line);
	bench_sort(bare);
	bench_sort(mix);
	show(b);
	bench_print("line", line, line);
	bench_print("bare", bare, line);
	bench_print("mix", mix, line);
	printf("}\n");
}

int main(int argc, char **argv)
{
	struct bench_plan plan;
	struct bench b = {0};
	int rc = 1;

	if (argc != 3) {
		fprintf(stderr, "usage: %s PLAN FLOWS\n", argv[0]);
		return 2;
	}
	b.flows = (uint32_t)strtoul(argv[2], NULL, 10);
	if (bench_plan_open(&plan, argv[1], NULL, NULL) < 0)
		return 1;
	b.table = plan.image[0].data;
	if (make(&b) == 0) {
		measure(&b);
		rc = b.wrong || b.bare.wrong;
	}
	bench_subject_close(&b.subject);
	bare_close(&b.bare);
	bench_free(b.keys, BENCH_VISITS * sizeof(*b.keys));
	free(b.edge);
	bench_plan_close(&plan);
	return rc;
}
