/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What stage switches do to a worker under full load: the time of its bursts in windows in which
 * another thread publishes the two stages of a plan in turn, RATE times a second, against windows
 * in which it sleeps, in turn in the same run. As the engine does it (dp_live.c, dp_generation.c):
 * the image comes through a memfd, is copied and checked, follows the one before, is published by
 * one pointer; the worker takes it up between two bursts, and the one before is freed when nobody
 * can read it.
 *
 * Every burst is timed whole, from the worker's clock and what it takes up to its last frame, and
 * none is left out. Its packets are requests and answers of PINS proven flows, which stay where
 * they are whatever the stage; one is the first of a new flow, which must go where the very table
 * says that the burst was decided by.
 *
 *   bench_switches PLAN STAGE STAGE PINS RATE
 *
 * Prints a JSON line of nanoseconds a packet; wrong verdicts are counted and fail the run.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include <dataplane/dp_capture.h>
#include <dataplane/dp_clock.h>
#include <dataplane/dp_eal.h>
#include <dataplane/dp_generation.h>
#include <dataplane/dp_nexthops.h>
#include <turnout/table_check.h>

#include "pinned.h"

#define BURSTS  2048  /* a window */
#define TAKEN   65536 /* a bound: so many switches are looked at apart */
#define SWEEPS  10000 /* a second, of so many buckets: as dp_live.c */
#define BUCKETS 16
#define ROUTES  10000 /* prefixes that new flows come from */
#define LOOK_US 50    /* how often the publisher looks whether a generation is live */

enum { QUIET, SWITCHING };

struct bench {
	struct bench_pinned pinned;
	struct bench_flows fresh; /* one a burst */
	uint32_t burst;           /* so many of those were */
	struct dp_generations generations;
	struct dp_nexthops nexthops;
	struct dp_capture capture;
	struct dp_clock clock;
	uint64_t next_sweep;  /* TSC */
	uint64_t taken;       /* generations that the worker has taken up */
	uint32_t took[TAKEN]; /* ticks of the bursts before which it did */
	uint64_t stray;       /* of those, in windows in which nobody published */
	uint32_t *ticks[2];   /* of each burst, by QUIET and SWITCHING */
};

struct publisher {
	struct dp_generations *generations;
	const struct to_image *image; /* [2] */
	uint32_t rate;
	bool on, busy, stop; /* `busy`: its own; the others the worker's */
	uint64_t generation; /* the last one published */
	uint64_t failed;
};

/* The image as the `generation`th, in a memfd, on the engine's way. */
static int publish(struct publisher *p, uint64_t generation)
{
	struct to_image image = p->image[generation & 1];
	struct to_table *t = image.data, *copy;
	char path[64], err[256] = "";
	int ret, fd;

	t->generation = generation;
	t->checksum = to_table_checksum(t, t->size);
	fd = to_image_memfd(&image);
	if (fd < 0)
		return fd;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ret = dp_generation_prepare(p->generations, path, &copy, err, sizeof(err));
	close(fd);
	if (ret == 0)
		ret = dp_generation_publish(p->generations, copy);
	if (ret < 0)
		fprintf(stderr, "generation %llu: %s %s\n", (unsigned long long)generation,
			strerror(-ret), err);
	return ret;
}

/* To the next of the times at which it publishes; no faster after a delay. */
static void wait_turn(struct timespec *next, uint32_t rate)
{
	struct timespec now;

	next->tv_nsec += 1000000000 / rate;
	if (next->tv_nsec >= 1000000000) {
		next->tv_nsec -= 1000000000;
		next->tv_sec++;
	}
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (now.tv_sec > next->tv_sec ||
	    (now.tv_sec == next->tv_sec && now.tv_nsec > next->tv_nsec))
		*next = now;
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, next, NULL);
}

static void *publisher(void *arg)
{
	struct publisher *p = arg;
	struct timespec next;

	clock_gettime(CLOCK_MONOTONIC, &next);
	while (!__atomic_load_n(&p->stop, __ATOMIC_ACQUIRE)) {
		__atomic_store_n(&p->busy, true, __ATOMIC_SEQ_CST);
		if (__atomic_load_n(&p->on, __ATOMIC_SEQ_CST)) {
			if (publish(p, p->generation + 1) < 0)
				p->failed++;
			else
				p->generation++;
			while (!dp_generation_is_live(p->generations) ||
			       !dp_generation_reclaim(p->generations))
				usleep(LOOK_US);
		}
		__atomic_store_n(&p->busy, false, __ATOMIC_SEQ_CST);
		wait_turn(&next, p->rate);
	}
	return NULL;
}

/* A round of a worker (dp_live.c) whose port has just given it these frames. Ticks. */
static uint32_t go_round(struct bench *b, struct to_frame *f)
{
	struct to_worker *w = b->pinned.subject.worker;
	uint64_t start;
	uint32_t now;
	unsigned aux;

	_mm_lfence();
	start = __rdtsc();
	now = dp_clock_now(&b->clock, start);
	dp_generation_turn(&b->generations, 0, w);
	dp_nexthops_turn(&b->nexthops, w);
	dp_capture_turn(&b->capture, 0, w);
	to_pipeline_run(w, f, BENCH_BURST, now);
	if (start >= b->next_sweep) {
		b->next_sweep = start + rte_get_tsc_hz() / SWEEPS;
		to_pipeline_sweep(w, now, BUCKETS);
	}
	return (uint32_t)(__rdtscp(&aux) - start);
}

/* Did it go where the table says that the burst was decided by? */
static bool is_fresh_right(const struct bench *b, const struct to_frame *f, uint32_t flow)
{
	const struct to_table *t = to_worker_table(b->pinned.subject.worker);
	to_be32 client = {b->fresh.flow[flow].client};
	const struct to_decision *d = &f->decision;

	return d->verdict == TO_VERDICT_STEER && d->reason == TO_REASON_ROUTE &&
	       d->edge == bench_edge_of(t, client) &&
	       !memcmp(f->data + 30, &to_table_target(t, 0, d->edge)->v4, 4);
}

static uint32_t one_burst(struct bench *b, bool switching)
{
	const struct to_table *before = to_worker_table(b->pinned.subject.worker);
	uint32_t at = b->burst * BENCH_BURST % BENCH_VISITS, flow = b->burst % b->fresh.n, ticks;
	struct to_frame f[BENCH_BURST];
	bool taken;

	bench_pinned_put(&b->pinned, at, true, f);
	bench_flow_put(&b->fresh, flow, false, f[0].data);
	ticks = go_round(b, f);
	b->pinned.wrong += !is_fresh_right(b, &f[0], flow);
	bench_pinned_check(&b->pinned, at, true, f, 1);
	taken = to_worker_table(b->pinned.subject.worker) != before;
	if (taken)
		b->took[b->taken++ % TAKEN] = ticks;
	b->stray += taken && !switching;
	b->burst++;
	return ticks;
}

static void window(struct bench *b, struct publisher *p, bool switching, uint32_t *ticks)
{
	if (switching)
		__atomic_store_n(&p->on, true, __ATOMIC_SEQ_CST);
	for (uint32_t i = 0; i < BURSTS; i++)
		ticks[i] = one_burst(b, switching);
	__atomic_store_n(&p->on, false, __ATOMIC_SEQ_CST);
	/* what has begun is live before the quiet window begins */
	while (__atomic_load_n(&p->busy, __ATOMIC_SEQ_CST))
		one_burst(b, true);
}

static int compare(const void *a, const void *b)
{
	const uint32_t *x = a;
	const uint32_t *y = b;

	return *x < *y ? -1 : *x > *y;
}

static double part(const uint32_t *sorted, size_t n, double of, double tick)
{
	return sorted[(size_t)((double)n * of)] * tick / BENCH_BURST;
}

/* Of each window's bursts, and of all together. */
static void show_part(const struct bench *b, const char *name, double of, uint32_t *all[2])
{
	double figure[2][BENCH_SAMPLES], ratio[BENCH_SAMPLES], tick = b->pinned.subject.tick;
	char series[32];

	for (int i = 0; i < BENCH_SAMPLES; i++) {
		for (int s = QUIET; s <= SWITCHING; s++)
			figure[s][i] = part(b->ticks[s] + (size_t)i * BURSTS, BURSTS, of, tick);
		ratio[i] = figure[SWITCHING][i] / figure[QUIET][i];
	}
	bench_sort(figure[QUIET]);
	bench_sort(figure[SWITCHING]);
	bench_sort(ratio);
	snprintf(series, sizeof(series), "quiet_%s", name);
	bench_print(series, figure[QUIET], figure[QUIET]);
	snprintf(series, sizeof(series), "switching_%s", name);
	bench_print(series, figure[SWITCHING], figure[QUIET]);
	printf(",\"paired_%s\":%.3f,\"all_%s\":[%.1f,%.1f]", name, ratio[BENCH_SAMPLES / 2], name,
	       part(all[QUIET], (size_t)BENCH_SAMPLES * BURSTS, of, tick),
	       part(all[SWITCHING], (size_t)BENCH_SAMPLES * BURSTS, of, tick));
}

static int show(struct bench *b, const struct publisher *p)
{
	size_t n = (size_t)BENCH_SAMPLES * BURSTS;
	uint32_t *all[2];

	for (int s = QUIET; s <= SWITCHING; s++) {
		all[s] = malloc(n * sizeof(*all[s]));
		if (!all[s])
			return -1;
		memcpy(all[s], b->ticks[s], n * sizeof(*all[s]));
		qsort(all[s], n, sizeof(*all[s]), compare);
		for (int i = 0; i < BENCH_SAMPLES; i++)
			qsort(b->ticks[s] + (size_t)i * BURSTS, BURSTS, sizeof(uint32_t), compare);
	}
	printf("{\"bench\":\"switches\",\"pins\":%u,\"image\":%zu,\"rate\":%u,\"samples\":%d,"
	       "\"bursts\":%d,\"switches\":%llu,\"wrong\":%llu",
	       b->pinned.flows.n, p->image->size, p->rate, BENCH_SAMPLES, BURSTS,
	       (unsigned long long)b->taken, (unsigned long long)b->pinned.wrong);
	show_part(b, "p50", 0.5, all);
	show_part(b, "p99", 0.99, all);
	show_part(b, "p999", 0.999, all);
	n = b->taken < TAKEN ? b->taken : TAKEN;
	qsort(b->took, n, sizeof(*b->took), compare);
	printf(",\"took\":[%.1f,%.1f]}\n", part(b->took, n, 0.5, b->pinned.subject.tick),
	       part(b->took, n, 0.99, b->pinned.subject.tick));
	free(all[QUIET]);
	free(all[SWITCHING]);
	return 0;
}

/* The calling thread on the last of the process's CPUs, or on all others, where there are any. */
static void stay_on(const cpu_set_t *cpus, bool last)
{
	cpu_set_t one, others = *cpus;
	int cpu = 0;

	for (int i = 0; i < CPU_SETSIZE; i++)
		cpu = CPU_ISSET(i, cpus) ? i : cpu;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	CPU_CLR(cpu, &others);
	if (last || CPU_COUNT(&others) > 0)
		pthread_setaffinity_np(pthread_self(), sizeof(one), last ? &one : &others);
}

static int make(struct bench *b, const struct bench_plan *plan, uint32_t pins)
{
	uint32_t bursts = 4 * BENCH_SAMPLES * BURSTS;

	if (bench_pinned_open(&b->pinned, plan->image[1].data, pins, 2 * pins, dp_boottime()) < 0)
		return -1;
	bench_pinned_order(&b->pinned, NULL, pins);
	b->nexthops.current = &b->pinned.subject.nexthops;
	if (bench_flows_new(&b->fresh, bursts) < 0 || dp_generations_open(&b->generations, 1) < 0)
		return -1;
	bench_flows_route(&b->fresh, 0, bursts, ROUTES, true);
	for (int s = QUIET; s <= SWITCHING; s++) {
		b->ticks[s] = bench_huge((size_t)BENCH_SAMPLES * BURSTS * sizeof(*b->ticks[s]));
		if (!b->ticks[s])
			return -1;
	}
	return 0;
}

static void measure(struct bench *b, struct publisher *p)
{
	window(b, p, false, b->ticks[QUIET]); /* to warm up */
	window(b, p, true, b->ticks[SWITCHING]);
	b->taken = b->stray = b->pinned.wrong = 0;
	for (uint32_t i = 0; i < BENCH_SAMPLES; i++) {
		window(b, p, false, b->ticks[QUIET] + (size_t)i * BURSTS);
		window(b, p, true, b->ticks[SWITCHING] + (size_t)i * BURSTS);
	}
}

static int run(struct bench *b, const struct bench_plan *plan, uint32_t rate)
{
	struct publisher p = {.generations = &b->generations, .image = plan->image, .rate = rate};
	struct to_worker *w = b->pinned.subject.worker;
	uint64_t before;
	pthread_t thread;
	cpu_set_t cpus;

	if (sched_getaffinity(0, sizeof(cpus), &cpus) < 0)
		return -1;
	dp_generation_join(&b->generations, 0);
	if (publish(&p, 1) < 0)
		return -1;
	p.generation = 1;
	dp_generation_turn(&b->generations, 0, w);
	stay_on(&cpus, false);
	if (pthread_create(&thread, NULL, publisher, &p) != 0)
		return -1;
	stay_on(&cpus, true);
	measure(b, &p);
	__atomic_store_n(&p.stop, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	before = b->pinned.wrong;
	b->pinned.wrong += p.failed + b->stray + (b->taken < BENCH_SAMPLES);
	if (before != b->pinned.wrong)
		fprintf(stderr, "%llu switches, %llu in quiet windows, %llu failed\n",
			(unsigned long long)b->taken, (unsigned long long)b->stray,
			(unsigned long long)p.failed);
	dp_generation_leave(&b->generations, 0);
	return show(b, &p) < 0 || b->pinned.wrong ? -1 : 0;
}

int main(int argc, char **argv)
{
	struct bench_plan plan;
	static struct bench b;
	int ret = -1;

	if (argc != 6) {
		fprintf(stderr, "usage: %s PLAN STAGE STAGE PINS RATE\n", argv[0]);
		return 2;
	}
	if (bench_plan_open(&plan, argv[1], argv[2], argv[3]) < 0)
		return 1;
	if (dp_eal_bare(1) < 0)
		fprintf(stderr, "DPDK does not start\n");
	else if (make(&b, &plan, (uint32_t)strtoul(argv[4], NULL, 10)) == 0)
		ret = run(&b, &plan, (uint32_t)strtoul(argv[5], NULL, 10));
	for (int s = QUIET; s <= SWITCHING; s++)
		bench_free(b.ticks[s], (size_t)BENCH_SAMPLES * BURSTS * sizeof(*b.ticks[s]));
	dp_generations_close(&b.generations);
	bench_flows_free(&b.fresh);
	bench_pinned_close(&b.pinned);
	bench_plan_close(&plan);
	return ret < 0;
}
