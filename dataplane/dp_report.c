/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stddef.h>

#include "counters_json.h"
#include "dp_report.h"
#include "replay.h"
#include "table_view.h"

static const struct {
	const char *name;
	size_t offset;
} counts[] = {
	{"received", offsetof(struct dp_live_count, received)},
	{"sent", offsetof(struct dp_live_count, sent)},
	{"handed_over", offsetof(struct dp_live_count, handed_over)},
	{"ring_full", offsetof(struct dp_live_count, ring_full)},
	{"send_full", offsetof(struct dp_live_count, send_full)},
	{"to_kernel", offsetof(struct dp_live_count, to_kernel)},
	{"kernel_drop", offsetof(struct dp_live_count, kernel_drop)},
	{"from_kernel", offsetof(struct dp_live_count, from_kernel)},
	{"unreadable", offsetof(struct dp_live_count, unreadable)},
};

_Static_assert(sizeof(counts) / sizeof(counts[0]) == DP_LIVE_COUNTS, "all of them");

static uint64_t read_count(const struct dp_live_worker *w, size_t offset)
{
	const uint8_t *at = (const uint8_t *)&w->count + offset;

	return __atomic_load_n((const uint64_t *)(const void *)at, __ATOMIC_RELAXED);
}

void dp_live_sums(const struct dp_live *live, const struct dp_live_worker *workers,
		  struct dp_live_sum sum[DP_LIVE_COUNTS])
{
	for (unsigned c = 0; c < DP_LIVE_COUNTS; c++) {
		sum[c] = (struct dp_live_sum){.name = counts[c].name};
		for (unsigned i = 0; i < live->workers; i++)
			sum[c].value += read_count(&workers[i], counts[c].offset);
	}
}

/* All workers together, and each by itself. */
static json_t *ports_json(const struct dp_live *live, const struct dp_live_worker *workers)
{
	json_t *j = json_object();

	for (size_t c = 0; c < DP_LIVE_COUNTS; c++) {
		json_t *each = json_array();
		uint64_t sum = 0;

		for (unsigned i = 0; i < live->workers; i++) {
			uint64_t n = read_count(&workers[i], counts[c].offset);

			sum += n;
			json_array_append_new(each, json_integer((json_int_t)n));
		}
		json_object_set_new(
			j, counts[c].name,
			json_pack("{s:I, s:o}", "all", (json_int_t)sum, "workers", each));
	}
	return j;
}

int dp_report(const struct dp_live *live, const struct dp_live_worker *workers, double seconds,
	      FILE *out)
{
	const struct to_counters *counters[TO_REPLAY_MAX_WORKERS];
	const struct to_table *t = live->generations.running;
	json_t *j = json_pack("{s:s, s:i, s:f, s:I, s:s, s:b, s:I}", "engine", "dpdk", "workers",
			      (int)live->workers, "seconds", seconds, "generation",
			      (json_int_t)(t ? t->generation : 0), "stage",
			      t ? to_table_string(t, t->stage_name) : "", "live",
			      t && dp_generation_is_live(&live->generations), "sip_rate",
			      (json_int_t)live->sip_rate);
	int ret;

	for (unsigned i = 0; i < live->workers; i++)
		counters[i] = to_worker_counters(workers[i].pipeline);
	json_object_set_new(j, "ports", ports_json(live, workers));
	json_object_set_new(j, "verdicts", to_verdicts_json(counters, live->workers));
	json_object_set_new(j, "events", to_events_json(counters, live->workers));
	json_object_set_new(j, "counters", to_cells_json(counters, live->workers, t));
	ret = json_dumpf(j, out, JSON_INDENT(1));
	json_decref(j);
	if (ret < 0 || fputc('\n', out) == EOF || fflush(out))
		return -EIO;
	return 0;
}
