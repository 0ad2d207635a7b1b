/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Makes what a benchmark of the running engine begins with: a state file in which every flow is
 * proven, and a capture with a request of each; or, of the first TALKS flows, the request and the
 * answer. With WORKERS, CAPTURE.0 and so on instead, of each the frames that are that worker's, as
 * a card would sort them that knew.
 *
 *   bench_flows PLAN FLOWS CAPACITY STATE CAPTURE [TALKS [WORKERS]]
 */
#include <errno.h>
#include <limits.h>
#include <pcap/pcap.h>

#include <control/compile.h>
#include <control/plan.h>
#include <dataplane/state.h>
#include <turnout/table_read.h>

#include "bench.h"
#include "flows.h"

#define SNAPLEN 65535

/* The engine's clock. */
static uint32_t boottime(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint32_t)t.tv_sec;
}

static int open_flows(const struct to_table *t, struct bench_flows *flows, uint32_t capacity,
		      const char *path)
{
	struct to_state_config config = {.now = boottime()};
	struct to_state *state = NULL;
	struct to_worker *worker;
	struct to_nexthops nh;
	char err[256];
	int ret;

	to_nexthops_replay(&nh, 1500);
	to_state_sizes(&config, 1, capacity);
	ret = to_state_open(path, &config, &state, err, sizeof(err));
	if (ret < 0) {
		fprintf(stderr, "%s\n", err);
		return ret;
	}
	worker = to_worker_new(state, 0, &nh);
	ret = worker ? 0 : -ENOMEM;
	if (worker) {
		to_worker_set_table(worker, t);
		ret = bench_flows_open(flows, worker, config.now);
	}
	to_worker_free(worker);
	to_state_close(state);
	return ret;
}

/* Whose frames go into a capture; one of one worker: all. */
struct share {
	const struct to_table *table;
	unsigned worker;
	unsigned workers;
};

static void dump(pcap_dumper_t *out, const struct bench_flows *flows, uint32_t i, bool answer,
		 const struct share *of)
{
	struct pcap_pkthdr head = {.caplen = BENCH_FRAME, .len = BENCH_FRAME};
	uint8_t frame[BENCH_FRAME] = {0};

	bench_flow_put(flows, i, answer, frame);
	if (to_frame_shard(of->table, frame, BENCH_FRAME, of->workers) == of->worker)
		pcap_dump((u_char *)out, &head, frame);
}

static int write_frames(const struct bench_flows *flows, uint32_t n, bool answers,
			const struct share *of, const char *path)
{
	pcap_t *p = pcap_open_dead(DLT_EN10MB, SNAPLEN);
	pcap_dumper_t *out = p ? pcap_dump_open(p, path) : NULL;
	int ret = 0;

	if (!out) {
		ret = -EIO;
		goto close;
	}
	for (uint32_t i = 0; i < n; i++) {
		dump(out, flows, i, false, of);
		if (answers)
			dump(out, flows, i, true, of);
	}
	if (pcap_dump_flush(out))
		ret = -EIO;
	pcap_dump_close(out);
close:
	if (p)
		pcap_close(p);
	return ret;
}

/* `workers` 0: one capture, at `path` itself. */
static int write_captures(const struct bench_flows *flows, const struct to_table *t, uint32_t talks,
			  unsigned workers, const char *path)
{
	uint32_t n = talks && talks < flows->n ? talks : flows->n;
	struct share of = {t, 0, workers ? workers : 1};
	char name[PATH_MAX];
	int ret = 0;

	if (!workers)
		return write_frames(flows, n, talks, &of, path);
	for (; of.worker < workers && ret == 0; of.worker++) {
		snprintf(name, sizeof(name), "%s.%u", path, of.worker);
		ret = write_frames(flows, n, talks, &of, name);
	}
	return ret;
}

static uint32_t number(char **argv, int argc, int i)
{
	return i < argc ? (uint32_t)strtoul(argv[i], NULL, 10) : 0;
}

static int make(const struct to_table *t, int argc, char **argv)
{
	struct bench_flows flows = {0};
	int ret = bench_flows_new(&flows, number(argv, argc, 2));

	if (ret == 0)
		ret = open_flows(t, &flows, number(argv, argc, 3), argv[4]);
	if (ret == 0)
		ret = write_captures(&flows, t, number(argv, argc, 6), number(argv, argc, 7),
				     argv[5]);
	if (ret < 0)
		fprintf(stderr, "bench_flows: %s\n", strerror(-ret));
	bench_flows_free(&flows);
	return ret < 0;
}

int main(int argc, char **argv)
{
	struct to_report report = {0};
	struct to_plan *plan = NULL;
	struct to_image image = {0};
	int rc = 1;

	if (argc < 6 || argc > 8) {
		fprintf(stderr, "usage: %s PLAN FLOWS CAPACITY STATE CAPTURE [TALKS [WORKERS]]\n",
			argv[0]);
		return 2;
	}
	if (to_plan_load(argv[1], &report, &plan) ||
	    to_compile(plan, &(struct to_compile_input){.generation = 1}, &image))
		to_report_print(&report, argv[1], stderr);
	else
		rc = make(image.data, argc, argv);
	to_image_free(&image);
	to_plan_free(plan);
	to_report_free(&report);
	return rc;
}
