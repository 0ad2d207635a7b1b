/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * No cache line is written by two workers: of what each writes while packets go through it, as it
 * is really allocated, every range begins and ends with a line, and no two have one in common.
 *
 * Written by all on purpose, and only there: the tables of proven dialogs, proven transactions and
 * owners, which connect clients of different workers (docs/state-tables.md); a ring by which frames
 * are handed over; a send queue's lock, where there are fewer queues than workers. None of these
 * may share a line with what is one worker's either.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>

#include "dataplane/capture_ring.h"
#include "dataplane/dp_eal.h"
#include "dataplane/dp_live.h"
#include "dataplane/worker.h"
#include "state_lines.h"

#define WORKERS 3
#define ALL     WORKERS /* the owner of what all write */
#define MOST    256

WHOLE_LINES(struct to_worker);
WHOLE_LINES(struct dp_live_worker); /* counters of ports, frames to be sent, the clock */
WHOLE_LINES(struct dp_acknowledged);
WHOLE_LINES(struct rte_rcu_qsbr_cnt);
WHOLE_LINES(struct dp_send_lock);
WHOLE_LINES(struct to_capture_ring);
/* The reader of a capture writes it meanwhile, and what all read of it is written once. */
_Static_assert(offsetof(struct to_capture_ring, written) % LINE == 0, "the worker's part");
_Static_assert(offsetof(struct to_capture_ring, read) % LINE == 0, "the reader's part");
_Static_assert(offsetof(struct to_capture_ring, turn) + sizeof(struct to_capture_turn) <=
		       offsetof(struct to_capture_ring, read),
	       "the worker's part ends before");
/* What everybody reads with each round is not beside what the main thread writes in a capture. */
_Static_assert(offsetof(struct dp_capture, rings) / LINE !=
		       offsetof(struct dp_capture, current) / LINE,
	       "the main thread's part");

struct range {
	uintptr_t first; /* lines */
	uintptr_t last;
	unsigned owner;
	const char *what;
};

struct layout {
	struct range range[MOST];
	unsigned n;
	struct to_state *state;
	struct to_worker *worker[WORKERS];
	struct to_capture_ring *ring[WORKERS];
	struct dp_generations generations;
	struct to_nexthops nexthops;
};

static void add(struct layout *l, unsigned owner, const char *what, const void *at, size_t bytes)
{
	assert_non_null(at);
	assert_true(l->n < MOST);
	if ((uintptr_t)at % LINE || bytes % LINE)
		fail_msg("worker %u, %s: %zu bytes at %p are not whole lines", owner, what, bytes,
			 at);
	l->range[l->n++] = (struct range){(uintptr_t)at / LINE, ((uintptr_t)at + bytes - 1) / LINE,
					  owner, what};
}

struct owner {
	struct layout *layout;
	unsigned worker;
};

static void add_state(void *arg, bool shared, const char *what, const void *at, size_t bytes)
{
	const struct owner *o = arg;

	add(o->layout, shared ? ALL : o->worker, what, at, bytes);
}

static void add_worker(struct layout *l, unsigned w)
{
	const struct to_worker *p = l->worker[w];
	const struct to_capture_ring *r = l->ring[w];
	const uint8_t *written = (const uint8_t *)&r->written;

	add(l, w, "pipeline", p, sizeof(*p));
	add(l, w, "packets", p->packets, whole_lines(sizeof(*p->packets) * TO_BURST));
	add(l, w, "ways", p->ways, sizeof(*p->ways) * TO_MAX_SERVICES * TO_MAX_EDGES);
	add(l, w, "counters", p->counters, whole_lines(sizeof(*p->counters)));
	state_lines(l->state, w, add_state, &(struct owner){l, w});
	add(l, w, "capture", written, (size_t)((const uint8_t *)&r->read - written));
	add(l, w, "captured packets", r->memory, whole_lines((size_t)r->places * r->size));
	add(l, w, "acknowledgement", &l->generations.acknowledged[w],
	    sizeof(*l->generations.acknowledged));
	add(l, w, "quiescent state", &l->generations.qsbr->qsbr_cnt[w],
	    sizeof(l->generations.qsbr->qsbr_cnt[w]));
}

static int set_up(void **state)
{
	struct to_state_config config = {.now = 1, .seed = 1};
	struct layout *l = calloc(1, sizeof(*l));
	char err[256];

	if (!l || dp_eal_bare(1) < 0 || dp_generations_open(&l->generations, WORKERS) < 0)
		return -1;
	to_state_sizes(&config, WORKERS, 3000);
	if (to_state_open(NULL, &config, &l->state, err, sizeof(err)) < 0)
		return -1;
	to_nexthops_replay(&l->nexthops, 1500);
	/* one after the other, as the engine makes them, so that the allocator may put them so */
	for (unsigned w = 0; w < WORKERS; w++)
		l->worker[w] = to_worker_new(l->state, w, &l->nexthops);
	for (uint16_t w = 0; w < WORKERS; w++)
		l->ring[w] = to_capture_ring_new(&(struct to_capture){.snap = 100}, w);
	*state = l;
	return 0;
}

static int tear_down(void **state)
{
	struct layout *l = *state;

	for (unsigned w = 0; w < WORKERS; w++) {
		to_worker_free(l->worker[w]);
		to_capture_ring_free(l->ring[w]);
	}
	to_state_close(l->state);
	dp_generations_close(&l->generations);
	free(l);
	return 0;
}

static int by_first(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

static void test_no_line_is_two_workers(void **state)
{
	struct layout *l = *state;

	for (unsigned w = 0; w < WORKERS; w++)
		add_worker(l, w);
	qsort(l->range, l->n, sizeof(l->range[0]), by_first);
	for (unsigned i = 1; i < l->n; i++) {
		const struct range *before = &l->range[i - 1], *r = &l->range[i];

		if (r->first <= before->last)
			fail_msg("%s of worker %u and %s of worker %u have a line in common",
				 before->what, before->owner, r->what, r->owner);
	}
}

/* What is said to be everybody's is all that is: else it would be missing above. */
static void test_what_is_shared(void **state)
{
	struct layout *l = *state;
	unsigned shared;

	assert_int_equal(state_lines_in_common(l->state, &shared), 0);
	assert_int_equal(shared, 3); /* proven dialogs, proven transactions, owners */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_line_is_two_workers),
		cmocka_unit_test(test_what_is_shared),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
