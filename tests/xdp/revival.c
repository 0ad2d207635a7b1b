/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One CPU revives dead entries, and lets new flows have the places of others, while another one
 * frees what is dead and has new flows of its own, which take the places that it has just freed.
 * Nothing that is alive may vanish or change, and nothing dead stay for ever.
 *
 *   revival [SECONDS]
 *
 * A round is a moment: the clock stands, and only then goes on until everything is dead.
 */
#include <stdio.h>
#include <stdlib.h>

#include "rendezvous.h"
#include "site.h"
#include "xdp_entries.h"
#include "xdp_table.h"

#define RING    64
#define FLOWS   500u /* of the one CPU in a round; half of them lived in the one before */
#define OTHERS  60u  /* of the other one */
#define PLACES  (FLOWS + OTHERS + 50) /* of proven entries: those of the dead are needed */
#define SECONDS 20u                   /* until a place must have come free */
#define REPORTS 5

struct held {
	unsigned n;
	int edge;
};

struct side {
	int cpu;
	struct held held[FLOWS];
	unsigned flows;
	unsigned next; /* number of a new flow */
	uint64_t waited;
};

static struct rig rig;
static struct site site;
static struct side reviver, sweeper = {.next = 1u << 22};
static struct to_xdp_sweep sweep;
static struct rendezvous start, finish;
static uint64_t rounds, freed, wrong;
static uint32_t now = 1000;
static bool judged, over;

static void complain(const struct held *h, const char *what)
{
	if (__atomic_add_fetch(&wrong, 1, __ATOMIC_RELAXED) <= REPORTS)
		fprintf(stderr, "round %llu, flow %u: %s\n", (unsigned long long)rounds, h->n,
			what);
}

static void sweep_step(void)
{
	int n = to_xdp_sweep(&rig.xdp, &sweep, now, 1);

	if (n < 0)
		rig_fail("sweep: %d", n);
	freed += (unsigned)n;
}

static bool is_there(const struct held *h, struct to_bpf_entry *e)
{
	return site_entry(&rig, SITE_TCP4, h->n, true, e) && now < e->e.expires;
}

/* Answers until the entry is proven: its place may be in the sweeper's hands, or all be taken. */
static void prove(struct side *s, const struct held *h)
{
	uint64_t until = rig_nanoseconds() + SECONDS * 1000000000ull;
	struct to_bpf_entry e;
	struct rig_frame f;

	do {
		site_answer(&f, SITE_TCP4, h->n, (unsigned)h->edge);
		rig_push(&rig, &f);
		if (rig_egress(&f) != RIG_OUT || !site_is_from_vip(&f)) {
			complain(h, "the answer to a new flow is not known as one");
			return;
		}
		if (is_there(h, &e))
			return;
		s->waited++;
		if (s == &sweeper)
			sweep_step();
	} while (rig_nanoseconds() < until);
	complain(h, "no place comes free");
}

static void begin_flow(struct side *s, struct held *h)
{
	struct rig_frame f;

	site_open(&f, SITE_TCP4, h->n);
	rig_push(&rig, &f);
	h->edge = rig_egress(&f);
	if (h->edge < 0)
		complain(h, "it is not steered");
	else
		prove(s, h);
}

static void shuffle(struct side *s, uint32_t *random)
{
	for (unsigned i = s->flows - 1; i; i--) {
		unsigned j = rig_draw(random, i + 1);
		struct held h = s->held[i];

		s->held[i] = s->held[j];
		s->held[j] = h;
	}
}

static void judge_one(const struct held *h)
{
	struct to_bpf_entry e;
	struct rig_frame f;

	if (!is_there(h, &e))
		complain(h, "its entry has vanished");
	else if (e.e.edge != h->edge || e.e.life != (h->n % 2 ? SITE_SHORT : SITE_IDLE) || e.ring ||
		 !(e.e.flags & TO_ENTRY_PROVEN))
		complain(h, "its entry is not what it was");
	site_more(&f, SITE_TCP4, h->n);
	rig_push(&rig, &f);
	if (rig_egress(&f) != h->edge)
		complain(h, "it has left its edge");
}

static void judge(const struct side *s)
{
	for (unsigned i = 0; i < s->flows; i++)
		judge_one(&s->held[i]);
}

static void *sweeps(void *unused)
{
	(void)unused;
	rig_stay_on(sweeper.cpu);
	for (;;) {
		unsigned i = 0;

		rendezvous(&start);
		if (over)
			return NULL;
		do {
			sweep_step();
			if (i == sweeper.flows)
				continue;
			sweeper.held[i].n = sweeper.next++;
			begin_flow(&sweeper, &sweeper.held[i++]);
		} while (i < sweeper.flows || !__atomic_load_n(&judged, __ATOMIC_ACQUIRE));
		rendezvous(&finish);
	}
}

/* All are dead: old ones come back under their keys, and new ones among them. */
static void next_round(uint32_t *random)
{
	uint64_t n;

	now += SITE_IDLE + TO_BPF_GRACE;
	rig_clock(&rig, now);
	to_xdp_commit(&rig.xdp); /* the other stage, whose table has been in the other slot */
	rounds++;
	shuffle(&reviver, random);
	judged = false;
	rendezvous(&start);
	for (unsigned i = 0; i < FLOWS; i++) {
		if (i % 2)
			reviver.held[i].n = reviver.next++;
		begin_flow(&reviver, &reviver.held[i]);
	}
	judge(&reviver); /* while the other one still sweeps */
	__atomic_store_n(&judged, true, __ATOMIC_RELEASE);
	rendezvous(&finish);
	judge(&sweeper);
	if (to_xdp_entries_count(&rig.xdp, TO_PIN4, true, now, &n) < 0 || n != FLOWS + OTHERS)
		complain(&reviver.held[0], "there are not as many entries as flows");
}

/* Time for the last ones to die, and for what has been left over to show. */
static void end(void)
{
	now += SITE_IDLE + TO_BPF_GRACE;
	for (unsigned i = 0; i < 2 * (TO_ENTRY_KIND_COUNT + PLACES / 256); i++)
		sweep_step();
	if (rig_entries(&rig, TO_PIN4, true))
		complain(&reviver.held[0], "a dead entry is never freed");
	if (rig_entries(&rig, TO_PIN4, false) > 2 * RING)
		complain(&reviver.held[0], "an unproven entry has lost its place in the ring");
	if (freed != rig_event(&rig, TO_EVENT_RECLAIMED))
		complain(&reviver.held[0], "what was freed is not what was counted");
}

static void run(uint64_t ns)
{
	uint32_t random = 88172645;
	pthread_t thread;
	uint64_t until;

	reviver.flows = FLOWS;
	sweeper.flows = OTHERS;
	for (unsigned i = 0; i < FLOWS; i++)
		reviver.held[i].n = reviver.next++;
	rig_stay_on(reviver.cpu);
	thread = rig_thread(sweeps, NULL);
	until = rig_nanoseconds() + ns;
	while (rig_nanoseconds() < until)
		next_round(&random);
	over = true;
	rendezvous(&start);
	pthread_join(thread, NULL);
	end();
}

int main(int argc, char **argv)
{
	struct to_xdp_sizes sizes = rig_sizes(PLACES, RING);
	struct rig_cpus two = rig_two_cpus();

	reviver.cpu = two.cpu[0];
	sweeper.cpu = two.cpu[1];
	site_make(&site);
	rig_open(&rig, &sizes, true);
	rig_publish(&rig, site.fresh);
	rig_publish(&rig, site.legacy);
	run(strtoull(argc > 1 ? argv[1] : "3", NULL, 10) * 1000000000);
	printf("%llu rounds of %u flows, half of the first %u revived; %llu entries freed; a place "
	       "was "
	       "not to be had at once %llu and %llu times: %llu wrong\n",
	       (unsigned long long)rounds, FLOWS + OTHERS, FLOWS, (unsigned long long)freed,
	       (unsigned long long)reviver.waited, (unsigned long long)sweeper.waited,
	       (unsigned long long)wrong);
	rig_close(&rig);
	site_free(&site);
	return wrong != 0;
}
