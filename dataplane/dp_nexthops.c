/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <net/if.h>
#include <rte_cycles.h>
#include <rte_pause.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dp_nexthops.h"

#define LOOK_US  1000
#define SETTLE_S 1
#define GRACE_S  2 /* a worker goes round in microseconds */

static bool reclaim(struct dp_nexthops *n)
{
	if (!n->before)
		return true;
	if (rte_rcu_qsbr_check(n->qsbr, n->token, false) != 1)
		return false;
	free(n->before);
	n->before = NULL;
	return true;
}

/* False: not yet, or there is no memory; the next look tries again. */
static bool publish(struct dp_nexthops *n)
{
	struct to_nexthops *next;

	if (!reclaim(n))
		return false;
	next = malloc(sizeof(*next));
	if (!next)
		return false;
	*next = n->watch.now;
	/* it may lie where an earlier one did */
	next->serial = n->running ? n->running->serial + 1 : 1;
	n->before = n->running;
	n->running = next;
	__atomic_store_n(&n->current, next, __ATOMIC_RELEASE);
	n->token = rte_rcu_qsbr_start(n->qsbr);
	n->waiting = false;
	return true;
}

void dp_nexthops_look(struct dp_nexthops *n)
{
	uint64_t now = rte_rdtsc();
	bool tick = now >= n->next_tick;

	if (tick)
		n->next_tick = now + rte_get_tsc_hz();
	to_nexthop_watch_look(&n->watch, tick);
	n->waiting |= to_nexthop_watch_update(&n->watch);
	if (n->waiting)
		publish(n);
	else
		reclaim(n);
}

void dp_nexthops_settle(struct dp_nexthops *n)
{
	uint64_t deadline = rte_rdtsc() + SETTLE_S * rte_get_tsc_hz();

	while (to_nexthop_watch_waits(&n->watch) && rte_rdtsc() < deadline) {
		rte_delay_us_sleep(LOOK_US);
		dp_nexthops_look(n);
	}
	to_nexthop_watch_settle(&n->watch);
	dp_nexthops_look(n);
}

/* Until workers have taken up the ones before. */
static int publish_soon(struct dp_nexthops *n, char *err, size_t err_size)
{
	uint64_t deadline = rte_rdtsc() + GRACE_S * rte_get_tsc_hz();

	n->waiting |= to_nexthop_watch_update(&n->watch);
	while (n->waiting && !publish(n)) {
		if (rte_rdtsc() > deadline) {
			snprintf(err, err_size, "a worker does not take up its next hops");
			return -EBUSY;
		}
		rte_pause();
	}
	return 0;
}

int dp_nexthops_table(struct dp_nexthops *n, const struct to_table *t,
		      const struct to_table *running, char *err, size_t err_size)
{
	int ret = to_nexthop_watch_table(&n->watch, t, err, err_size);

	if (ret == 0)
		ret = publish_soon(n, err, err_size);
	if (ret < 0)
		to_nexthop_watch_undo(&n->watch, running);
	return ret;
}

static struct to_watched_port watched(const struct dp_port *p, uint16_t mtu)
{
	struct to_watched_port w = {.ifindex = p->ifindex, .zone = p->zone, .mtu = mtu};

	memcpy(w.mac, &p->mac, sizeof(w.mac));
	if (w.ifindex && !if_indextoname(w.ifindex, w.name))
		w.ifindex = 0;
	return w;
}

int dp_nexthops_open(struct dp_nexthops *n, struct rte_rcu_qsbr *qsbr, const struct dp_port *port,
		     unsigned ports, uint16_t mtu, const struct to_nexthop_option *option,
		     unsigned options, char *err, size_t err_size)
{
	*n = (struct dp_nexthops){
		.qsbr = qsbr,
		.watch = {.program = "turnout-dp", .option = option, .options = options}};
	for (unsigned i = 0; i < ports; i++)
		n->watch.port[n->watch.ports++] = watched(&port[i], mtu);
	return to_nexthop_watch_open(&n->watch, err, err_size);
}

void dp_nexthops_close(struct dp_nexthops *n)
{
	to_nexthop_watch_close(&n->watch);
	free(n->before);
	free(n->running);
	n->before = n->running = NULL;
}
