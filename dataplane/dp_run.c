/* SPDX-License-Identifier: BSD-3-Clause */
/* The engine on live traffic: watches the workers, once dp_start.h has set everything up. */
#include <errno.h>
#include <poll.h>
#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_pause.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "dp_exception.h"
#include "dp_report.h"
#include "dp_run.h"
#include "dp_start.h"
#include "replay.h"

#define LOOK_MS       1   /* how often the main thread looks whether a limit is reached */
#define LINKS_MS      100 /* how often it looks after links */
#define LIVE_WITHIN_S 2   /* a generation that takes longer is complained of */

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
			return dp_complain("cannot wait for what comes", -errno);
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
		return dp_complain("cannot wait for signals", used);
	used = rte_eal_init(argc, argv);
	if (used < 0)
		return dp_complain("DPDK does not start", -rte_errno);
	code = dp_run_options(argc - used, argv + used, &r.options);
	if (code < 0)
		code = dp_start(&r);
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
		dp_stop_workers(&r);
		dp_report(&r.live, r.workers, running_seconds(&r), stdout);
	}
	dp_stop(&r);
	dp_guard_release(&r.guard);
	/* of another process that has the interface, AF_XDP's driver would take the program off */
	if (r.alone || !dp_port_any_af_xdp())
		rte_eal_cleanup();
	return code;
}
