/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two CPUs push packets while a third party publishes generations. What becomes of each packet must
 * be what one table makes of it (worlds.h), and that one of a generation that was running while the
 * packet was under way: none that had been replaced, and acknowledged so, before it began.
 *
 *   generations [--generations N] [--fault none|no-await|early|program]
 *
 * With a fault, the test is whether it is found: `no-await` overwrites a slot that packets may
 * still be reading; `early` takes a generation for acknowledged before it is committed. A program
 * that is itself faulty is tested with --fault program.
 */
#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shots.h"
#include "xdp_table.h"

#define MOST_REPORTS 3
#define EACH         8  /* packets that each CPU is to push between two faults */
#define STILL        50 /* generations after which both are let push some under one */

enum fault { FAULT_NONE, FAULT_NO_AWAIT, FAULT_EARLY, FAULT_PROGRAM };

struct pusher {
	struct rig *rig;
	int cpu;
	struct shots *shots;
	uint64_t pushed;
	uint64_t exact;   /* while one generation ran from beginning to end */
	uint64_t mixed;   /* made by no table alone */
	uint64_t foreign; /* by one that had been replaced, or was not there yet */
};

/* Generations count from 1; number n is of world n % WORLDS. Written by the publisher alone. */
static uint64_t acknowledged; /* no packet that begins now is decided by one before it */
static uint64_t committing;   /* no packet that has ended was decided by one after it */
static unsigned ready;
static bool over;

static uint64_t get(const uint64_t *n)
{
	return __atomic_load_n(n, __ATOMIC_SEQ_CST);
}

static void set(uint64_t *n, uint64_t to)
{
	__atomic_store_n(n, to, __ATOMIC_SEQ_CST);
}

static unsigned worlds_of(uint64_t first, uint64_t last)
{
	unsigned mask = 0;

	for (uint64_t g = first; g <= last && g < first + WORLDS; g++)
		mask |= 1u << g % WORLDS;
	return mask;
}

static void report(const struct pusher *p, const struct shot *s, const struct rig_frame *f,
		   unsigned made, uint64_t first, uint64_t last)
{
	if (p->mixed + p->foreign > MOST_REPORTS)
		return;
	fprintf(stderr, "CPU %d, generations %llu to %llu: %s: ", p->cpu, (unsigned long long)first,
		(unsigned long long)last, s->what);
	if (made)
		fprintf(stderr, "decided by worlds 0x%x, not 0x%x\n", made, worlds_of(first, last));
	else
		fprintf(stderr, "code %d, %u bytes, which no generation makes of it\n", f->code,
			f->len);
}

static void push_one(struct pusher *p, const struct shot *s)
{
	uint64_t first = get(&acknowledged), last;
	struct rig_frame f = s->in;
	unsigned made;

	rig_push(p->rig, &f);
	last = get(&committing);
	made = shots_judge(s, &f);
	p->exact += first == last;
	if (!made)
		p->mixed++;
	else if (!(made & worlds_of(first, last)))
		p->foreign++;
	if (!(made & worlds_of(first, last)))
		report(p, s, &f, made, first, last);
	set(&p->pushed, p->pushed + 1);
}

static void *push(void *arg)
{
	struct pusher *p = arg;

	rig_stay_on(p->cpu);
	__atomic_add_fetch(&ready, 1, __ATOMIC_SEQ_CST);
	for (unsigned i = 0; !__atomic_load_n(&over, __ATOMIC_ACQUIRE); i = (i + 1) % SHOTS)
		push_one(p, &p->shots->shot[i]);
	return NULL;
}

/* Until both have pushed some more. */
static void let_push(const struct pusher p[2])
{
	uint64_t want[2] = {get(&p[0].pushed) + EACH, get(&p[1].pushed) + EACH};

	while (get(&p[0].pushed) < want[0] || get(&p[1].pushed) < want[1])
		sched_yield();
}

static void publish(struct rig *r, const struct worlds *w, uint64_t g, enum fault fault)
{
	struct to_table *t = w->table[g % WORLDS];
	char err[256] = "";

	if (fault != FAULT_NO_AWAIT) /* which takes a while */
		rig_renumber(t, g);
	if (fault == FAULT_EARLY)
		set(&acknowledged, g);
	if (to_xdp_prepare(&r->xdp, t, err, sizeof(err)) < 0)
		rig_fail("prepare: %s", err);
	set(&committing, g);
	to_xdp_commit(&r->xdp);
	if (fault != FAULT_NO_AWAIT && to_xdp_await(&r->xdp) < 0)
		rig_fail("a generation is not acknowledged");
	set(&acknowledged, g);
}

static bool found(const struct pusher p[2])
{
	return p[0].mixed + p[0].foreign + p[1].mixed + p[1].foreign > 0;
}

/*
 * Nothing is waited for but the grace period, in which both CPUs push thousands of packets; but now
 * and then until both have pushed some while nothing changes: the publisher may have one of the
 * CPUs to itself whenever it does not sleep.
 */
static void alternate(struct rig *r, const struct worlds *w, const struct pusher p[2],
		      uint64_t first, uint64_t n)
{
	uint64_t begin = rig_nanoseconds(), both = 0;

	for (uint64_t g = first; g < first + n; g++) {
		uint64_t before[2] = {get(&p[0].pushed), get(&p[1].pushed)};

		publish(r, w, g, FAULT_NONE);
		both += get(&p[0].pushed) > before[0] && get(&p[1].pushed) > before[1];
		if (g % STILL == 0)
			let_push(p);
	}
	printf("%llu generations in %.1f s; in %llu of them both CPUs pushed packets\n",
	       (unsigned long long)n, (double)(rig_nanoseconds() - begin) / 1e9,
	       (unsigned long long)both);
	if (both < n / 4)
		rig_fail("the machine is too busy for this to say anything");
}

static void provoke(struct rig *r, const struct worlds *w, const struct pusher p[2], uint64_t first,
		    uint64_t n, enum fault fault)
{
	for (uint64_t g = first; g < first + n && !found(p); g++) {
		publish(r, w, g, fault);
		if (fault != FAULT_NO_AWAIT || g % EACH == 0)
			let_push(p);
	}
}

/* Sets of packets are made one after the other, each on its CPU, while the other one is idle. */
static uint64_t prepare(struct rig *r, const struct worlds *w, struct pusher p[2])
{
	struct rig_cpus two = rig_two_cpus();

	for (unsigned i = 0; i < 2; i++) {
		p[i] = (struct pusher){.rig = r, .cpu = two.cpu[i]};
		rig_stay_on(p[i].cpu);
		p[i].shots = shots_make(r, w, i);
		printf("CPU %d: %u packets, of %u no two worlds make the same\n", p[i].cpu, SHOTS,
		       p[i].shots->telling);
		if (p[i].shots->telling < SHOTS / 3)
			rig_fail("the worlds are too much alike");
	}
	return WORLDS - 1; /* the world that runs */
}

static int judge(const struct pusher p[2], enum fault fault)
{
	uint64_t mixed = p[0].mixed + p[1].mixed, foreign = p[0].foreign + p[1].foreign;

	printf("%llu packets, %llu of them under one generation from beginning to end: "
	       "%llu mixtures, %llu by another generation\n",
	       (unsigned long long)(p[0].pushed + p[1].pushed),
	       (unsigned long long)(p[0].exact + p[1].exact), (unsigned long long)mixed,
	       (unsigned long long)foreign);
	if (fault != FAULT_NONE)
		return found(p) ? 0 : 1;
	return found(p) || !p[0].exact || !p[1].exact;
}

static enum fault fault_of(const char *name)
{
	static const char *const names[] = {"none", "no-await", "early", "program"};

	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (!strcmp(name, names[i]))
			return (enum fault)i;
	}
	rig_fail("there is no fault '%s'", name);
}

static int run(uint64_t n, enum fault fault)
{
	struct to_xdp_sizes sizes = rig_sizes(SHOTS_PROVEN, SHOTS_RING);
	static struct pusher p[2];
	pthread_t thread[2];
	struct worlds w;
	struct rig r;
	uint64_t first;

	rig_two_cpus();
	rig_open(&r, &sizes, false);
	worlds_make(&w);
	first = prepare(&r, &w, p);
	acknowledged = committing = first;
	for (int i = 0; i < 2; i++)
		thread[i] = rig_thread(push, &p[i]);
	if (fault == FAULT_NONE)
		alternate(&r, &w, p, first + 1, n);
	else
		provoke(&r, &w, p, first + 1, n, fault);
	__atomic_store_n(&over, true, __ATOMIC_RELEASE);
	for (int i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	for (int i = 0; i < 2; i++)
		free(p[i].shots);
	worlds_free(&w);
	rig_close(&r);
	return judge(p, fault);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"generations", required_argument, NULL, 'n'},
						{"fault", required_argument, NULL, 'f'},
						{0}};
	enum fault fault = FAULT_NONE;
	uint64_t n = 1000;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'n')
			n = strtoull(optarg, NULL, 10);
		else if (c == 'f')
			fault = fault_of(optarg);
		else
			return 2;
	}
	return run(n, fault);
}
