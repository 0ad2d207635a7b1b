/* SPDX-License-Identifier: BSD-3-Clause */
#include "deadline.h"

#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "daemon.h"
#include "drain.h"

bool to_is_overdue(const struct to_daemon *d, uint32_t edge)
{
	return d->asked.deadline[edge] && to_today() >= d->asked.deadline[edge];
}

/* A count to go by; at a start the first one is waited for, but not for ever. */
static bool is_counted(const struct to_daemon *d)
{
	return to_view_census_age(&d->view) <= TO_CENSUS_AGE && !d->view.cut;
}

static void note_passed(struct to_daemon *d, uint32_t edge)
{
	const char *name = d->plan->plan->edge[edge].name;
	const char *noted = json_string_value(json_object_get(d->past.overdue, name));
	char deadline[TO_TIME_TEXT];
	bool counted = is_counted(d);

	to_time_text(d->asked.deadline[edge], deadline);
	if (noted && !strcmp(noted, deadline))
		return;
	if (!counted && to_today() - d->started < TO_CENSUS_AGE)
		return;
	to_journal_note(
		&d->journal,
		json_pack("{s:s, s:s, s:s, s:o}", "what", "deadline", "edge", name, "deadline",
			  deadline, "live",
			  counted ? json_integer((json_int_t)to_flows_at(d, edge)) : json_null()));
	to_daemon_watch_journal(d);
}

static bool is_safe(const struct to_daemon *d, uint32_t edge)
{
	json_t *evidence = json_array();
	bool safe = to_safe_to_stop(d, edge, evidence);

	json_decref(evidence);
	return safe;
}

static void raise_alarm(struct to_daemon *d, uint32_t edge, const char *alarm)
{
	const char *name = d->plan->plan->edge[edge].name;
	char deadline[TO_TIME_TEXT], live[64] = "an unknown number of", reset[160] = "";
	uint64_t resettable = to_resettable_at(d, edge);

	to_time_text(d->asked.deadline[edge], deadline);
	if (is_counted(d))
		snprintf(live, sizeof(live), "%llu", (unsigned long long)to_flows_at(d, edge));
	if (resettable)
		snprintf(reset, sizeof(reset),
			 "; 'turnout drain %s --reset' closes those that are TCP connections, %llu",
			 name, (unsigned long long)resettable);
	to_alarm_raise(&d->alarms, alarm,
		       "the drain of edge %s should have been over at %s, and it is not safe to "
		       "stop: it has %s flows. Nothing is closed by itself. 'turnout edges %s' "
		       "lists them%s",
		       name, deadline, live, name, reset);
}

void to_deadlines_tick(struct to_daemon *d)
{
	for (uint32_t i = 0; i < d->plan->plan->edges; i++) {
		char alarm[sizeof(d->alarms.at[0].name)];
		bool overdue = to_is_overdue(d, i);

		snprintf(alarm, sizeof(alarm), "drain-%s", d->plan->plan->edge[i].name);
		if (overdue)
			note_passed(d, i);
		if (overdue && !is_safe(d, i))
			raise_alarm(d, i, alarm);
		else
			to_alarm_clear(&d->alarms, alarm);
	}
}
