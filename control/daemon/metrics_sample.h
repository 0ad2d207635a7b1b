/* SPDX-License-Identifier: BSD-3-Clause */
/* The lines of a metrics page, and the parts that it is made of. */
#ifndef TURNOUT_DAEMON_METRICS_SAMPLE_H
#define TURNOUT_DAEMON_METRICS_SAMPLE_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

#include <turnout/region.h>

struct to_label {
	const char *name;
	const char *value; /* NULL: empty, which is as if the label were not there */
};
#define TO_LABELS(...)                                                                             \
	(const struct to_label[])                                                                  \
	{                                                                                          \
		__VA_ARGS__,                                                                       \
		{                                                                                  \
			NULL, NULL                                                                 \
		}                                                                                  \
	}

/* HELP and TYPE, once before its samples; `name` is without "turnout_". */
void to_metric_family(FILE *out, const char *name, const char *type, const char *help);

/* turnout_NAME{label="value",...} number; `labels` NULL: none. */
void to_metric_sample(FILE *out, const char *name, double number, const struct to_label *labels);

/* Everything of the answer to "status". */
void to_metrics_status(FILE *out, const json_t *status);

/* Everything of the engine's region but its rows, which have names only in the answer. */
void to_metrics_region(FILE *out, const struct to_region *region, uint64_t now_ns);

#endif
