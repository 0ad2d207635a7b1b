/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the pipeline costs from received burst to rewritten burst, against a bare prefetched look-up
 * of as many entries in the same run, sample by sample in turn: 64-byte UDP frames of proven pins
 * visited in random order, requests and answers mixed, dnat. Writing the frames anew between bursts
 * is not timed. Prints a JSON line a size; wrong verdicts are counted and fail the run.
 *
 *   bench_pipeline PLAN PINS[/CAPACITY]...
 */
#include <turnout/hash.h>

#include "bare.h"
#include "pinned.h"

struct bench {
	uint32_t capacity;
	struct bench_pinned pinned;
	struct to_key *keys; /* BENCH_VISITS, as the flows are visited */
	struct bare bare;
};

static struct to_key key_of(const struct bench_flow *w)
{
	return (struct to_key){{w->client, w->port | (uint32_t)w->vip_port << 16, 1}};
}

/* The order of visits, of flows that the bare table has a place for as well. */
static int make_order(struct bench *b)
{
	const struct bench_flows *flows = &b->pinned.flows;
	uint32_t *asked = malloc(flows->n * sizeof(*asked)), n = 0;

	for (uint32_t i = 0; asked && i < flows->n; i++) {
		struct to_key k = key_of(&flows->flow[i]);

		if (bare_put(&b->bare, &k))
			asked[n++] = i;
	}
	if (n)
		bench_pinned_order(&b->pinned, asked, n);
	free(asked);
	for (uint32_t i = 0; n && i < BENCH_VISITS; i++)
		b->keys[i] = key_of(&flows->flow[b->pinned.order[i]]);
	return n ? 0 : -1;
}

static void sample(struct bench *b)
{
	double bare[BENCH_SAMPLES], requests[BENCH_SAMPLES], mixed[BENCH_SAMPLES];

	bare_sample(&b->bare, b->keys + BENCH_VISITS - BENCH_WINDOW);
	bench_pinned_sample(&b->pinned, BENCH_VISITS - BENCH_WINDOW, true);
	for (uint32_t i = 0; i < BENCH_SAMPLES; i++) {
		bare[i] = bare_sample(&b->bare, b->keys + bench_window(0, i));
		mixed[i] = bench_pinned_sample(&b->pinned, bench_window(1, i), true);
		requests[i] = bench_pinned_sample(&b->pinned, bench_window(2, i), false);
	}
	bench_sort(bare);
	bench_sort(mixed);
	bench_sort(requests);
	printf("{\"bench\":\"pipeline\",\"pins\":%u,\"capacity\":%u,\"samples\":%d,\"wrong\":%llu",
	       b->pinned.flows.n, b->capacity, BENCH_SAMPLES,
	       (unsigned long long)(b->pinned.wrong + b->bare.wrong));
	printf(",\"state_bytes\":%llu,\"pin_bytes\":%llu",
	       (unsigned long long)to_state_bytes(b->pinned.subject.state),
	       (unsigned long long)bench_pin_bytes(&b->pinned));
	bench_print("bare", bare, bare);
	bench_print("mixed", mixed, bare);
	bench_print("requests", requests, bare);
	printf("}\n");
	fflush(stdout);
}

/* False: not measured, or wrong. */
static bool measure(const struct to_table *t, uint32_t pins, uint32_t capacity)
{
	struct bench b = {.capacity = capacity};
	bool right = false;

	if (bench_pinned_open(&b.pinned, t, pins, capacity, BENCH_NOW) < 0)
		return false;
	b.keys = bench_huge(BENCH_VISITS * sizeof(*b.keys));
	if (!b.keys || bare_open(&b.bare, pins) || make_order(&b)) {
		fprintf(stderr, "%u pins: no memory\n", pins);
	} else {
		sample(&b);
		right = !b.pinned.wrong && !b.bare.wrong;
	}
	bare_close(&b.bare);
	bench_free(b.keys, BENCH_VISITS * sizeof(*b.keys));
	bench_pinned_close(&b.pinned);
	return right;
}

int main(int argc, char **argv)
{
	struct bench_plan plan;
	bool right = true;

	if (argc < 3) {
		fprintf(stderr, "usage: %s PLAN PINS[/CAPACITY]...\n", argv[0]);
		return 2;
	}
	if (bench_plan_open(&plan, argv[1], NULL, NULL) < 0)
		return 1;
	for (int i = 2; i < argc; i++) {
		char *end;
		uint32_t pins = (uint32_t)strtoul(argv[i], &end, 10);

		right &= measure(plan.image[0].data, pins,
				 *end == '/' ? (uint32_t)strtoul(end + 1, NULL, 10) : pins);
	}
	bench_plan_close(&plan);
	return !right;
}
