/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <turnout/table_check.h>
#include <unistd.h>

#include "turnout.skel.h"
#include "xdp_counters.h"
#include "xdp_entries.h"
#include "xdp_table.h"

#define LOOPBACK 1u /* where BPF_PROG_RUN lets a frame arrive */
#define MTU      1500u

void rig_fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

static void must(int ret, const char *what)
{
	if (ret < 0)
		rig_fail("%s: %s", what, strerror(-ret));
}

static void skip(const char *why)
{
	fprintf(stderr, "skipped: %s\n", why);
	exit(RIG_SKIPPED);
}

struct to_xdp_sizes rig_sizes(uint32_t proven, uint32_t unproven_each_cpu)
{
	struct to_xdp_sizes sizes = {.cpus = (uint32_t)libbpf_num_possible_cpus()};

	for (int kind = 0; kind < TO_ENTRY_KIND_COUNT; kind++)
		sizes.of[kind] = (struct to_state_size){.proven = proven,
							.unproven = unproven_each_cpu * sizes.cpus};
	return sizes;
}

/* Every edge, and the outside, behind the interface that frames come by. */
static int set_hops(const struct rig *r)
{
	struct to_bpf_port port = {.zone = TO_ZONE_BOTH, .own = {2, 0, 0, 0, 0, 0x10}};
	uint32_t lo = LOOPBACK;
	int ret = bpf_map__update_elem(r->xdp.skel->maps.ports, &lo, sizeof(lo), &port,
				       sizeof(port), BPF_ANY);

	for (uint32_t i = 0; ret == 0 && i < TO_BPF_HOPS; i++) {
		struct to_bpf_hop hop = {
			.ifindex = LOOPBACK, .mtu = MTU, .own = {2, 0, 0, 0, 0, 1}};

		hop.mac[0] = 2;
		hop.mac[4] = i < TO_MAX_EDGES ? RIG_MAC_EDGE : RIG_MAC_OUTSIDE;
		hop.mac[5] = (uint8_t)i;
		ret = bpf_map__update_elem(r->xdp.skel->maps.hops, &i, sizeof(i), &hop, sizeof(hop),
					   BPF_ANY);
	}
	return ret;
}

void rig_read(struct rig *r, const struct to_xdp_sizes *sizes, bool replay)
{
	char err[640] = "";

	memset(r, 0, sizeof(*r));
	if (geteuid() != 0)
		skip("BPF programs are root's to load");
	if (to_xdp_open(&r->xdp, sizes, replay, err, sizeof(err)) < 0)
		rig_fail("%s", err);
}

void rig_load(struct rig *r)
{
	char err[640] = "";
	int ret = to_xdp_load(&r->xdp, err, sizeof(err));

	if (ret == -EPERM || ret == -ENOSYS)
		skip(err);
	if (ret < 0)
		rig_fail("%s", err);
	must(set_hops(r), "cannot set next hops");
	r->xdp.control->zone = TO_ZONE_BOTH;
}

void rig_open(struct rig *r, const struct to_xdp_sizes *sizes, bool replay)
{
	rig_read(r, sizes, replay);
	rig_load(r);
}

void rig_close(struct rig *r)
{
	to_xdp_close(&r->xdp);
}

void rig_empty(struct rig *r)
{
	must(to_xdp_entries_clear(&r->xdp), "cannot forget entries");
	must(to_xdp_counters_clear(&r->xdp, r->xdp.rows_used), "cannot clear counters");
}

void rig_clock(const struct rig *r, uint32_t now)
{
	__atomic_store_n(&r->xdp.control->now, now, __ATOMIC_RELEASE);
}

void rig_publish(struct rig *r, const struct to_table *t)
{
	char err[256] = "";

	if (to_xdp_prepare(&r->xdp, t, err, sizeof(err)) < 0)
		rig_fail("prepare: %s", err);
	to_xdp_commit(&r->xdp);
	must(to_xdp_await(&r->xdp), "await");
	r->running = t;
}

void rig_renumber(struct to_table *t, uint64_t generation)
{
	t->generation = generation;
	t->checksum = to_table_checksum(t, t->size);
}

void rig_push(const struct rig *r, struct rig_frame *f)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = f->data, .data_size_in = f->len,
		    .data_out = f->data, .data_size_out = sizeof(f->data), .repeat = 1);
	int ret;

	do
		ret = bpf_prog_test_run_opts(r->xdp.xdp_fd, &opts);
	while (ret == -EINTR);
	must(ret, "cannot run the program");
	f->len = opts.data_size_out;
	f->code = (int)opts.retval;
}

int rig_egress(const struct rig_frame *f)
{
	if (f->code != XDP_TX || f->data[0] != 2)
		return RIG_NOBODY;
	if (f->data[4] == RIG_MAC_OUTSIDE)
		return RIG_OUT;
	return f->data[4] == RIG_MAC_EDGE ? f->data[5] : RIG_NOBODY;
}

struct rig_cpus rig_two_cpus(void)
{
	struct rig_cpus two;
	unsigned n = 0;
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		rig_fail("sched_getaffinity: %s", strerror(errno));
	for (int cpu = 0; cpu < CPU_SETSIZE && n < 2; cpu++) {
		if (CPU_ISSET(cpu, &set))
			two.cpu[n++] = cpu;
	}
	if (n < 2)
		skip("there is one CPU only");
	return two;
}

void rig_stay_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set) < 0)
		rig_fail("CPU %d: %s", cpu, strerror(errno));
}

pthread_t rig_thread(void *(*run)(void *), void *arg)
{
	pthread_t thread;

	must(-pthread_create(&thread, NULL, run, arg), "pthread_create");
	return thread;
}

unsigned rig_entries(const struct rig *r, enum to_entry_kind kind, bool proven)
{
	int fd = bpf_map__fd(to_xdp_entries(&r->xdp, kind, proven));
	struct to_key6 key, *last = NULL;
	unsigned n = 0;

	for (; bpf_map_get_next_key(fd, last, &key) == 0; last = &key)
		n++;
	return n;
}

uint64_t rig_event(const struct rig *r, enum to_event event)
{
	struct to_counters *c = to_xdp_counters_new();
	uint64_t n;

	if (!c)
		rig_fail("no memory for counters");
	must(to_xdp_counters_read(&r->xdp, c), "cannot read counters");
	n = c->events[event];
	to_xdp_counters_free(c);
	return n;
}

uint64_t rig_nanoseconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

uint32_t rig_draw(uint32_t *state, uint32_t below)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state % below;
}
