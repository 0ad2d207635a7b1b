/* SPDX-License-Identifier: BSD-3-Clause */
#include "dp_start.h"

#include <rte_cycles.h>
#include <rte_errno.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dp_exception.h"
#include "dp_packet_socket.h"
#include "dp_state.h"
#include "replay.h"

#define MBUF_CACHE    256 /* of an lcore */
#define MBUF_EXTRA    64  /* Ethernet header and tags beside the MTU */
#define LOOK_US       1000
#define STOP_WITHIN_S 2 /* a worker that takes longer hangs */

int dp_complain(const char *what, int ret)
{
	fprintf(stderr, "turnout-dp: %s: %s\n", what, strerror(-ret));
	return TO_EXIT_UNREACHABLE;
}

static int start_ports(struct dp_run *r)
{
	struct dp_live *live = &r->live;
	char err[256] = "";
	int ret = 0;

	memcpy(live->port, r->options.port, sizeof(live->port));
	dp_packet_sockets_listen();
	while (ret == 0 && live->ports < r->options.ports) {
		ret = dp_port_start(&live->port[live->ports], live->workers, r->options.mtu,
				    r->pool, err, sizeof(err));
		live->ports += ret == 0;
	}
	if (ret == 0)
		ret = dp_exception_start(live, r->options.mtu, r->pool, err, sizeof(err));
	if (ret < 0)
		fprintf(stderr, "turnout-dp: %s\n", err);
	return ret < 0 ? TO_EXIT_UNREACHABLE : TO_EXIT_DONE;
}

static int start_pool(struct dp_run *r)
{
	uint32_t room = RTE_PKTMBUF_HEADROOM + r->options.mtu + MBUF_EXTRA;

	if (room < RTE_MBUF_DEFAULT_BUF_SIZE)
		room = RTE_MBUF_DEFAULT_BUF_SIZE;
	r->pool = rte_pktmbuf_pool_create("frames", r->options.mbufs, MBUF_CACHE, 0, (uint16_t)room,
					  (int)rte_socket_id());
	return r->pool ? 0 : -rte_errno;
}

static int start_workers(struct dp_run *r)
{
	r->workers = rte_calloc("turnout_workers", r->live.workers, sizeof(*r->workers),
				RTE_CACHE_LINE_SIZE);
	if (!r->workers)
		return -ENOMEM;
	for (unsigned i = 0; i < r->live.workers; i++) {
		struct dp_live_worker *w = &r->workers[i];

		w->index = i;
		w->live = &r->live;
		w->pipeline = to_worker_new(r->state, i, r->live.nexthops.running);
		if (!w->pipeline || to_worker_set_sip_rate(w->pipeline, r->live.sip_rate) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int launch(struct dp_run *r)
{
	unsigned lcore;

	RTE_LCORE_FOREACH_WORKER(lcore)
	{
		int ret;

		if (r->launched == r->live.workers)
			break;
		ret = rte_eal_remote_launch(dp_live_work, &r->workers[r->launched], lcore);
		if (ret < 0)
			return ret;
		r->launched++;
	}
	return 0;
}

/* The first table. Until it is there all packets are the kernel's, so the guard comes last. */
static int admit_first(struct dp_run *r, const struct to_table *t, char *err, size_t err_size)
{
	struct dp_nexthops *n = &r->live.nexthops;
	int ret = dp_intake_widen(&r->intake, NULL, t, err, err_size);

	if (ret == 0)
		ret = dp_nexthops_table(n, t, NULL, err, err_size);
	if (ret == 0) {
		ret = dp_guard_start(&r->guard, t, err, err_size);
		if (ret < 0)
			to_nexthop_watch_undo(&n->watch, NULL);
	}
	if (ret < 0)
		dp_intake_forget(&r->intake);
	return ret;
}

/* Before a table is published: its next hops, and what the kernel is to be kept off. What has been
 * widened for one that is refused after all still has all that the running one needs, and is
 * narrowed at the next look; so next hops come last. */
static int admit(void *arg, const struct to_table *t, char *err, size_t err_size)
{
	struct dp_run *r = arg;
	const struct to_table *running = r->live.generations.running;
	int ret = to_nexthop_watch_admits(&r->live.nexthops.watch, t, err, err_size);

	if (ret < 0)
		return ret;
	if (!running)
		return admit_first(r, t, err, err_size);
	ret = dp_guard_widen(&r->guard, running, t, err, err_size);
	if (ret == 0)
		ret = dp_intake_widen(&r->intake, running, t, err, err_size);
	if (ret == 0)
		ret = dp_nexthops_table(&r->live.nexthops, t, running, err, err_size);
	return ret;
}

/* Ports are started, and no table is there yet. */
static int start_nexthops(struct dp_run *r)
{
	const struct dp_run_options *o = &r->options;
	struct dp_live *live = &r->live;
	char err[512] = "";
	int ret = dp_nexthops_open(&live->nexthops, live->generations.qsbr, live->port, live->ports,
				   o->mtu, o->nexthop, o->nexthops, err, sizeof(err));

	if (ret == 0)
		ret = dp_intake_open(&r->intake, live->port, live->ports, err, sizeof(err));
	if (ret == 0 && !o->no_guard)
		dp_guard_find(&r->guard, live->port, live->ports);
	if (ret == 0)
		return TO_EXIT_DONE;
	fprintf(stderr, "turnout-dp: %s\n", err);
	return ret == -EINVAL ? TO_EXIT_USAGE : TO_EXIT_UNREACHABLE;
}

/* What an earlier process had committed. If it cannot be had, nothing is lost but time. */
static void restore(struct dp_run *r)
{
	struct to_table *t = dp_control_restore(&r->control);
	char err[512] = "";

	if (!t)
		return;
	if (dp_control_publish(&r->control, t, err, sizeof(err)) < 0) {
		fprintf(stderr, "turnout-dp: %s.table: refused: %s\n", r->options.state, err);
		dp_generation_discard(t);
		return;
	}
	r->control.unkept = false;
	fprintf(stderr, "turnout-dp: takes generation %llu over\n",
		(unsigned long long)t->generation);
}

/* There may be none, with a control process; or an earlier process has left one, which the file may
 * follow when workers have taken it up. */
static int first_table(struct dp_run *r)
{
	struct to_table *t;
	char err[512] = "";

	restore(r);
	r->table_waits = r->options.table && r->live.generations.running;
	if (!r->options.table || r->table_waits)
		return TO_EXIT_DONE;
	if (dp_control_prepare(&r->control, r->options.table, &t, err, sizeof(err)) < 0) {
		fprintf(stderr, "turnout-dp: %s: refused: %s\n", r->options.table, err);
		return TO_EXIT_REFUSED;
	}
	if (dp_control_publish(&r->control, t, err, sizeof(err)) < 0) {
		fprintf(stderr, "turnout-dp: %s\n", err);
		dp_generation_discard(t);
		return TO_EXIT_USAGE;
	}
	return TO_EXIT_DONE;
}

static int start_control(struct dp_run *r)
{
	char err[512] = "";

	r->control.workers = r->workers;
	if (!r->options.control)
		return TO_EXIT_DONE;
	if (dp_control_open(&r->control, r->options.control, r->options.control_group, err,
			    sizeof(err)) == 0)
		return TO_EXIT_DONE;
	fprintf(stderr, "turnout-dp: --control %s\n", err);
	return TO_EXIT_UNREACHABLE;
}

/* Before anything is touched that another process may have: ports, the guard, the program at an
 * interface. */
static int start_alone(struct dp_run *r)
{
	const struct dp_run_options *o = &r->options;
	char err[512] = "";

	if (o->control && dp_control_lock(&r->control, o->control, err, sizeof(err)) < 0) {
		fprintf(stderr, "turnout-dp: --control %s\n", err);
		return TO_EXIT_UNREACHABLE;
	}
	if (dp_state_open(o->state, o->workers, o->pins, &r->state, err, sizeof(err)) < 0) {
		fprintf(stderr, "turnout-dp: %s\n", err);
		return TO_EXIT_UNREACHABLE;
	}
	r->control.state = r->state;
	r->alone = true;
	return TO_EXIT_DONE;
}

int dp_start(struct dp_run *r)
{
	int ret, code;

	r->live.workers = r->options.workers;
	r->live.sip_rate = r->options.sip_rate;
	r->control = (struct dp_control){.live = &r->live,
					 .state_path = r->options.control ? r->options.state : NULL,
					 .admit = admit,
					 .arg = r};
	if (rte_lcore_count() < r->live.workers + 1) {
		fprintf(stderr,
			"turnout-dp: %u workers need %u lcores, and DPDK has %u: see its -l and "
			"--lcores\n",
			r->live.workers, r->live.workers + 1, rte_lcore_count());
		return TO_EXIT_USAGE;
	}
	code = start_alone(r);
	if (code != TO_EXIT_DONE)
		return code;
	ret = start_pool(r);
	if (ret < 0)
		return dp_complain("cannot make room for frames", ret);
	ret = dp_generations_open(&r->live.generations, r->live.workers);
	if (ret == 0)
		ret = dp_live_make_rings(&r->live);
	if (ret < 0)
		return dp_complain("cannot start", ret);
	code = start_ports(r);
	if (code == TO_EXIT_DONE)
		code = start_nexthops(r);
	if (code == TO_EXIT_DONE)
		code = first_table(r);
	if (code != TO_EXIT_DONE)
		return code;
	ret = start_workers(r);
	code = ret == 0 ? start_control(r) : TO_EXIT_DONE;
	if (code != TO_EXIT_DONE)
		return code;
	if (ret == 0)
		ret = launch(r);
	return ret < 0 ? dp_complain("cannot start the workers", ret) : TO_EXIT_DONE;
}

/* One that hangs is not waited for: the state is whole at any instruction, and whoever is started
 * next goes on with it. */
void dp_stop_workers(struct dp_run *r)
{
	uint64_t deadline = rte_rdtsc() + STOP_WITHIN_S * rte_get_tsc_hz();
	unsigned lcore;

	__atomic_store_n(&r->live.stop, true, __ATOMIC_RELAXED);
	RTE_LCORE_FOREACH_WORKER(lcore)
	{
		while (rte_eal_get_lcore_state(lcore) == RUNNING && rte_rdtsc() < deadline)
			usleep(LOOK_US);
		if (rte_eal_get_lcore_state(lcore) != RUNNING)
			continue;
		fprintf(stderr, "turnout-dp: the worker on lcore %u hangs, and is not waited for\n",
			lcore);
		_exit(TO_EXIT_UNREACHABLE);
	}
	rte_eal_mp_wait_lcore();
}

void dp_stop(struct dp_run *r)
{
	dp_stop_workers(r);
	dp_control_close(&r->control);
	for (unsigned i = 0; r->workers && i < r->live.workers; i++) {
		if (r->workers[i].pipeline)
			to_worker_free(r->workers[i].pipeline);
	}
	for (unsigned i = 0; i < r->live.ports; i++)
		dp_port_stop(&r->live.port[i]);
	for (unsigned i = 0; r->live.rings && i < r->live.workers; i++)
		rte_ring_free(r->live.rings[i]);
	if (r->state)
		to_state_close(r->state);
	rte_free(r->workers);
	rte_free(r->live.rings);
	dp_intake_close(&r->intake);
	dp_nexthops_close(&r->live.nexthops);
	dp_generations_close(&r->live.generations);
	rte_mempool_free(r->pool);
}
