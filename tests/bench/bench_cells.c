/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a pin look-up costs, against a bare one: 64-byte buckets of two entries, at most 0.6 full,
 * no probing, no time, no state; the same entries, bursts and order, in the same run, sample by
 * sample in turn. Prints JSON lines; wrong answers are counted and fail the run.
 *
 *   bench_cells [ENTRIES[/CAPACITY]...]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include <dataplane/state.h>
#include <turnout/hash.h>

#define BURST   64
#define SAMPLES 21
#define NOW     1000

struct bare_entry {
	uint64_t key[2];
	uint64_t value[2];
};

struct bare_bucket {
	struct bare_entry e[2];
} __attribute__((aligned(64)));

struct run {
	uint32_t entries;
	uint32_t lookups; /* a sample's */
	struct to_key *order;
	struct to_state *state;
	struct bare_bucket *bare;
	uint64_t mask;
	uint64_t wrong;
};

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct to_key key_of(uint32_t i)
{
	uint64_t r = to_mix(i);

	return (struct to_key){{(uint32_t)r, (uint32_t)(r >> 32), 0x1106}};
}

static uint64_t bare_hash(const struct to_key *k)
{
	uint64_t w;

	memcpy(&w, k, 8);
	w = (w ^ k->w[2]) * 0x9e3779b97f4a7c15ULL;
	return w ^ w >> 32;
}

static uint64_t bare_find(const struct bare_bucket *b, const struct to_key *k)
{
	uint64_t w;

	memcpy(&w, k, 8);
	for (int i = 0; i < 2; i++)
		if (b->e[i].key[0] == w && b->e[i].key[1] == k->w[2])
			return b->e[i].value[0];
	return 0;
}

/* Nanoseconds a look-up. */
static double sample_bare(struct run *r)
{
	uint64_t hash[BURST];
	uint64_t sum = 0;
	uint64_t found = 0;
	double start = seconds();

	for (uint32_t at = 0; at < r->lookups; at += BURST) {
		const struct to_key *k = &r->order[at];

		for (int i = 0; i < BURST; i++) {
			hash[i] = bare_hash(&k[i]) & r->mask;
			__builtin_prefetch(&r->bare[hash[i]]);
		}
		for (int i = 0; i < BURST; i++) {
			uint64_t v = bare_find(&r->bare[hash[i]], &k[i]);

			found += v != 0;
			sum += v;
		}
	}
	start = seconds() - start;
	if (found != r->lookups || !sum)
		r->wrong++;
	return start * 1e9 / r->lookups;
}

static double sample_state(struct run *r, bool more)
{
	struct to_worker_state *ws = to_state_worker(r->state, 0);
	uint64_t hash[BURST];
	uint64_t wrong = 0;
	double start = seconds();

	for (uint32_t at = 0; at < r->lookups; at += BURST) {
		const struct to_key *k = &r->order[at];

		for (int i = 0; i < BURST; i++) {
			hash[i] = to_state_hash(ws, TO_PIN4, &k[i]);
			to_state_prefetch(ws, TO_PIN4, true, hash[i]);
		}
		for (int i = 0; i < BURST && more; i++)
			to_state_prefetch_more(ws, TO_PIN4, true, hash[i]);
		for (int i = 0; i < BURST; i++) {
			const struct to_entry *e =
				to_state_find_hashed(ws, TO_PIN4, true, &k[i], hash[i], NOW);

			wrong += !e || e->mark != k[i].w[0];
		}
	}
	start = seconds() - start;
	r->wrong += wrong;
	return start * 1e9 / r->lookups;
}

static bool bare_put(struct run *r, const struct to_key *k)
{
	struct bare_bucket *b = &r->bare[bare_hash(k) & r->mask];
	struct bare_entry *e = &b->e[!!b->e[0].value[0]];

	if (e->value[0])
		return false; /* a bare table does not probe: this key is not asked for */
	memcpy(e->key, k, 8);
	e->key[1] = k->w[2];
	e->value[0] = 1;
	return true;
}

static void *huge(size_t bytes)
{
	uint8_t *p = mmap(NULL, bytes + (2 << 20), PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	p = (uint8_t *)(((uintptr_t)p + (2 << 20) - 1) & ~(uintptr_t)((2 << 20) - 1));
	madvise(p, bytes, MADV_HUGEPAGE);
	return p;
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
		if (bare_put(r, &k))
			asked[n++] = k;
	}
	for (uint32_t i = 0; i < r->lookups; i++)
		r->order[i] = asked[to_mix(i + 77) % n];
	free(asked);
	return 0;
}

static int compare(const void *a, const void *b)
{
	const double *x = a;
	const double *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Sorted samples: minimum and median, and what part of the bare look-up's they are. */
static void print(const char *name, const double *ns, const double *bare)
{
	printf(",\"%s\":{\"ns_min\":%.1f,\"ns_median\":%.1f,\"ratio_min\":%.2f,"
	       "\"ratio_median\":%.2f}",
	       name, ns[0], ns[SAMPLES / 2], ns[0] / bare[0], ns[SAMPLES / 2] / bare[SAMPLES / 2]);
}

static int measure(uint32_t entries, uint32_t capacity)
{
	struct to_state_config config = {.workers = 1, .now = NOW, .seed = 1};
	struct run r = {.entries = entries, .lookups = 1 << 20};
	double bare[SAMPLES];
	double state[SAMPLES];
	double more[SAMPLES];
	char err[256];

	config.size[TO_PIN4].proven = capacity;
	if (to_state_open(NULL, &config, &r.state, err, sizeof(err))) {
		fprintf(stderr, "%s\n", err);
		return 1;
	}
	for (r.mask = 1; r.mask * 6 / 5 < entries; r.mask *= 2)
		;
	r.mask--;
	r.bare = huge((r.mask + 1) * sizeof(*r.bare));
	r.order = huge(r.lookups * sizeof(*r.order));
	if (!r.bare || !r.order || fill(&r)) {
		fprintf(stderr, "no memory for %u entries\n", entries);
		return 1;
	}
	sample_bare(&r);
	sample_state(&r, false);
	for (int i = 0; i < SAMPLES; i++) {
		bare[i] = sample_bare(&r);
		state[i] = sample_state(&r, false);
		more[i] = sample_state(&r, true);
	}
	qsort(bare, SAMPLES, sizeof(*bare), compare);
	qsort(more, SAMPLES, sizeof(*more), compare);
	qsort(state, SAMPLES, sizeof(*state), compare);
	printf("{\"entries\":%u,\"capacity\":%u,\"wrong\":%llu", entries, capacity,
	       (unsigned long long)r.wrong);
	print("bare", bare, bare);
	print("find", state, bare);
	print("find_more", more, bare);
	printf("}\n");
	fflush(stdout);
	munmap(r.bare, (r.mask + 1) * sizeof(*r.bare));
	munmap(r.order, r.lookups * sizeof(*r.order));
	to_state_close(r.state);
	return r.wrong != 0;
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
