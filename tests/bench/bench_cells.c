/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a pin look-up costs, against a bare one (bare.h): the same entries, bursts and order, in the
 * same run, sample by sample in turn. Prints JSON lines; wrong answers are counted and fail the
 * run.
 *
 *   bench_cells [ENTRIES[/CAPACITY]...]
 */
#include <dataplane/state.h>
#include <turnout/hash.h>

#include "bare.h"

#define NOW 1000

struct run {
	uint32_t entries;
	struct to_key *order; /* BENCH_VISITS of them */
	struct to_state *state;
	struct bare bare;
	uint64_t wrong;
};

static struct to_key key_of(uint32_t i)
{
	uint64_t r = to_mix(i);

	return (struct to_key){{(uint32_t)r, (uint32_t)(r >> 32), 0x1106}};
}

/* Nanoseconds a look-up. */
static double sample_state(struct run *r, uint32_t from, bool more)
{
	struct to_worker_state *ws = to_state_worker(r->state, 0);
	uint64_t hash[BENCH_BURST];
	uint64_t wrong = 0;
	double start = bench_seconds();

	for (uint32_t at = from; at < from + BENCH_WINDOW; at += BENCH_BURST) {
		const struct to_key *k = &r->order[at];

		for (int i = 0; i < BENCH_BURST; i++) {
			hash[i] = to_state_hash(ws, TO_PIN4, &k[i]);
			to_state_prefetch(ws, TO_PIN4, true, hash[i]);
		}
		for (int i = 0; i < BENCH_BURST && more; i++)
			to_state_prefetch_more(ws, TO_PIN4, true, hash[i]);
		for (int i = 0; i < BENCH_BURST; i++) {
			const struct to_entry *e =
				to_state_find_hashed(ws, TO_PIN4, true, &k[i], hash[i], NOW);

			wrong += !e || e->mark != k[i].w[0];
		}
	}
	start = bench_seconds() - start;
	r->wrong += wrong;
	return start * 1e9 / BENCH_WINDOW;
}

static int fill(struct run *r)
{
	struct to_worker_state *ws = to_state_worker(r->state, 0);
	struct to_key *asked = malloc(r->entries * sizeof(*asked));
	uint32_t n = 0;

	if (!asked)
		return -1;
	for (uint32_t i = 0; i < r->entries; i++) {
		struct to_key k = key_of(i);
		struct to_entry v = {.expires = NOW + 100, .mark = k.w[0]};

		if (!to_state_add_proven(ws, TO_PIN4, &k, to_state_hash(ws, TO_PIN4, &k), &v, NOW))
			return -1;
		if (bare_put(&r->bare, &k))
			asked[n++] = k;
	}
	for (uint32_t i = 0; n && i < BENCH_VISITS; i++)
		r->order[i] = asked[to_mix(i + 77) % n];
	free(asked);
	return n ? 0 : -1;
}

static void sample(struct run *r, uint32_t capacity)
{
	double bare[BENCH_SAMPLES], state[BENCH_SAMPLES], more[BENCH_SAMPLES];

	bare_sample(&r->bare, r->order + BENCH_VISITS - BENCH_WINDOW);
	sample_state(r, BENCH_VISITS - BENCH_WINDOW, false);
	for (uint32_t i = 0; i < BENCH_SAMPLES; i++) {
		bare[i] = bare_sample(&r->bare, r->order + bench_window(0, i));
		state[i] = sample_state(r, bench_window(1, i), false);
		more[i] = sample_state(r, bench_window(2, i), true);
	}
	bench_sort(bare);
	bench_sort(state);
	bench_sort(more);
	printf("{\"entries\":%u,\"capacity\":%u,\"wrong\":%llu", r->entries, capacity,
	       (unsigned long long)(r->wrong + r->bare.wrong));
	bench_print("bare", bare, bare);
	bench_print("find", state, bare);
	bench_print("find_more", more, bare);
	printf("}\n");
	fflush(stdout);
}

static int measure(uint32_t entries, uint32_t capacity)
{
	struct to_state_config config = {.workers = 1, .now = NOW, .seed = 1};
	struct run r = {.entries = entries};
	char err[256];

	config.size[TO_PIN4].proven = capacity;
	if (to_state_open(NULL, &config, &r.state, err, sizeof(err))) {
		fprintf(stderr, "%s\n", err);
		return 1;
	}
	r.order = bench_huge(BENCH_VISITS * sizeof(*r.order));
	if (!r.order || bare_open(&r.bare, entries) || fill(&r)) {
		fprintf(stderr, "no memory for %u entries\n", entries);
		return 1;
	}
	sample(&r, capacity);
	bare_close(&r.bare);
	bench_free(r.order, BENCH_VISITS * sizeof(*r.order));
	to_state_close(r.state);
	return r.wrong + r.bare.wrong != 0;
}

int main(int argc, char **argv)
{
	static const uint32_t usual[][2] = {{4096, 4096},
					    {4096, 1000000},
					    {1000000, 1000000},
					    {1000000, 2000000},
					    {10000000, 10000000}};
	int rc = 0;

	for (int i = 1; i < argc; i++) {
		char *end;
		uint32_t entries = (uint32_t)strtoul(argv[i], &end, 10);
		uint32_t capacity = *end == '/' ? (uint32_t)strtoul(end + 1, NULL, 10) : entries;

		rc |= measure(entries, capacity);
	}
	for (size_t i = 0; argc < 2 && i < sizeof(usual) / sizeof(*usual); i++)
		rc |= measure(usual[i][0], usual[i][1]);
	return rc;
}
