/* SPDX-License-Identifier: BSD-3-Clause */
/* The live engine: takes over or sets up, then keeps next hops, generations and entries in order
 * while the program in the kernel steers. */
#include "xdp_run.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "dataplane/engine_notify.h"
#include "dataplane/replay.h"
#include "dataplane/table_view.h"
#include "turnout.skel.h"
#include "xdp_adopt.h"
#include "xdp_control.h"
#include "xdp_entries.h"
#include "xdp_guard.h"
#include "xdp_losses.h"
#include "xdp_nexthops.h"
#include "xdp_pin.h"
#include "xdp_privilege.h"
#include "xdp_report.h"
#include "xdp_table.h"
#include "xdp_table_file.h"
#include "xdp_tell.h"

#define SWEEP_LEAST  4096u
#define SETTLED_NS   5000000000u /* longer than ARP and ND take to give up */
#define SWEEP_ROUNDS 30u         /* seconds for a walk through all pins */

struct xdp_run {
	struct to_xdp_run_options options;
	struct to_xdp xdp;
	struct to_xdp_adoption adoption;
	struct to_xdp_ports ports;
	struct to_xdp_nexthops nexthops;
	struct to_xdp_sweep sweep;
	struct to_table *running; /* a copy of the generation */
	struct to_xdp_control control;
	struct to_engine_notice notice;
	uint32_t sweep_step;
	bool unacknowledged; /* some packets may be decided by the generation before */
	int untold_hops;     /* what stderr has last of each: xdp_tell.h */
	int unasked_hops;
	int unswept;
	uint64_t started_ns;
	int signals;
	int timer;
};

static uint64_t monotonic_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static uint32_t boottime(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint32_t)ts.tv_sec;
}

static int complain(const char *what, int ret)
{
	fprintf(stderr, "turnout-xdp: %s: %s\n", what, strerror(-ret));
	return TO_EXIT_UNREACHABLE;
}

/* The other slot may be written to when nobody reads it any more. */
static int acknowledge(struct xdp_run *r)
{
	int ret = to_xdp_await(&r->xdp);

	r->unacknowledged = ret < 0;
	return ret;
}

static int prepare(struct xdp_run *r, const struct to_table *t, char *err, size_t err_size)
{
	int ret = r->unacknowledged ? acknowledge(r) : 0;

	if (ret < 0)
		snprintf(err, err_size, "the running generation is not acknowledged yet: %s",
			 strerror(-ret));
	return ret < 0 ? ret : to_xdp_prepare(&r->xdp, t, err, err_size);
}

/* Makes `t` the generation, and takes it over when this returns 0. */
static int publish(struct xdp_run *r, struct to_table *t, char *err, size_t err_size)
{
	uint64_t begin;
	int ret = prepare(r, t, err, err_size);

	if (ret == 0)
		ret = to_xdp_nexthops_table(&r->nexthops, t, err, err_size);
	if (ret < 0)
		return ret;
	begin = monotonic_ns();
	to_xdp_commit(&r->xdp);
	ret = acknowledge(r);
	if (ret < 0) /* it decides all the same; that the one before does not, nobody knows */
		fprintf(stderr, "turnout-xdp: generation %llu is not acknowledged: %s\n",
			(unsigned long long)t->generation, strerror(-ret));
	else
		fprintf(stderr, "turnout-xdp: generation %llu is live after %llu us\n",
			(unsigned long long)t->generation,
			(unsigned long long)(monotonic_ns() - begin) / 1000);
	free(r->running);
	r->running = t;
	to_xdp_control_committed(&r->control);
	return 0;
}

static int publish_for_control(void *arg, struct to_table *t, char *err, size_t err_size)
{
	return publish(arg, t, err, err_size);
}

/* Before privileges are given up. */
static int open_control(struct xdp_run *r)
{
	char err[256] = "";

	r->control = (struct to_xdp_control){.xdp = &r->xdp,
					     .ports = &r->ports,
					     .hops = &r->nexthops.hops,
					     .running = &r->running,
					     .unacknowledged = &r->unacknowledged,
					     .publish = publish_for_control,
					     .arg = r};
	if (!r->options.control ||
	    to_xdp_control_open(&r->control, r->options.control, r->options.control_group, err,
				sizeof(err)) == 0)
		return TO_EXIT_DONE;
	fprintf(stderr, "turnout-xdp: --control %s\n", err);
	return TO_EXIT_UNREACHABLE;
}

/* It becomes the generation, or is freed. */
static int take_table(struct xdp_run *r, struct to_table *t)
{
	char err[512] = "";
	int ret = publish(r, t, err, sizeof(err));

	if (ret == 0)
		return 0;
	free(t);
	return to_xdp_table_refuse(r->options.table, r->running, ret, err);
}

/* As to_xdp_table_file(). */
static int read_table(struct xdp_run *r, struct to_table **t)
{
	return to_xdp_table_file(r->options.table, r->running, r->nexthops.begun, t);
}

static int load_table(struct xdp_run *r)
{
	struct to_table *t;
	int ret = read_table(r, &t);

	return ret == 0 && t ? take_table(r, t) : ret;
}

/* The generation that an earlier process has left is the one to go on with. -EBADMSG: nobody knows
 * whether another table may follow what the entries were made by. */
static int take_running(struct xdp_run *r)
{
	const struct to_table *t = r->adoption.found ? to_xdp_running(&r->xdp) : NULL;
	char err[256];
	int ret;

	if (!t) {
		ret = r->adoption.found ? to_xdp_entries_any(&r->xdp, boottime()) : 0;
		return ret > 0 ? -EBADMSG : ret;
	}
	r->running = aligned_alloc(TO_TABLE_ALIGN, (t->size + TO_TABLE_ALIGN - 1) / TO_TABLE_ALIGN *
							   TO_TABLE_ALIGN);
	if (!r->running)
		return -ENOMEM;
	memcpy(r->running, t, t->size);
	acknowledge(r); /* whoever committed it may not have lived to see */
	ret = to_xdp_nexthops_table(&r->nexthops, r->running, err, sizeof(err));
	if (ret < 0)
		fprintf(stderr, "turnout-xdp: %s\n", err);
	else
		fprintf(stderr, "turnout-xdp: takes generation %llu over\n",
			(unsigned long long)r->running->generation);
	return ret;
}

static int open_events(struct xdp_run *r)
{
	struct itimerspec second = {{1, 0}, {1, 0}};
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	r->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	r->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (r->signals < 0 || r->timer < 0 || timerfd_settime(r->timer, 0, &second, NULL) < 0)
		return -errno;
	return 0;
}

static void say_ready(const struct xdp_run *r)
{
	const char *comma = "";

	if (!r->running)
		fprintf(stderr, "turnout-xdp: ready: no generation yet, all packets are the "
				"kernel's\n");
	fprintf(stderr, "turnout-xdp: steering on ");
	for (unsigned i = 0; i < r->ports.n; i++) {
		const struct to_xdp_port *p = &r->ports.port[i];

		if (!p->attached)
			continue;
		fprintf(stderr, "%s%s (%s)", comma, p->option.name,
			p->native ? "native" : "generic");
		comma = ", ";
	}
	fprintf(stderr, "%s\n", *comma ? "" : "nothing yet");
}

static int open_ports(struct xdp_run *r, char *err, size_t err_size)
{
	char dir[sizeof(r->ports.dir)];
	int ret;

	to_xdp_ports_init(&r->ports, &r->options);
	/* a program that runs is changed only when this one takes its place; maps that are new are
	 * filled before */
	r->ports.held = to_xdp_is_taken_over(&r->adoption, r->xdp.skel->maps.ports);
	r->nexthops.held = to_xdp_is_taken_over(&r->adoption, r->xdp.skel->maps.hops);
	snprintf(dir, sizeof(dir), "%s", r->ports.dir);
	ret = to_xdp_directory(dir, err, err_size);
	if (ret == 0)
		ret = to_xdp_nexthops_open(&r->nexthops, &r->xdp, &r->ports, &r->options, err,
					   err_size);
	return ret;
}

static void tell_moved(const struct to_xdp_adoption *a)
{
	if (a->moving)
		fprintf(stderr, "turnout-xdp: %llu entries moved into other maps\n",
			(unsigned long long)a->moved);
	if (a->lost)
		fprintf(stderr, "turnout-xdp: %llu more had no room in them\n",
			(unsigned long long)a->lost);
	if (a->late)
		fprintf(stderr,
			"turnout-xdp: %llu changed too often meanwhile: they are as packets have "
			"made them in the new ones\n",
			(unsigned long long)a->late);
}

/* There is a generation, or the program passes everything on: it may have packets. */
static int attach(struct xdp_run *r)
{
	char err[512] = "";
	int ret = to_xdp_adopt_begin(&r->xdp, &r->adoption, err, sizeof(err)), failed;

	if (ret < 0) {
		fprintf(stderr, "turnout-xdp: %s\n", err);
		return ret;
	}
	if (!to_xdp_is_taken_over(&r->adoption, r->xdp.skel->maps.control))
		to_xdp_guard_rate(&r->xdp, r->options.sip_rate);
	failed = to_xdp_nexthops_begin(&r->nexthops, err, sizeof(err));
	if (failed < 0) {
		fprintf(stderr, "turnout-xdp: %s\n", err);
		to_xdp_ports_undo(&r->ports);
	}
	/* what was exchanged goes on, so its entries must be there */
	ret = to_xdp_adopt_finish(&r->xdp, &r->adoption, err, sizeof(err));
	if (ret < 0)
		fprintf(stderr, "turnout-xdp: %s\n", err);
	else
		tell_moved(&r->adoption);
	if (failed == 0 && ret == 0)
		to_xdp_guard_rate(&r->xdp, r->options.sip_rate);
	return failed < 0 ? failed : ret;
}

static int settle(struct xdp_run *r)
{
	int ret = to_xdp_losses_attach(&r->xdp, r->options.pin);

	if (ret < 0) /* it counts, and steers nothing */
		complain("cannot count what the kernel loses", ret);
	ret = to_xdp_ports_prune(r->ports.dir, &r->ports, stderr);
	if (ret < 0)
		return complain("cannot detach from other ports", ret);
	to_xdp_ports_forget(&r->xdp, &r->ports); /* or later: what is not attached sends nothing */
	ret = to_xdp_privilege_drop();
	return ret < 0 ? complain("cannot give up privileges", ret) : TO_EXIT_DONE;
}

/* A table that is new takes over only when the program has, unless there was none: whatever fails
 * before, nothing has changed; and entries that move meanwhile are those of one generation. */
static int begin(struct xdp_run *r)
{
	int ret = take_running(r);
	struct to_table *first = NULL;
	bool taken = r->running;

	if (ret == -EBADMSG) {
		fprintf(stderr,
			"turnout-xdp: there are entries in %s, and no generation that this build "
			"can read: run the build that made it, or detach\n",
			r->options.pin);
		return TO_EXIT_UNREACHABLE;
	}
	if (ret < 0)
		return complain("cannot take the generation over", ret);
	if (!taken && r->options.table && read_table(r, &first) < 0)
		return TO_EXIT_REFUSED;
	if (first && !r->adoption.found) {
		if (take_table(r, first) < 0)
			return TO_EXIT_REFUSED;
		first = NULL;
	}
	if (attach(r) < 0) {
		free(first);
		return TO_EXIT_UNREACHABLE;
	}
	if (first && take_table(r, first) < 0)
		return TO_EXIT_REFUSED;
	if (taken && r->options.table)
		load_table(r);
	return settle(r);
}

static int start(struct xdp_run *r)
{
	char err[640] = "";
	int ret = open_events(r), code;

	r->started_ns = monotonic_ns();
	if (ret < 0)
		return complain("cannot wait for signals", ret);
	ret = to_xdp_adopt(&r->xdp, &r->adoption, r->options.pin, r->options.pins, err,
			   sizeof(err));
	if (ret == 0)
		ret = open_ports(r, err, sizeof(err));
	if (ret < 0) {
		fprintf(stderr, "turnout-xdp: %s\n", err);
		return TO_EXIT_UNREACHABLE;
	}
	if (r->adoption.pins_later)
		fprintf(stderr,
			"turnout-xdp: finishes the move that was interrupted; --pins %u "
			"counts from the next start on\n",
			r->options.pins);
	code = open_control(r);
	if (code == TO_EXIT_DONE)
		code = begin(r);
	if (code == TO_EXIT_DONE)
		say_ready(r);
	return code;
}

static double running_seconds(const struct xdp_run *r)
{
	return (double)(monotonic_ns() - r->started_ns) / 1e9;
}

static void print_report(const struct xdp_run *r)
{
	json_t *j = to_xdp_report(&r->xdp, &r->ports, r->running, running_seconds(r));

	if (j)
		json_object_set_new(j, "live", json_boolean(r->running && !r->unacknowledged));
	if (to_xdp_print(j, stdout) < 0)
		fprintf(stderr, "turnout-xdp: cannot print the counters\n");
}

/* Once a second. */
static void tick(struct xdp_run *r)
{
	uint64_t times;

	if (read(r->timer, &times, sizeof(times)) < 0)
		return;
	to_xdp_set_clock(&r->xdp);
	/* what could not be asked is asked again */
	to_xdp_tell(&r->unasked_hops, to_hops_tick(r->nexthops.hops),
		    "cannot ask the kernel for next hops");
	if (r->unacknowledged && acknowledge(r) == 0)
		fprintf(stderr, "turnout-xdp: generation %llu is live\n",
			(unsigned long long)r->running->generation);
	if (monotonic_ns() - r->started_ns > SETTLED_NS)
		to_xdp_nexthops_settle(&r->nexthops);
	to_xdp_nexthops_tick(&r->nexthops);
	to_xdp_tell(&r->unswept, to_xdp_sweep(&r->xdp, &r->sweep, boottime(), r->sweep_step),
		    "cannot reclaim entries");
}

/* False: it is the end. */
static bool take_signals(struct xdp_run *r)
{
	struct signalfd_siginfo s;

	while (read(r->signals, &s, sizeof(s)) == sizeof(s)) {
		if (s.ssi_signo == SIGHUP)
			load_table(r);
		else if (s.ssi_signo == SIGUSR1)
			print_report(r);
		else
			return false;
	}
	return true;
}

/* Returns an exit code. */
static int loop(struct xdp_run *r)
{
	struct to_engine_server *server = r->control.server;
	struct pollfd fds[] = {{.fd = r->signals, .events = POLLIN},
			       {.fd = r->timer, .events = POLLIN},
			       {.fd = to_hops_fd(r->nexthops.hops), .events = POLLIN},
			       {.fd = server ? to_engine_server_fd(server) : -1, .events = POLLIN}};

	for (;;) {
		if (poll(fds, 4, server ? to_engine_server_timeout(server) : -1) < 0 &&
		    errno != EINTR)
			return complain("cannot wait for what comes", -errno);
		if (server)
			to_engine_server_turn(server);
		if (fds[2].revents)
			to_xdp_tell(&r->untold_hops, to_hops_process(r->nexthops.hops),
				    "cannot follow the kernel's next hops");
		if (fds[1].revents)
			tick(r);
		if (fds[0].revents && !take_signals(r))
			return TO_EXIT_DONE;
		to_engine_notify_turn(&r->notice, r->running);
	}
}

int to_xdp_run_main(int argc, char **argv)
{
	static struct xdp_run r;
	int code = to_xdp_run_options(argc, argv, &r.options);

	if (code >= 0)
		return code;
	code = start(&r);
	if (code == TO_EXIT_DONE) {
		uint32_t pins = bpf_map__max_entries(to_xdp_entries(&r.xdp, TO_PIN4, true));

		r.sweep_step =
			pins / SWEEP_ROUNDS > SWEEP_LEAST ? pins / SWEEP_ROUNDS : SWEEP_LEAST;
		to_engine_notify_ready(&r.notice, r.running);
		code = loop(&r);
		to_engine_notify_end();
		print_report(&r);
		fprintf(stderr, "turnout-xdp: ends; steering goes on\n");
	}
	if (code != TO_EXIT_DONE)
		to_xdp_adopt_abandon(&r.xdp, &r.adoption);
	to_xdp_control_close(&r.control);
	if (r.nexthops.hops)
		to_xdp_nexthops_close(&r.nexthops);
	to_xdp_close(&r.xdp);
	free(r.running);
	return code;
}
