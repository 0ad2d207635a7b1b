/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rings of a few places only, so that an unproven entry is displaced, and its memory another
 * flow's, while another CPU still looks at it.
 *
 *   recycling [SECONDS]
 *
 * newest   One CPU opens flows, each of which the other one answers about when its entry has to
 *          make room. Whichever of them wins, the newest flow keeps its edge, and what has been
 *          proven is at the edge that has answered.
 * anything Both CPUs do anything to a few flows. Afterwards everything unproven can still be
 *          displaced: nothing has been lost from the order of age.
 */
#include <stdio.h>
#include <stdlib.h>

#include "site.h"
#include "xdp_table.h"

#define RING    2
#define PROVEN  65536
#define FLOWS   12 /* of `anything` */
#define AHEAD   4096
#define REPORTS 5

struct flow {
	unsigned n;
	int edge;
};

static struct rig rig;
static struct site site;
static struct rig_cpus two;
static struct flow opened[AHEAD]; /* number i is in opened[i % AHEAD] */
static uint64_t newest;           /* opened so far */
static uint64_t answered, kept, displaced, wrong;
static bool over;

static bool is_over(void)
{
	return __atomic_load_n(&over, __ATOMIC_ACQUIRE);
}

static void complain(const char *what, unsigned n, int edge, int to)
{
	if (__atomic_add_fetch(&wrong, 1, __ATOMIC_RELAXED) <= REPORTS)
		fprintf(stderr, "flow %u of edge %d: %s (%d)\n", n, edge, what, to);
}

static int opens(unsigned n)
{
	struct rig_frame f;

	site_open(&f, SITE_UDP4, n);
	rig_push(&rig, &f);
	return rig_egress(&f);
}

static int goes_on(unsigned n)
{
	struct rig_frame f;

	site_more(&f, SITE_UDP4, n);
	rig_push(&rig, &f);
	return rig_egress(&f);
}

/* The stage is another one for what follows: who is not remembered, goes elsewhere. */
static void open_next(uint64_t i)
{
	struct flow *o = &opened[i % AHEAD];
	int to;

	*o = (struct flow){(unsigned)i, opens((unsigned)i)};
	if (o->edge < 0)
		rig_fail("flow %u is not steered", o->n);
	__atomic_store_n(&newest, i + 1, __ATOMIC_RELEASE);
	to_xdp_commit(&rig.xdp);
	to = goes_on(o->n);
	if (to != o->edge)
		complain("the newest one leaves its edge", o->n, o->edge, to);
}

static void answer(const struct flow *o)
{
	struct to_bpf_entry e;
	struct rig_frame f;

	site_answer(&f, SITE_UDP4, o->n, (unsigned)o->edge);
	rig_push(&rig, &f);
	answered++;
	if (!site_entry(&rig, SITE_UDP4, o->n, true, &e)) {
		displaced++;
		return;
	}
	kept++;
	if (e.e.edge != o->edge || !site_is_from_vip(&f))
		complain("it is proven at another edge", o->n, o->edge, e.e.edge);
}

/* Answers the one that is about to be displaced, and not the same one twice. */
static void *answers(void *unused)
{
	uint64_t last = 0;

	(void)unused;
	rig_stay_on(two.cpu[1]);
	while (!is_over()) {
		uint64_t n = __atomic_load_n(&newest, __ATOMIC_ACQUIRE);
		struct flow o;

		if (n <= last + RING - 1)
			continue;
		last = n - RING + 1;
		o = opened[(last - 1) % AHEAD];
		/* this thread may have stood still while the other one went once around */
		if (__atomic_load_n(&newest, __ATOMIC_ACQUIRE) < last + AHEAD - 1)
			answer(&o);
	}
	return NULL;
}

static void run_newest(uint64_t until)
{
	pthread_t other = rig_thread(answers, NULL);

	rig_stay_on(two.cpu[0]);
	for (uint64_t i = 0; rig_nanoseconds() < until && kept < PROVEN - AHEAD; i++)
		open_next(i);
	__atomic_store_n(&over, true, __ATOMIC_RELEASE);
	pthread_join(other, NULL);
	printf("%llu flows, %llu of them answered: %llu proven, %llu displaced before\n",
	       (unsigned long long)newest, (unsigned long long)answered, (unsigned long long)kept,
	       (unsigned long long)displaced);
	if (!kept || !displaced)
		rig_fail("nothing was at stake");
	if (rig_entries(&rig, TO_PIN4, false) > RING)
		complain("there are more unproven entries than places", 0, -1,
			 (int)rig_entries(&rig, TO_PIN4, false));
}

static void do_anything(uint32_t *random)
{
	unsigned n = rig_draw(random, FLOWS);
	struct rig_frame f;

	switch (rig_draw(random, 5)) {
	case 0:
		site_reset(&f, SITE_TCP4, n);
		break;
	case 1:
		site_more(&f, SITE_TCP4, n);
		break;
	case 2:
		site_answer(&f, SITE_TCP4, n, rig_draw(random, SITE_EDGES));
		break;
	default:
		site_open(&f, SITE_TCP4, n);
		break;
	}
	rig_push(&rig, &f);
	if (f.code < 0)
		complain("the program fails", n, -1, f.code);
}

static void *anything(void *cpu)
{
	uint32_t random = 2463534242u + *(uint32_t *)cpu;

	rig_stay_on(*(int *)cpu);
	while (!is_over())
		do_anything(&random);
	return NULL;
}

/* As many new flows as there are places, by every CPU that has some. */
static void flood(void)
{
	for (unsigned i = 0; i < 2; i++) {
		rig_stay_on(two.cpu[i]);
		for (unsigned n = 0; n < RING; n++)
			opens(1000 + i * RING + n);
	}
}

static void run_anything(uint64_t until)
{
	struct to_bpf_entry e;
	pthread_t thread[2];

	rig_empty(&rig);
	over = false;
	for (int i = 0; i < 2; i++)
		thread[i] = rig_thread(anything, &two.cpu[i]);
	while (rig_nanoseconds() < until)
		to_xdp_commit(&rig.xdp);
	__atomic_store_n(&over, true, __ATOMIC_RELEASE);
	for (int i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	flood();
	for (unsigned n = 0; n < FLOWS; n++) {
		if (site_entry(&rig, SITE_TCP4, n, false, &e))
			complain("its unproven entry is not displaced any more", n, e.e.edge,
				 (int)e.ring);
	}
	printf("%llu proofs, %llu displaced\n",
	       (unsigned long long)rig_event(&rig, TO_EVENT_PROVEN),
	       (unsigned long long)rig_event(&rig, TO_EVENT_DISPLACED));
}

int main(int argc, char **argv)
{
	uint64_t each = strtoull(argc > 1 ? argv[1] : "2", NULL, 10) * 500000000;
	struct to_xdp_sizes sizes = rig_sizes(PROVEN, RING);

	two = rig_two_cpus();
	site_make(&site);
	rig_open(&rig, &sizes, true);
	rig_clock(&rig, 1000);
	rig_publish(&rig, site.fresh);
	rig_publish(&rig, site.legacy);
	run_newest(rig_nanoseconds() + each);
	run_anything(rig_nanoseconds() + each);
	rig_close(&rig);
	site_free(&site);
	return wrong != 0;
}
