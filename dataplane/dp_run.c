/* SPDX-License-Identifier: BSD-3-Clause */
/* The engine on live traffic: sets everything up, and then watches the workers. */
#include <errno.h>
#include <poll.h>
#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "dp_control.h"
#include "dp_exception.h"
#include "dp_guard.h"
#include "dp_intake.h"
#include "dp_live.h"
#include "dp_packet_socket.h"
#include "dp_report.h"
#include "dp_run.h"
#include "dp_run_options.h"
#include "dp_state.h"
#include "engine_notify.h"
#include "replay.h"
#include "state.h"

#define MBUF_CACHE    256 /* of an lcore */
#define MBUF_EXTRA    64  /* Ethernet header and tags beside the MTU */
#define LOOK_MS       1   /* how often the main thread looks whether a limit is reached */
#define LINKS_MS      100 /* how often it looks after links */
#define LIVE_WITHIN_S 2   /* a generation that takes longer is complained of */
#define STOP_WITHIN_S 2   /* a worker that takes longer hangs */

struct dp_run {
	struct dp_run_options options;
	struct dp_live live;
	struct dp_guard guard;
	struct dp_intake intake;
	struct rte_mempool *pool;
	struct to_state *state;
	struct dp_live_worker *workers;
	struct dp_control control;
	struct to_engine_notice notice;
	unsigned launched;
	bool alone;         /* no other process has what this one is to have */
	bool table_waits;   /* --table, until the generation of an earlier process is live */
	int signals;        /* a signalfd */
	uint64_t first_tsc; /* when the first frame had come; 0: not yet */
};

static int complain(const char *what, int ret)
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
		if (!w->pipeline)
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

static int start(struct dp_run *r)
{
	int ret, code;

	r->live.workers = r->options.workers;
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
		return complain("cannot make room for frames", ret);
	ret = dp_generations_open(&r->live.generations, r->live.workers);
	if (ret == 0)
		ret = dp_live_make_rings(&r->live);
	if (ret < 0)
		return complain("cannot start", ret);
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
	return ret < 0 ? complain("cannot start the workers", ret) : TO_EXIT_DONE;
}

/* One that hangs is not waited for: the state is whole at any instruction, and whoever is started
 * next goes on with it. */
static void stop_workers(struct dp_run *r)
{
	uint64_t deadline = rte_rdtsc() + STOP_WITHIN_S * rte_get_tsc_hz();
	unsigned lcore;

	__atomic_store_n(&r->live.stop, true, __ATOMIC_RELAXED);
	RTE_LCORE_FOREACH_WORKER(lcore)
	{
		while (rte_eal_get_lcore_state(lcore) == RUNNING && rte_rdtsc() < deadline)
			usleep(LOOK_MS * 1000);
		if (rte_eal_get_lcore_state(lcore) != RUNNING)
			continue;
		fprintf(stderr, "turnout-dp: the worker on lcore %u hangs, and is not waited for\n",
			lcore);
		_exit(TO_EXIT_UNREACHABLE);
	}
	rte_eal_mp_wait_lcore();
}

static void stop(struct dp_run *r)
{
	stop_workers(r);
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

static void await_live(struct dp_run *r)
{
	const struct dp_generations *g = &r->live.generations;
	uint64_t deadline = rte_rdtsc() + LIVE_WITHIN_S * rte_get_tsc_hz();
	unsigned long long generation = g->running ? g->running->generation : 0, age_us;

	if (!g->running) {
		fprintf(stderr, "turnout-dp: ready: no generation yet, all packets are the "
				"kernel's\n");
		return;
	}
	while (!dp_generation_is_live(g) && rte_rdtsc() < deadline)
		rte_pause();
	age_us = dp_generation_age_ns(g) / 1000;
	dp_control_keep(&r->control);
	if (dp_generation_is_live(g))
		fprintf(stderr, "turnout-dp: generation %llu is live after %llu us\n", generation,
			age_us);
	else
		fprintf(stderr, "turnout-dp: generation %llu is not acknowledged by every worker\n",
			generation);
}

/* SIGHUP: the table again, as the next generation, or not at all. */
static void reload(struct dp_run *r)
{
	struct dp_generations *g = &r->live.generations;
	char err[512] = "";
	struct to_table *t;

	if (!r->options.table) {
		fprintf(stderr, "turnout-dp: there is no --table to be read again\n");
		return;
	}
	if (dp_control_prepare(&r->control, r->options.table, &t, err, sizeof(err)) < 0) {
		fprintf(stderr, "turnout-dp: %s: refused: %s\n", r->options.table, err);
		return;
	}
	if (dp_control_publish(&r->control, t, err, sizeof(err)) < 0) {
		fprintf(stderr, "turnout-dp: %s: refused: %s; generation %llu goes on\n",
			r->options.table, err,
			(unsigned long long)(g->running ? g->running->generation : 0));
		dp_generation_discard(t);
		return;
	}
	await_live(r);
}

static uint64_t received(const struct dp_run *r)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < r->live.workers; i++)
		sum += __atomic_load_n(&r->workers[i].count.received, __ATOMIC_RELAXED);
	return sum;
}

static double running_seconds(const struct dp_run *r)
{
	return r->first_tsc ? (double)(rte_rdtsc() - r->first_tsc) / (double)rte_get_tsc_hz() : 0;
}

static bool is_over(struct dp_run *r)
{
	uint64_t n = received(r);

	if (n && !r->first_tsc)
		r->first_tsc = rte_rdtsc();
	if (r->options.packets && n >= r->options.packets)
		return true;
	return r->options.seconds && running_seconds(r) >= (double)r->options.seconds;
}

/* False: it is the end. */
static bool take_signals(struct dp_run *r)
{
	struct signalfd_siginfo s;

	while (read(r->signals, &s, sizeof(s)) == sizeof(s)) {
		if (s.ssi_signo == SIGHUP)
			reload(r);
		else if (s.ssi_signo == SIGUSR1)
			dp_report(&r->live, r->workers, running_seconds(r), stdout);
		else
			return false;
	}
	return true;
}

/* Milliseconds until something is to be looked after without being asked. */
static int wait_ms(const struct dp_run *r)
{
	const struct to_engine_server *server = r->control.server;
	int ms = server ? to_engine_server_timeout(server) : -1;
	bool look = !r->first_tsc || r->options.packets || r->options.seconds ||
		    r->live.generations.before || dp_guard_waits(&r->guard) ||
		    dp_nexthops_waits(&r->live.nexthops);
	int most = look ? LOOK_MS : LINKS_MS;

	return ms < 0 || ms > most ? most : ms;
}

/* What the kernel says, and what waits for workers. `settled`: before the server's turn, so that
 * nobody is told later because of a disk or nftables. */
static void look_after(struct dp_run *r, bool settled)
{
	struct dp_generations *g = &r->live.generations;

	if (settled && dp_generation_is_settled(g)) {
		dp_control_keep(&r->control);
		dp_guard_narrow(&r->guard, g->running);
	}
	dp_generation_reclaim(g);
	dp_intake_look(&r->intake, g->running, g->running && dp_generation_is_live(g));
	dp_nexthops_look(&r->live.nexthops);
	dp_exception_mirror(&r->live);
}

/* Until a signal or a limit ends it. Returns an exit code. */
static int watch(struct dp_run *r)
{
	struct to_engine_server *server = r->control.server;
	struct pollfd fds[] = {{.fd = r->signals, .events = POLLIN},
			       {.fd = server ? to_engine_server_fd(server) : -1, .events = POLLIN},
			       {.fd = dp_nexthops_fd(&r->live.nexthops), .events = POLLIN}};
	bool settled;

	while (!is_over(r)) {
		if (poll(fds, 3, wait_ms(r)) < 0 && errno != EINTR)
			return complain("cannot wait for what comes", -errno);
		if (!take_signals(r))
			break;
		settled = dp_generation_is_settled(&r->live.generations);
		if (server)
			to_engine_server_turn(server);
		look_after(r, settled);
		to_engine_notify_turn(&r->notice, r->live.generations.running);
	}
	return TO_EXIT_DONE;
}

/* Before DPDK makes threads, so that they all leave signals to this one. */
static int open_signals(struct dp_run *r)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	r->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return r->signals < 0 ? -errno : 0;
}

static void say_ready(const struct dp_run *r)
{
	char names[DP_MAX_PORTS * (RTE_ETH_NAME_MAX_LEN + 2)] = "";
	size_t n = 0;

	if (!r->live.generations.running)
		return;
	for (unsigned i = 0; i < r->options.ports; i++)
		n += (size_t)snprintf(names + n, sizeof(names) - n, "%s%s", i ? ", " : "",
				      r->live.port[i].name);
	fprintf(stderr, "turnout-dp: steering on %s\n", names);
}

static bool asks_for_help(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--help"))
			return true;
	}
	return argc == 1;
}

int dp_run_main(int argc, char **argv)
{
	static struct dp_run r;
	int used, code;

	if (asks_for_help(argc, argv)) {
		dp_run_help();
		return argc == 1 ? TO_EXIT_USAGE : TO_EXIT_DONE;
	}
	used = open_signals(&r);
	if (used < 0)
		return complain("cannot wait for signals", used);
	used = rte_eal_init(argc, argv);
	if (used < 0)
		return complain("DPDK does not start", -rte_errno);
	code = dp_run_options(argc - used, argv + used, &r.options);
	if (code < 0)
		code = start(&r);
	else
		r.options.ports = 0;
	if (code == TO_EXIT_DONE && r.launched) {
		await_live(&r);
		dp_nexthops_settle(&r.live.nexthops);
		if (r.table_waits)
			reload(&r);
		say_ready(&r);
		to_engine_notify_ready(&r.notice, r.live.generations.running);
		code = watch(&r);
		to_engine_notify_end();
		stop_workers(&r);
		dp_report(&r.live, r.workers, running_seconds(&r), stdout);
	}
	stop(&r);
	dp_guard_release(&r.guard);
	/* before, devices may be another process's: AF_XDP's driver would take its program off */
	if (r.alone)
		rte_eal_cleanup();
	return code;
}
