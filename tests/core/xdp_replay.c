/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A capture through the shared core in the running kernel: BPF_PROG_RUN of bpf/core.bpf.c frame by
 * frame, behind the same replay as the DPDK engine. It only decides, so that it writes verdicts and
 * no captures. Takes the command line of `turnout-dp replay`, so that TURNOUT_DP=xdp_replay makes
 * `turnout replay` use it.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <turnout/table_check.h>

#include "bpf/core.h"
#include "core.skel.h"
#include "dataplane/replay.h"

#define EXIT_SKIP    77
#define MAX_EVENTS   256
#define ETHERNET_MIN 14

struct xdp {
	struct core_bpf *skel;
	const struct to_table *table;
	struct to_counters *counters;
	uint32_t slot;
	uint32_t mtu;
};

static int xdp_load(void *self, struct to_frame *f, const uint8_t *data, uint32_t len)
{
	uint8_t *copy = malloc(TO_FRAME_HEADROOM + len);

	(void)self;
	if (!copy)
		return -ENOMEM;
	memcpy(copy + TO_FRAME_HEADROOM, data, len);
	*f = (struct to_frame){.data = copy + TO_FRAME_HEADROOM, .len = len, .cookie = copy};
	return 0;
}

static void xdp_unload(void *self, struct to_frame *frames, unsigned n)
{
	(void)self;
	for (unsigned i = 0; i < n; i++)
		free(frames[i].cookie);
}

static unsigned xdp_shard(void *self, const uint8_t *data, uint32_t len)
{
	(void)self;
	(void)data;
	(void)len;
	return 0;
}

/* The kernel's test run takes no frame shorter than an Ethernet header, and none of more than a
 * page less its own needs; such frames are beyond this program, and say so. */
static int run_frame(struct xdp *x, struct to_frame *f, uint32_t now)
{
	struct to_bpf_input in = {.slot = x->slot, .now = now, .zone = f->zone, .mtu = x->mtu};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = f->data, .data_size_in = f->len,
		    .repeat = 1);
	uint32_t zero = 0;
	int ret;

	f->egress = TO_EGRESS_NONE;
	f->decision = (struct to_decision){
		.service = TO_NO_INDEX, .edge = TO_NO_INDEX, .vip = TO_NO_INDEX};
	if (f->len < ETHERNET_MIN)
		return 0;
	ret = bpf_map__update_elem(x->skel->maps.input, &zero, sizeof(zero), &in, sizeof(in),
				   BPF_ANY);
	if (ret)
		return ret;
	ret = bpf_prog_test_run_opts(bpf_program__fd(x->skel->progs.turnout_core), &opts);
	if (ret)
		return ret;
	return bpf_map__lookup_elem(x->skel->maps.output, &zero, sizeof(zero), &f->decision,
				    sizeof(f->decision), 0);
}

static int xdp_run(void *self, unsigned worker, struct to_frame *frames, unsigned n, uint32_t now,
		   const struct to_table **table)
{
	struct xdp *x = self;

	(void)worker;
	*table = x->table;
	for (unsigned i = 0; i < n; i++) {
		int ret = run_frame(x, &frames[i], now);

		if (ret)
			return ret;
	}
	return 0;
}

/* The whole image in memory, checked; room for what the map wants beyond it. */
static struct to_table *read_image(const char *path, char *err, size_t err_size)
{
	size_t room = TO_BPF_TABLE_BYTES + 64;
	uint8_t *image = calloc(1, room);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	const char *why = "too large for the program";
	ssize_t got = -1;

	if (image && fd >= 0)
		got = pread(fd, image, room, 0);
	if (fd >= 0)
		close(fd);
	if (got > 0 && got <= (ssize_t)TO_BPF_TABLE_BYTES && !to_table_check(image, got, &why))
		return (struct to_table *)image;
	snprintf(err, err_size, "%s: %s", path, got < 0 ? strerror(errno) : why);
	free(image);
	return NULL;
}

static int xdp_publish(void *self, const char *path, struct to_replay_published *published,
		       char *err, size_t err_size)
{
	struct xdp *x = self;
	uint32_t slot = !x->slot;
	struct to_table *t = read_image(path, err, err_size);
	int ret;

	if (!t)
		return -EBADMSG;
	ret = bpf_map__update_elem(x->skel->maps.tables, &slot, sizeof(slot), t,
				   TO_BPF_TABLE_BYTES + 64, BPF_ANY);
	if (ret) {
		snprintf(err, err_size, "%s: %s", path, strerror(-ret));
		free(t);
		return ret;
	}
	x->slot = slot;
	x->table = t; /* kept until the end: the replay still names its services */
	*published = (struct to_replay_published){.table = t};
	return 0;
}

static const struct to_counters *xdp_counters(void *self, unsigned worker)
{
	const struct xdp *x = self;

	(void)worker;
	return x->counters;
}

static int add_event(struct to_replay_options *o, char *arg)
{
	char *end;
	unsigned long long seconds = strtoull(arg, &end, 10), nanos = 0;

	if (*end == '.') {
		char digits[10] = "000000000";
		size_t n = strspn(end + 1, "0123456789");

		memcpy(digits, end + 1, n < 9 ? n : 9);
		nanos = strtoull(digits, NULL, 10);
		end += 1 + n;
	}
	if (*end != ':' || o->event_count == MAX_EVENTS)
		return -EINVAL;
	o->events[o->event_count++] =
		(struct to_replay_event){.at = seconds * 1000000000 + nanos, .path = end + 1};
	return 0;
}

/* Of what `turnout replay` passes, an MTU and a number of workers mean nothing here. */
static int parse_options(int argc, char **argv, struct to_replay_options *o, const char **table)
{
	for (int i = 2; i + 1 < argc; i += 2) {
		if (!strcmp(argv[i], "--pcap"))
			o->pcap = argv[i + 1];
		else if (!strcmp(argv[i], "--out"))
			o->out = argv[i + 1];
		else if (!strcmp(argv[i], "--summary"))
			o->summary = argv[i + 1];
		else if (!strcmp(argv[i], "--table"))
			*table = argv[i + 1];
		else if (!strcmp(argv[i], "--at") && add_event(o, argv[i + 1]))
			return -EINVAL;
	}
	return o->pcap && *table ? 0 : -EINVAL;
}

int main(int argc, char **argv)
{
	static struct to_replay_event events[MAX_EVENTS];
	struct to_replay_options options = {.events = events};
	struct to_replay_published first;
	struct xdp x = {.slot = 1, .mtu = 1500};
	struct to_replay_engine engine = {
		.name = "core in XDP",
		.program = "xdp_replay",
		.self = &x,
		.workers = 1,
		.load = xdp_load,
		.unload = xdp_unload,
		.shard = xdp_shard,
		.run = xdp_run,
		.publish = xdp_publish,
		.counters = xdp_counters,
	};
	const char *table = NULL;
	char err[256];

	if (parse_options(argc, argv, &options, &table)) {
		fprintf(stderr,
			"usage: %s --pcap FILE --out DIR --table IMAGE [--at S.N:IMAGE]...\n",
			argv[0]);
		return TO_EXIT_USAGE;
	}
	x.skel = core_bpf__open_and_load();
	if (!x.skel) {
		fprintf(stderr, "cannot load the program: %s\n", strerror(errno));
		return errno == EPERM ? EXIT_SKIP : TO_EXIT_UNREACHABLE;
	}
	x.counters = mmap(NULL, sizeof(*x.counters), PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (xdp_publish(&x, table, &first, err, sizeof(err))) {
		fprintf(stderr, "%s\n", err);
		return TO_EXIT_REFUSED;
	}
	return to_replay(&options, &engine, &first);
}
