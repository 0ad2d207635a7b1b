/* SPDX-License-Identifier: BSD-3-Clause */
/* The workers' counters added up, as JSON: for summaries, and for whoever asks a running engine. */
#ifndef TURNOUT_COUNTERS_JSON_H
#define TURNOUT_COUNTERS_JSON_H

#include <jansson.h>

#include "pipeline.h"

/* {"steer": 12, …} */
json_t *to_verdicts_json(const struct to_counters *const *workers, unsigned n);
/* {"proven": 3, …} */
json_t *to_events_json(const struct to_counters *const *workers, unsigned n);
/* [{"service":…, "class":…, "pool":…, "edge":…, "reason":…, "packets":…, "bytes":…}]: what is not
 * zero, in the order of the table's services, edges and the lists of lists.h */
json_t *to_cells_json(const struct to_counters *const *workers, unsigned n,
		      const struct to_table *table);

#endif
