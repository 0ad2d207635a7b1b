/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Random sites, random flows, random schedules of stages, health and restarts: what is promised
 * holds in all of them.
 *
 *   property [--seed N] [--schedules N] [--only N] [--verbose]
 *   property --prove        every fault that the rig knows must be found
 *   property --share        shares, by counting
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "share.h"
#include "shrink.h"

#define ENOUGH 2000 /* schedules in which a fault must be found */

static const char *const faults[] = {RIG_FAULTS(TO_NAME)};
static struct game game;
static struct schedule schedule;

static uint64_t seed_of(uint64_t seed, uint64_t index)
{
	return to_mix(seed * 0x9e3779b97f4a7c15ULL + index);
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void report(uint64_t seed, uint64_t index)
{
	uint32_t before = schedule.events;

	printf("FAILED: seed %llu, schedule %llu: %s\n", (unsigned long long)seed,
	       (unsigned long long)index, game.why);
	shrink(&game, &schedule, RIG_FAULT_NONE);
	printf("\nShrunk from %u events to %u%s%s%s:\n\n", before, schedule.events,
	       schedule.twin ? ", with two workers beside" : "",
	       schedule.file ? ", state in a file" : "",
	       schedule.roomy ? "" : ", little room for unproven entries");
	game_play(&game, &schedule, RIG_FAULT_NONE, stdout);
	printf("\n%s\n\nAgain: property --seed %llu --only %llu --verbose\n", game.why,
	       (unsigned long long)seed, (unsigned long long)index);
}

static int run_all(uint64_t seed, uint64_t first, uint64_t count, bool verbose)
{
	uint64_t events = 0, twins = 0, files = 0;
	double began = seconds();

	for (uint64_t i = first; i < first + count; i++) {
		schedule_generate(&schedule, seed_of(seed, i));
		events += schedule.events;
		twins += schedule.twin;
		files += schedule.file;
		if (!game_play(&game, &schedule, RIG_FAULT_NONE, verbose ? stdout : NULL)) {
			report(seed, i);
			return 1;
		}
	}
	printf("ok: seed %llu, %llu schedules, %llu events, %llu with two workers beside, %llu "
	       "with restarts, %.1f s\n",
	       (unsigned long long)seed, (unsigned long long)count, (unsigned long long)events,
	       (unsigned long long)twins, (unsigned long long)files, seconds() - began);
	return 0;
}

/* Finds the fault, shrinks the schedule that found it, and says how long either took. */
static int prove(uint64_t seed, enum rig_fault fault)
{
	for (uint64_t i = 0; i < ENOUGH; i++) {
		uint32_t before;

		schedule_generate(&schedule, seed_of(seed, i));
		if (game_play(&game, &schedule, fault, NULL))
			continue;
		before = schedule.events;
		shrink(&game, &schedule, fault);
		if (game_play(&game, &schedule, fault, NULL)) {
			printf("FAILED: %s: the shrunk schedule does not fail\n", faults[fault]);
			return 1;
		}
		printf("ok: %-12s found by schedule %llu, shrunk from %u events to %u: %s\n",
		       faults[fault], (unsigned long long)i, before, schedule.events, game.why);
		return 0;
	}
	printf("FAILED: %s: not found in %d schedules\n", faults[fault], ENOUGH);
	return 1;
}

static int prove_all(uint64_t seed)
{
	int failed = 0;

	for (int fault = RIG_FAULT_NONE + 1; fault < RIG_FAULT_COUNT; fault++)
		failed |= prove(seed, fault);
	return failed;
}

static uint64_t number(const char *text)
{
	char *end;
	uint64_t n;

	errno = 0;
	n = text && *text >= '0' && *text <= '9' ? strtoull(text, &end, 10) : (end = NULL, 0);
	if (errno || !end || *end) {
		fprintf(stderr, "property: '%s' is not a number\n", text ? text : "");
		exit(2);
	}
	return n;
}

int main(int argc, char **argv)
{
	uint64_t seed = 1, first = 0, count = 10000;
	bool verbose = false, proves = false, shares = false;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--seed"))
			seed = number(argv[++i]);
		else if (!strcmp(argv[i], "--schedules"))
			count = number(argv[++i]);
		else if (!strcmp(argv[i], "--only"))
			first = number(argv[++i]), count = 1;
		else if (!strcmp(argv[i], "--verbose"))
			verbose = true;
		else if (!strcmp(argv[i], "--prove"))
			proves = true;
		else if (!strcmp(argv[i], "--share"))
			shares = true;
		else
			return fprintf(stderr, "property: what is '%s'?\n", argv[i]), 2;
	}
	if (shares)
		return share_test();
	return proves ? prove_all(seed) : run_all(seed, first, count, verbose);
}
