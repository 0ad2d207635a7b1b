/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the XDP program costs a packet, against the least that one can do which encapsulates, in the
 * same run, sample by sample in turn: both are called by the same wrapper (xdp_time.bpf.c), whose
 * own cost is sampled likewise, around a program that does nothing, and taken off. What it takes
 * the kernel to run such a program is added to both: "encap" and "turnout" are packets through
 * BPF_PROG_TEST_RUN. Prints a JSON line a row; wrong verdicts are counted and fail the run.
 *
 *   bench_xdp PLAN PACKETS FLOWS [ROW]    PACKETS of each sample; FLOWS at most, a power of two
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <sched.h>
#include <turnout/parse.h>

#include <control/compile.h>
#include <control/plan.h>

#include "bare.h"
#include "turnout.skel.h"
#include "xdp_counters.h"
#include "xdp_flows.h"
#include "xdp_time.skel.h"

#define TUNNEL   20
#define EMPTY    (1u << 20) /* runs of a sample of a program that does nothing */
#define MAX_PINS (2 * TIME_FLOWS)
#define UNPROVEN 16384 /* places: less than there are new flows, so that each displaces one */

/* Addresses of the plan. */
#define VIP    "10.2.0.1"
#define FAR    "10.2.0.2"
#define NOBODY "192.0.2.9"

static const struct xdp_row rows[] = {
	{"udp-1", ROW_PINNED, false, 0x64000000, 1, VIP, 50000, TO_REASON_PIN},
	{"udp-many", ROW_PINNED, false, 0x64010000, TIME_FLOWS, VIP, 50000, TO_REASON_PIN},
	{"ipip-1", ROW_TUNNELLED, false, 0x64020000, 1, FAR, 50000, TO_REASON_PIN},
	{"tcp-1", ROW_PINNED, true, 0x64030000, 1, VIP, 443, TO_REASON_PIN},
	{"new", ROW_NEW, false, 0x64040000, TIME_FLOWS, VIP, 50000, TO_REASON_ROUTE},
	{"not-ours", ROW_STRANGER, false, 0x64050000, 1, NOBODY, 50000, TO_REASON_NOT_OURS},
	{"sip-invite", ROW_CALL, false, 0x64060000, 1, VIP, 5060, TO_REASON_DIALOG},
};

struct bench {
	struct rig rig;
	struct xdp_time *time;
	struct to_counters *counters;
	uint32_t packets;
	uint32_t flows;
	uint64_t wrong;
	struct rig_frame frame;
	double empty; /* nanoseconds, the least of a few samples */
	double ns[TIME_TURNS][BENCH_SAMPLES];
};

/* `samples` of each turn. */
static void sample(struct bench *b, uint32_t samples)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = b->frame.data, .data_size_in = b->frame.len,
		    .repeat = (int)(samples * TIME_TURNS * (b->packets + 1)));
	struct time_run *now = &b->time->bss->now;
	int ret;

	memset(now, 0, sizeof(*now));
	now->packets = b->packets;
	ret = bpf_prog_test_run_opts(bpf_program__fd(b->time->progs.bench_time), &opts);
	if (ret < 0 || now->sample != samples * TIME_TURNS)
		rig_fail("%s: %u samples of %u packets", strerror(-ret), now->sample, b->packets);
	b->wrong += now->wrong;
	for (uint32_t i = 0; i < samples * TIME_TURNS; i++)
		b->ns[i % TIME_TURNS][i / TIME_TURNS] = (double)now->took[i] / b->packets;
}

static double thread_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* By what the thread has run, for a test run begins and ends by waiting. */
static void sample_empty(struct bench *b)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = b->frame.data, .data_size_in = TIME_HEAD,
		    .repeat = EMPTY);

	b->empty = 1e9;
	for (int i = 0; i < 20; i++) {
		double ns = thread_ns();

		if (bpf_prog_test_run_opts(bpf_program__fd(b->time->progs.bench_tx), &opts) < 0)
			rig_fail("a test run: %s", strerror(errno));
		ns = (thread_ns() - ns) / EMPTY;
		if (ns < b->empty)
			b->empty = ns;
	}
}

/* Packets that had this reason. */
static uint64_t counted(struct bench *b, uint8_t reason)
{
	uint64_t n = 0;
	int ret = to_xdp_counters_read(&b->rig.xdp, b->counters);

	if (ret < 0)
		rig_fail("cannot read counters: %s", strerror(-ret));
	for (size_t i = reason; i < sizeof(b->counters->cell) / sizeof(*b->counters->cell);
	     i += TO_REASON_COUNT)
		n += b->counters->cell[i].packets;
	return n;
}

/* The frame without what differs by flow. */
static struct time_setup setup_of(struct bench *b, const struct xdp_row *row)
{
	struct time_setup s = {.verdict = XDP_TX, .mask = row->flows - 1, .client = row->client};
	uint8_t head[TIME_HEAD];

	xdp_row_frame(row, 0, &b->frame);
	memcpy(head, b->frame.data, sizeof(head));
	memset(head + 24, 0, 6);
	s.sum = to_fold16(to_sum32(head + 14) + to_sum32(head + 18) + to_sum32(head + 22) +
			  to_sum32(head + 26) + to_sum32(head + 30));
	memcpy(s.head, head, sizeof(head));
	if (row->sort == ROW_STRANGER)
		s.verdict = XDP_PASS;
	return s;
}

static void set_up(struct bench *b, const struct xdp_row *row)
{
	struct time_setup s = setup_of(b, row), *of = b->time->bss->setup;
	uint32_t edge[TIME_EDGES];
	bool tunnelled = row->sort == ROW_TUNNELLED;

	xdp_row_open(&b->rig, row, b->time->bss->edge_of, edge);
	s.edge[0] = edge[0];
	s.moves = tunnelled;
	s.target = row->sort == ROW_STRANGER ? TIME_PASS : TIME_TX;
	of[TURN_WRAPPER] = s;
	s.target = TIME_SUBJECT;
	s.cut = tunnelled ? TUNNEL : 0;
	s.edges = TIME_EDGES - 1;
	memcpy(s.edge, edge, sizeof(edge));
	of[TURN_SUBJECT] = s;
	s = of[TURN_WRAPPER];
	s.moves = true;
	s.verdict = XDP_TX;
	s.target = TIME_TX;
	of[TURN_YARDSTICK_WRAPPER] = s;
	s.target = TIME_ENCAP;
	s.cut = TUNNEL;
	s.edge[0] = to_net32(0x0a010005).raw;
	of[TURN_YARDSTICK] = s;
}

/* The least that the wrapper has cost is taken off, and an empty program's cost added. */
static void convert(double *ns, double wrapper, double empty)
{
	for (uint32_t i = 0; i < BENCH_SAMPLES; i++)
		ns[i] += empty - wrapper;
}

static void print(struct bench *b, const struct xdp_row *row)
{
	for (uint32_t i = 0; i < TIME_TURNS; i++)
		bench_sort(b->ns[i]);
	convert(b->ns[TURN_SUBJECT], b->ns[TURN_WRAPPER][0], b->empty);
	convert(b->ns[TURN_YARDSTICK], b->ns[TURN_YARDSTICK_WRAPPER][0], b->empty);
	printf("{\"bench\":\"xdp\",\"row\":\"%s\",\"flows\":%u,\"samples\":%d,\"wrong\":%llu",
	       row->name, row->flows, BENCH_SAMPLES, (unsigned long long)b->wrong);
	printf(",\"empty\":%.2f", b->empty);
	bench_print("wrapper", b->ns[TURN_WRAPPER], b->ns[TURN_YARDSTICK_WRAPPER]);
	bench_print("encap", b->ns[TURN_YARDSTICK], b->ns[TURN_YARDSTICK]);
	bench_print("turnout", b->ns[TURN_SUBJECT], b->ns[TURN_YARDSTICK]);
	printf("}\n");
	fflush(stdout);
}

static void measure(struct bench *b, struct xdp_row row)
{
	uint64_t timed = (uint64_t)b->packets * BENCH_SAMPLES, had;
	uint32_t before;

	if (row.flows > b->flows)
		row.flows = b->flows;
	set_up(b, &row);
	/* each flow once: new ones displace those that were opened to learn their edges */
	before = row.flows / b->packets + BENCH_SAMPLES / 20;
	sample(b, before < BENCH_SAMPLES ? before : BENCH_SAMPLES);
	b->wrong = 0;
	had = counted(b, row.reason);
	sample(b, BENCH_SAMPLES);
	had = counted(b, row.reason) - had;
	if (had != timed)
		b->wrong += had < timed ? timed - had : had - timed;
	print(b, &row);
}

static void open_programs(struct bench *b, const struct to_table *t)
{
	struct to_xdp_sizes sizes = rig_sizes(1024, 1024);

	sizes.of[TO_PIN4] =
		(struct to_state_size){.proven = MAX_PINS, .unproven = b->flows / 4 * sizes.cpus};
	rig_open(&b->rig, &sizes, false);
	rig_publish(&b->rig, t);
	b->counters = to_xdp_counters_new();
	b->time = xdp_time__open_and_load();
	if (!b->time || !b->counters)
		rig_fail("cannot load the wrapper: %s", strerror(errno));
}

static void set_targets(struct bench *b)
{
	const struct bpf_program *const of[TIME_TARGETS] = {
		[TIME_TX] = b->time->progs.bench_tx,
		[TIME_PASS] = b->time->progs.bench_pass,
		[TIME_ENCAP] = b->time->progs.bench_encap,
		[TIME_SUBJECT] = b->rig.xdp.skel->progs.turnout_xdp,
	};

	for (uint32_t i = 0; i < TIME_TARGETS; i++) {
		int fd = bpf_program__fd(of[i]);
		int ret = bpf_map__update_elem(b->time->maps.targets, &i, sizeof(i), &fd,
					       sizeof(fd), BPF_ANY);

		if (ret < 0)
			rig_fail("program %u cannot be called: %s", i, strerror(-ret));
	}
}

static int run(struct bench *b, const struct to_table *t, const char *only)
{
	uint64_t wrong = 0;

	rig_stay_on(sched_getcpu()); /* unproven entries are a CPU's */
	open_programs(b, t);
	set_targets(b);
	sample_empty(b);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (only && strcmp(only, rows[i].name) != 0)
			continue;
		measure(b, rows[i]);
		wrong += b->wrong;
	}
	xdp_time__destroy(b->time);
	to_xdp_counters_free(b->counters);
	rig_close(&b->rig);
	return wrong != 0;
}

int main(int argc, char **argv)
{
	static struct bench b;
	struct to_report report = {0};
	struct to_plan *plan = NULL;
	struct to_image image = {0};
	int rc = 1;

	if (argc != 4 && argc != 5) {
		fprintf(stderr, "usage: %s PLAN PACKETS FLOWS [ROW]\n", argv[0]);
		return 2;
	}
	b.packets = (uint32_t)strtoul(argv[2], NULL, 10);
	b.flows = (uint32_t)strtoul(argv[3], NULL, 10);
	if (!b.packets || b.flows < 4 || b.flows & (b.flows - 1) || b.flows > TIME_FLOWS) {
		fprintf(stderr, "bench_xdp: FLOWS is a power of two from 4 to %u\n", TIME_FLOWS);
		return 2;
	}
	if (to_plan_load(argv[1], &report, &plan) ||
	    to_compile(plan, &(struct to_compile_input){.generation = 1}, &image))
		to_report_print(&report, argv[1], stderr);
	else
		rc = run(&b, image.data, argv[4]);
	to_image_free(&image);
	to_plan_free(plan);
	to_report_free(&report);
	return rc;
}
