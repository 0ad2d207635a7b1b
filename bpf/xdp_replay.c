/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A replay through the program in the running kernel: BPF_PROG_RUN frame by frame, the capture's
 * time as the clock. It needs no interface and sends nothing.
 */
#include "xdp_replay.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "dataplane/replay_options.h"
#include "dataplane/table_load.h"
#include "turnout.skel.h"
#include "xdp_counters.h"
#include "xdp_entries.h"
#include "xdp_guard.h"
#include "xdp_pin.h"
#include "xdp_table.h"

/* What BPF_PROG_RUN takes: no less than an Ethernet header, no more than a page holds beside the
 * headroom that XDP has and the kernel's own data at its end. */
#define FRAME_MIN 14u
#define FRAME_MAX (4096u - 256u - 320u)
#define GROWTH    256u /* what an outer header or an ICMP error adds, and more */

#define LOOPBACK    1u /* where BPF_PROG_RUN lets a frame arrive */
#define SWEEP_STEP  1024u
#define PROGRAM_PIN "turnout_xdp"
#define RECLAIM_PIN "turnout_reclaim"
#define ENTRIES_MOST                                                                               \
	(1u << 16) /* of each kind; twice that much is made for a capture's default                \
		    */

struct xdp_replay {
	struct to_xdp xdp;
	struct to_table *running; /* a copy: names are asked of it */
	struct to_table *before;
	struct to_counters *counters;
	struct to_xdp_sweep sweep;
	uint32_t swept; /* the second */
	uint64_t short_frames;
	uint64_t short_bytes;
};

static int load(void *self, struct to_frame *f, const uint8_t *data, uint32_t len)
{
	uint8_t *copy;

	(void)self;
	if (len > FRAME_MAX) {
		fprintf(stderr,
			"turnout-xdp: the kernel's test run takes frames of at most %u bytes\n",
			FRAME_MAX);
		return -EMSGSIZE;
	}
	copy = malloc(len + GROWTH);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, data, len);
	*f = (struct to_frame){.data = copy, .len = len, .cookie = copy};
	return 0;
}

static void unload(void *self, struct to_frame *frames, unsigned n)
{
	(void)self;
	for (unsigned i = 0; i < n; i++)
		free(frames[i].cookie);
}

static unsigned shard(void *self, const uint8_t *data, uint32_t len)
{
	(void)self;
	(void)data;
	(void)len;
	return 0;
}

/* No device delivers so short a frame, and BPF_PROG_RUN takes none; the contract has a word for it
 * all the same. */
static void run_short(struct xdp_replay *r, struct to_frame *f)
{
	f->egress = TO_EGRESS_KERNEL;
	f->decision = (struct to_decision){.verdict = TO_VERDICT_KERNEL,
					   .reason = TO_REASON_NOT_IP,
					   .service = TO_NO_INDEX,
					   .edge = TO_NO_INDEX,
					   .vip = TO_NO_INDEX};
	r->short_frames++;
	r->short_bytes += f->len;
}

static int run_frame(struct xdp_replay *r, struct to_frame *f)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = f->data, .data_size_in = f->len,
		    .data_out = f->data, .data_size_out = f->len + GROWTH, .repeat = 1);
	int ret;

	if (f->len < FRAME_MIN) {
		run_short(r, f);
		return 0;
	}
	r->xdp.control->zone = f->zone;
	ret = bpf_prog_test_run_opts(r->xdp.xdp_fd, &opts);
	if (ret < 0)
		return ret;
	f->len = opts.data_size_out;
	f->egress = (uint8_t)r->xdp.result->egress;
	memcpy(&f->decision, (const void *)&r->xdp.result->decision, sizeof(f->decision));
	return 0;
}

static int run(void *self, unsigned worker, struct to_frame *frames, unsigned n, uint32_t now,
	       const struct to_table **table)
{
	struct xdp_replay *r = self;
	int ret = 0;

	(void)worker;
	r->xdp.control->now = now;
	for (unsigned i = 0; ret == 0 && i < n; i++)
		ret = run_frame(r, &frames[i]);
	*table = r->running;
	if (ret == 0 && now != r->swept) {
		r->swept = now;
		ret = to_xdp_sweep(&r->xdp, &r->sweep, now, SWEEP_STEP);
	}
	return ret < 0 ? ret : 0;
}

/* No packet is under way, so that a grace period would wait for nothing. */
static int publish_table(struct xdp_replay *r, struct to_table *t,
			 struct to_replay_published *published, char *err, size_t err_size)
{
	struct timespec begin, end;
	int ret = to_xdp_prepare(&r->xdp, t, err, err_size);

	if (ret < 0) {
		free(t);
		return ret;
	}
	clock_gettime(CLOCK_MONOTONIC, &begin);
	to_xdp_commit(&r->xdp);
	clock_gettime(CLOCK_MONOTONIC, &end);
	free(r->before);
	r->before = r->running;
	r->running = t;
	published->table = t;
	published->nanoseconds = (uint64_t)(end.tv_sec - begin.tv_sec) * 1000000000u +
				 (uint64_t)(end.tv_nsec - begin.tv_nsec);
	return 0;
}

static int publish(void *self, const char *path, struct to_replay_published *published, char *err,
		   size_t err_size)
{
	struct xdp_replay *r = self;
	struct to_table *t;
	int ret = to_table_load(path, &t, err, err_size);

	if (ret < 0)
		return ret;
	if (r->running) {
		ret = to_table_can_follow(r->running, t, err, err_size);
		if (ret < 0) {
			free(t);
			return ret;
		}
	}
	return publish_table(r, t, published, err, err_size);
}

static const struct to_counters *counters(void *self, unsigned worker)
{
	struct xdp_replay *r = self;
	struct to_count *none = &r->counters->cell[to_counters_cell(TO_NO_INDEX, TO_CLASS_NONE,
								    TO_NO_INDEX, TO_REASON_NOT_IP)];

	(void)worker;
	if (to_xdp_counters_read(&r->xdp, r->counters) < 0)
		return r->counters;
	none->packets += r->short_frames;
	none->bytes += r->short_bytes;
	r->counters->verdicts[TO_VERDICT_KERNEL] += r->short_frames;
	return r->counters;
}

/* The next hops that every engine's replay has. */
static int set_hops(struct xdp_replay *r, uint16_t mtu)
{
	struct to_bpf_port port = {.zone = TO_ZONE_BOTH};
	struct to_nexthops nh;
	uint32_t lo = LOOPBACK;
	int ret;

	to_nexthops_replay(&nh, mtu);
	memcpy(port.own, nh.own[0], sizeof(port.own));
	ret = bpf_map__update_elem(r->xdp.skel->maps.ports, &lo, sizeof(lo), &port, sizeof(port),
				   BPF_ANY);
	for (uint32_t i = 0; ret == 0 && i < TO_BPF_HOPS; i++) {
		const struct to_nexthop *from = i < TO_MAX_EDGES ? &nh.edge[i] : &nh.outside4;
		struct to_bpf_hop hop = {.ifindex = LOOPBACK, .mtu = from->mtu};

		memcpy(hop.mac, from->mac, sizeof(hop.mac));
		memcpy(hop.own, from->own, sizeof(hop.own));
		ret = bpf_map__update_elem(r->xdp.skel->maps.hops, &i, sizeof(i), &hop, sizeof(hop),
					   BPF_ANY);
	}
	return ret;
}

/* What an earlier replay has kept, emptied. -ENOENT: nothing that would do. */
static int take_kept(struct xdp_replay *r, const char *dir, uint64_t object, char *err,
		     size_t err_size)
{
	struct to_bpf_about about;
	char path[256];
	int ret = to_xdp_about(dir, &about);

	if (ret < 0 || about.object != object)
		return -ENOENT;
	ret = to_xdp_reuse(&r->xdp, dir, err, err_size);
	if (ret < 0)
		return -ENOENT;
	snprintf(path, sizeof(path), "%s/" PROGRAM_PIN, dir);
	r->xdp.xdp_fd = bpf_obj_get(path);
	snprintf(path, sizeof(path), "%s/" RECLAIM_PIN, dir);
	r->xdp.reclaim_fd = bpf_obj_get(path);
	if (r->xdp.xdp_fd < 0 || r->xdp.reclaim_fd < 0)
		return -ENOENT;
	ret = to_xdp_map(&r->xdp, false, err, err_size);
	if (ret == 0)
		ret = to_xdp_rows_read(&r->xdp);
	if (ret == 0)
		ret = to_xdp_counters_clear(&r->xdp, r->xdp.rows_used);
	if (ret == 0)
		ret = to_xdp_rows_clear(&r->xdp);
	return ret < 0 ? ret : to_xdp_entries_clear(&r->xdp);
}

static int keep(struct xdp_replay *r, const char *dir, uint64_t object, char *err, size_t err_size)
{
	struct to_bpf_about about = {
		.magic = TO_BPF_MAGIC, .layout = TO_BPF_LAYOUT, .object = object};
	char path[256];
	int ret;

	ret = to_xdp_empty(dir, PROGRAM_PIN);
	if (ret < 0)
		return ret;
	snprintf(path, sizeof(path), "%s/" PROGRAM_PIN, dir);
	ret = bpf_obj_pin(r->xdp.xdp_fd, path);
	snprintf(path, sizeof(path), "%s/" RECLAIM_PIN, dir);
	if (ret == 0)
		ret = bpf_obj_pin(r->xdp.reclaim_fd, path);
	if (ret < 0) {
		snprintf(err, err_size, "cannot pin %s: %s", path, strerror(-ret));
		return ret;
	}
	return to_xdp_pin(&r->xdp, dir, &about, err, err_size);
}

/* What a replay keeps is first and last a program: anything else, as the maps of a gateway that
 * steers, is not to be emptied. */
static int check_kept(const char *dir, char *err, size_t err_size)
{
	char path[256];

	if (snprintf(path, sizeof(path), "%s/" PROGRAM_PIN, dir) >= (int)sizeof(path)) {
		snprintf(err, err_size, "%s: %s", dir, strerror(ENAMETOOLONG));
		return -ENAMETOOLONG;
	}
	if (to_xdp_is_empty(dir) || access(path, F_OK) == 0)
		return 0;
	snprintf(err, err_size, "%s has what no replay has kept there", dir);
	return -ENOTEMPTY;
}

/* One replay at a time uses what is kept; others wait. The lock ends with the process. */
static int lock_kept(const char *dir, char *err, size_t err_size)
{
	int ret = to_xdp_directory(dir, err, err_size);

	if (ret == 0)
		ret = check_kept(dir, err, err_size);
	return ret < 0 ? ret : to_xdp_lock(dir, true, err, err_size);
}

/* Rings are a CPU's; so this thread stays on one. */
static int stay(void)
{
	cpu_set_t set;
	int cpu = sched_getcpu();

	if (cpu < 0)
		return -errno;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set) < 0 ? -errno : 0;
}

static int open_program(struct xdp_replay *r, const struct to_replay_setup *o, char *err,
			size_t err_size)
{
	struct to_xdp_sizes sizes;
	uint64_t object;
	int ret = stay();

	memset(&sizes, 0, sizeof(sizes)); /* it is hashed, padding and all */
	sizes.cpus = 1;
	for (int kind = 0; kind < TO_ENTRY_KIND_COUNT; kind++)
		sizes.of[kind] = (struct to_state_size){o->proven, o->unproven};
	object = to_xdp_object_hash(&sizes);
	if (ret == 0)
		ret = to_xdp_open(&r->xdp, &sizes, true, err, err_size);
	if (ret == 0 && o->keep) {
		ret = lock_kept(o->keep, err, err_size);
		if (ret < 0)
			return ret;
		ret = take_kept(r, o->keep, object, err, err_size);
		if (ret != -ENOENT)
			return ret;
		to_xdp_close(&r->xdp);
		ret = to_xdp_open(&r->xdp, &sizes, true, err, err_size);
	}
	if (ret == 0)
		ret = to_xdp_load(&r->xdp, err, err_size);
	if (ret == 0 && o->keep)
		ret = keep(r, o->keep, object, err, err_size);
	return ret;
}

static int start(struct xdp_replay *r, const struct to_replay_setup *o,
		 struct to_replay_published *first)
{
	char err[640] = "";
	int ret = open_program(r, o, err, sizeof(err));

	if (ret == 0)
		ret = set_hops(r, o->mtu);
	if (ret == 0)
		ret = to_xdp_guard_begin(&r->xdp, o->sip_rate);
	r->counters = to_xdp_counters_new();
	if (ret == 0 && !r->counters)
		ret = -ENOMEM;
	if (ret < 0) {
		fprintf(stderr, "turnout-xdp: cannot start: %s\n", *err ? err : strerror(-ret));
		return TO_EXIT_UNREACHABLE;
	}
	if (publish(r, o->table, first, err, sizeof(err)) < 0) {
		fprintf(stderr, "turnout-xdp: %s: refused: %s\n", o->table, err);
		return TO_EXIT_REFUSED;
	}
	return TO_EXIT_DONE;
}

int to_xdp_replay_main(int argc, char **argv)
{
	static struct xdp_replay r;
	static const struct to_replay_program program = {
		.name = "turnout-xdp",
		.engine = "XDP",
		.needs = "The\nprogram runs in the kernel, on one CPU, and sends nothing; it takes "
			 "root, or CAP_BPF,\nCAP_PERFMON and CAP_NET_ADMIN.",
		.entries = ENTRIES_MOST,
	};
	struct to_replay_engine engine = {
		.name = "xdp",
		.program = "turnout-xdp",
		.self = &r,
		.workers = 1,
		.load = load,
		.unload = unload,
		.shard = shard,
		.run = run,
		.publish = publish,
		.counters = counters,
	};
	struct to_replay_published first;
	struct to_replay_setup o;
	int code = to_replay_setup(argc, argv, &program, &o);

	if (code >= 0)
		return code;
	code = start(&r, &o, &first);
	if (code == TO_EXIT_DONE)
		code = to_replay(&o.replay, &engine, &first);
	to_xdp_close(&r.xdp);
	to_xdp_counters_free(r.counters);
	free(r.before);
	free(r.running);
	to_replay_setup_free(&o);
	return code;
}
