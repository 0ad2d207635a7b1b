/* SPDX-License-Identifier: BSD-3-Clause */
#include "metrics_text.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "metrics_sample.h"

static const double bounds[TO_METRICS_BUCKETS - 1] = TO_METRICS_BOUNDS;

void to_metrics_took_add(struct to_metrics_took *took, uint64_t microseconds)
{
	double s = (double)microseconds / 1e6;
	size_t i = 0;

	while (i < TO_METRICS_BUCKETS - 1 && s > bounds[i])
		i++;
	took->bucket[i]++;
	took->sum += s;
}

static const char *text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static void write_rows(FILE *out, const json_t *rows, const char *name, const char *key,
		       const char *help)
{
	json_t *row;
	size_t i;

	to_metric_family(out, name, "counter", help);
	json_array_foreach(rows, i, row)
	{
		to_metric_sample(out, name, json_number_value(json_object_get(row, key)),
				 TO_LABELS({"service", text_of(row, "service")},
					   {"pool", text_of(row, "pool")},
					   {"edge", text_of(row, "edge")},
					   {"class", text_of(row, "class")},
					   {"reason", text_of(row, "reason")}));
	}
}

static void write_took(FILE *out, const char *name, const char *help,
		       const struct to_metrics_took *took)
{
	char full[64], bound[32];
	uint64_t count = 0;

	to_metric_family(out, name, "histogram", help);
	snprintf(full, sizeof(full), "%s_bucket", name);
	for (size_t i = 0; i < TO_METRICS_BUCKETS; i++) {
		count += took->bucket[i];
		if (i < TO_METRICS_BUCKETS - 1)
			snprintf(bound, sizeof(bound), "%g", bounds[i]);
		else
			snprintf(bound, sizeof(bound), "+Inf");
		to_metric_sample(out, full, (double)count, TO_LABELS({"le", bound}));
	}
	fprintf(out, "turnout_%s_sum %.9g\nturnout_%s_count %llu\n", name, took->sum, name,
		(unsigned long long)count);
}

char *to_metrics_text(const struct to_metrics_moment *m, size_t *size)
{
	const json_t *rows = json_object_get(m->counters, "rows");
	char *text = NULL;
	FILE *out = open_memstream(&text, size);
	bool bad;

	if (!out)
		return NULL;
	to_metric_family(out, "build_info", "gauge", "1; the version of turnoutd.");
	to_metric_sample(out, "build_info", 1, TO_LABELS({"version", m->version}));
	if (m->status)
		to_metrics_status(out, m->status);
	if (m->counters) {
		write_rows(out, rows, "packets_total", "packets", "Packets.");
		write_rows(out, rows, "bytes_total", "bytes", "Bytes of these packets.");
	}
	if (m->region)
		to_metrics_region(out, m->region, m->now_ns);
	write_took(out, "switch_prepare_seconds", "What preparing a generation took.", &m->prepare);
	write_took(out, "switch_live_seconds", "From the commit until every worker followed.",
		   &m->live);
	bad = ferror(out);
	if (fclose(out) == 0 && !bad)
		return text;
	free(text);
	return NULL;
}
