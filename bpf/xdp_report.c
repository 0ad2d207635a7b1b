/* SPDX-License-Identifier: BSD-3-Clause */
#include "xdp_report.h"

#include <errno.h>

#include "dataplane/counters_json.h"
#include "dataplane/table_view.h"
#include "xdp_counters.h"

static json_t *ports_json(const struct to_xdp_ports *ports)
{
	static const char *const zones[] = {"", "outside", "edges", "both"};
	json_t *all = json_array();

	for (unsigned i = 0; i < ports->n; i++) {
		const struct to_xdp_port *p = &ports->port[i];

		json_array_append_new(all, json_pack("{s:s, s:s, s:s}", "name", p->option.name,
						     "zone", zones[p->option.zone & 3], "mode",
						     !p->attached ? "absent"
						     : p->native  ? "native"
								  : "generic"));
	}
	return all;
}

json_t *to_xdp_report(const struct to_xdp *x, const struct to_xdp_ports *ports,
		      const struct to_table *running, double seconds)
{
	struct to_counters *c = to_xdp_counters_new();
	const struct to_counters *counters = c;
	json_t *j;

	if (!c)
		return NULL;
	if (to_xdp_counters_read(x, c) < 0) {
		to_xdp_counters_free(c);
		return NULL;
	}
	j = json_pack("{s:s, s:f, s:I, s:s, s:I}", "engine", "xdp", "seconds", seconds,
		      "generation", (json_int_t)(running ? running->generation : 0), "stage",
		      running ? to_table_string(running, running->stage_name) : "", "sip_rate",
		      (json_int_t)x->control->sip_rate);
	json_object_set_new(j, "ports", ports_json(ports));
	json_object_set_new(j, "verdicts", to_verdicts_json(&counters, 1));
	json_object_set_new(j, "events", to_events_json(&counters, 1));
	json_object_set_new(j, "counters", to_cells_json(&counters, 1, running));
	to_xdp_counters_free(c);
	return j;
}

int to_xdp_print(json_t *j, FILE *out)
{
	int ret = j ? json_dumpf(j, out, JSON_INDENT(1)) : -1;

	json_decref(j);
	return ret < 0 || fputc('\n', out) == EOF || fflush(out) ? -EIO : 0;
}
