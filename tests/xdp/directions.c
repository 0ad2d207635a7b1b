/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The two directions of each flow on two CPUs: one has what clients send, the other one what edges
 * answer. Between them, floods of new flows, so that places of unproven entries are used again all
 * the time, and a stage switch after each first packet, so that whoever loses a flow's entry for a
 * moment decides otherwise.
 *
 *   directions [SECONDS]
 *
 * No packet of a flow may go to another edge than its first one (I1), and every answer leaves with
 * the VIP's address.
 */
#include <stdio.h>
#include <stdlib.h>
#include <xmmintrin.h>

#include "rendezvous.h"
#include "site.h"
#include "xdp_table.h"

#define RING    256 /* more than a flow meets between its first packet and its answer */
#define PROVEN  32768
#define KNOWN   8192     /* flows of each sort that are visited again */
#define FLOOD   1000000u /* numbers of flows from here on are never answered */
#define BURST   24       /* new flows at most, between two visits */
#define REPORTS 5

enum { CLIENTS, EDGES };

/* One meeting of the two CPUs over one flow. */
struct meeting {
	enum site_sort sort;
	unsigned n;
	unsigned edge;
	bool first; /* the flow is not proven yet */
};

struct side {
	pthread_t thread;
	int cpu;
	uint32_t random;
	unsigned flooded;
	uint64_t pushed;
	uint64_t lost; /* packets to another edge; answers with the edge's own address */
};

static struct rig rig;
static struct site site;
static struct meeting at;
static struct side side[2];
static uint64_t meetings, proved;
static struct rendezvous start, middle;
static bool over;

static void pause_a_moment(struct side *s)
{
	for (uint32_t n = rig_draw(&s->random, 200); n; n--)
		_mm_pause();
}

static void flood(struct side *s)
{
	static const enum site_sort sorts[] = {SITE_TCP4, SITE_UDP4, SITE_UDP6, SITE_CALL};
	unsigned base = FLOOD + (s == &side[EDGES] ? FLOOD : 0);
	struct rig_frame f;

	for (uint32_t n = rig_draw(&s->random, BURST); n; n--) {
		site_open(&f, sorts[rig_draw(&s->random, 4)], base + s->flooded++ % FLOOD);
		rig_push(&rig, &f);
		s->pushed++;
	}
}

static void lose(struct side *s, const struct meeting *m, const char *what, int to)
{
	if (++s->lost <= REPORTS)
		fprintf(stderr, "CPU %d: %s, flow %u%s: %s (%d, not %u)\n", s->cpu,
			site_sort_name(m->sort), m->n, m->first ? ", while it is proven" : "", what,
			to, m->edge);
}

static void client_sends(struct side *s, const struct meeting *m, bool again)
{
	struct rig_frame f;

	if (again)
		site_open(&f, m->sort, m->n);
	else
		site_more(&f, m->sort, m->n);
	rig_push(&rig, &f);
	s->pushed++;
	if (rig_egress(&f) != (int)m->edge)
		lose(s, m, "a client's packet leaves its edge", rig_egress(&f));
}

static void edge_sends(struct side *s, const struct meeting *m, bool again)
{
	struct rig_frame f;

	if (m->first && !again)
		site_answer(&f, m->sort, m->n, m->edge);
	else
		site_talk(&f, m->sort, m->n, m->edge);
	rig_push(&rig, &f);
	s->pushed++;
	if (rig_egress(&f) != RIG_OUT || !site_is_from_vip(&f))
		lose(s, m, "an answer is not from the VIP", rig_egress(&f));
}

/* The first packet of a new flow, by the one stage; then it is the other one's turn. */
static void begin_flow(struct side *s)
{
	bool fresh = rig.xdp.control->slot;
	struct rig_frame f;
	int edge;

	site_open(&f, at.sort, at.n);
	rig_push(&rig, &f);
	s->pushed++;
	edge = rig_egress(&f);
	if (edge / 2 != fresh)
		rig_fail("%s, flow %u: a new flow goes to %d", site_sort_name(at.sort), at.n, edge);
	at.edge = (unsigned)edge;
	to_xdp_commit(&rig.xdp);
}

/* Known flows by turns, with new ones among them, until all are known. */
static void choose(struct side *s, uint8_t edges[][KNOWN], unsigned *known)
{
	at.sort = (enum site_sort)rig_draw(&s->random, SITE_CALL + 1);
	at.first = known[at.sort] < KNOWN && rig_draw(&s->random, 4);
	if (!known[at.sort])
		at.first = true;
	at.n = at.first ? known[at.sort]++ : rig_draw(&s->random, known[at.sort]);
	if (at.first) {
		begin_flow(s);
		edges[at.sort][at.n] = (uint8_t)at.edge;
		proved++;
	}
	at.edge = edges[at.sort][at.n];
	meetings++;
}

static bool is_over(uint64_t end, const unsigned *known)
{
	for (unsigned sort = 0; sort <= SITE_CALL; sort++) {
		if (known[sort] < KNOWN)
			return rig_nanoseconds() > end;
	}
	return true;
}

static void *clients(void *arg)
{
	static uint8_t edges[SITE_CALL + 1][KNOWN];
	unsigned known[SITE_CALL + 1] = {0};
	uint64_t end = *(uint64_t *)arg;
	struct side *s = &side[CLIENTS];

	rig_stay_on(s->cpu);
	for (;;) {
		over = is_over(end, known);
		if (!over)
			choose(s, edges, known);
		rendezvous(&start);
		if (over)
			return NULL;
		pause_a_moment(s);
		client_sends(s, &at, at.first && rig_draw(&s->random, 2));
		client_sends(s, &at, false);
		if (rig_draw(&s->random, 4) == 0) /* its edge's packets may change CPUs */
			edge_sends(s, &at, false);
		rendezvous(&middle);
		client_sends(s, &at, false);
		flood(s);
	}
}

static void *edges(void *arg)
{
	struct side *s = &side[EDGES];

	(void)arg;
	rig_stay_on(s->cpu);
	for (;;) {
		struct meeting m;

		rendezvous(&start);
		if (over)
			return NULL;
		m = at;
		pause_a_moment(s);
		edge_sends(s, &m, false);
		edge_sends(s, &m, true);
		rendezvous(&middle);
		edge_sends(s, &m, true);
		flood(s);
	}
}

int main(int argc, char **argv)
{
	struct to_xdp_sizes sizes = rig_sizes(PROVEN, RING);
	struct rig_cpus two = rig_two_cpus();
	uint64_t end, lost;

	end = argc > 1 ? strtoull(argv[1], NULL, 10) : 4;
	site_make(&site);
	rig_open(&rig, &sizes, true);
	rig_clock(&rig, 1000);
	rig_publish(&rig, site.fresh); /* in slot 1 */
	rig_publish(&rig, site.legacy);
	end = rig_nanoseconds() + end * 1000000000;
	for (int i = 0; i < 2; i++)
		side[i] = (struct side){.cpu = two.cpu[i], .random = 2463534242u + (uint32_t)i};
	side[CLIENTS].thread = rig_thread(clients, &end);
	side[EDGES].thread = rig_thread(edges, NULL);
	for (int i = 0; i < 2; i++)
		pthread_join(side[i].thread, NULL);
	lost = side[CLIENTS].lost + side[EDGES].lost;
	printf("%llu meetings over flows, %llu of them at the proof; %llu and %llu packets, of "
	       "which %u and %u began flows that nobody answers: %llu to another edge, %llu "
	       "answers "
	       "not from the VIP\n",
	       (unsigned long long)meetings, (unsigned long long)proved,
	       (unsigned long long)side[CLIENTS].pushed, (unsigned long long)side[EDGES].pushed,
	       side[CLIENTS].flooded, side[EDGES].flooded, (unsigned long long)side[CLIENTS].lost,
	       (unsigned long long)side[EDGES].lost);
	printf("entry-lost %llu, proven-full %llu, unproven-displaced %llu\n",
	       (unsigned long long)rig_event(&rig, TO_EVENT_ENTRY_LOST),
	       (unsigned long long)rig_event(&rig, TO_EVENT_TABLE_FULL),
	       (unsigned long long)rig_event(&rig, TO_EVENT_DISPLACED));
	rig_close(&rig);
	site_free(&site);
	return lost != 0;
}
