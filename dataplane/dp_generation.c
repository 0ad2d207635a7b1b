/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <rte_malloc.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dp_generation.h"
#include "table_load.h"

static uint64_t monotonic_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

int dp_generations_open(struct dp_generations *g, unsigned workers)
{
	*g = (struct dp_generations){.workers = workers};
	g->qsbr =
		rte_zmalloc("turnout_rcu", rte_rcu_qsbr_get_memsize(workers), RTE_CACHE_LINE_SIZE);
	g->acknowledged =
		rte_calloc("turnout_ack", workers, sizeof(*g->acknowledged), RTE_CACHE_LINE_SIZE);
	if (!g->qsbr || !g->acknowledged || rte_rcu_qsbr_init(g->qsbr, workers) != 0) {
		dp_generations_close(g);
		return -ENOMEM;
	}
	return 0;
}

void dp_generations_close(struct dp_generations *g)
{
	rte_free(g->acknowledged);
	rte_free(g->qsbr);
	dp_generation_discard(g->before);
	dp_generation_discard(g->running);
	*g = (struct dp_generations){0};
}

int dp_generation_prepare(const struct dp_generations *g, const char *path, struct to_table **table,
			  char *err, size_t err_size)
{
	struct to_table *t;
	int ret = to_table_load(path, &t, err, err_size);

	if (ret < 0)
		return ret;
	if (g->running) {
		ret = to_table_can_follow(g->running, t, err, err_size);
		if (ret < 0) {
			dp_generation_discard(t);
			return ret;
		}
	}
	*table = t;
	return 0;
}

void dp_generation_discard(struct to_table *table)
{
	free(table);
}

int dp_generation_publish(struct dp_generations *g, struct to_table *table)
{
	if (g->running && !dp_generation_is_live(g))
		return -EBUSY;
	if (!dp_generation_reclaim(g))
		return -EBUSY;
	g->before = g->running;
	g->running = table;
	g->published_ns = monotonic_ns();
	__atomic_store_n(&g->current, table, __ATOMIC_RELEASE);
	g->token = rte_rcu_qsbr_start(g->qsbr);
	return 0;
}

bool dp_generation_is_live(const struct dp_generations *g)
{
	for (unsigned i = 0; i < g->workers; i++) {
		if (__atomic_load_n(&g->acknowledged[i].generation, __ATOMIC_ACQUIRE) !=
		    g->running->generation)
			return false;
	}
	return true;
}

bool dp_generation_reclaim(struct dp_generations *g)
{
	if (!g->before)
		return true;
	if (!dp_generation_is_live(g) || rte_rcu_qsbr_check(g->qsbr, g->token, false) != 1)
		return false;
	dp_generation_discard(g->before);
	g->before = NULL;
	return true;
}

bool dp_generation_is_settled(const struct dp_generations *g)
{
	return g->running && !g->before && dp_generation_is_live(g);
}

uint64_t dp_generation_age_ns(const struct dp_generations *g)
{
	return monotonic_ns() - g->published_ns;
}

void dp_generation_join(struct dp_generations *g, unsigned worker)
{
	rte_rcu_qsbr_thread_register(g->qsbr, worker);
	rte_rcu_qsbr_thread_online(g->qsbr, worker);
}

void dp_generation_leave(struct dp_generations *g, unsigned worker)
{
	rte_rcu_qsbr_thread_offline(g->qsbr, worker);
	rte_rcu_qsbr_thread_unregister(g->qsbr, worker);
}
