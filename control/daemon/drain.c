/* SPDX-License-Identifier: BSD-3-Clause */
#include "drain.h"

#include <stdarg.h>
#include <stdio.h>

#include "clock.h"
#include "daemon.h"
#include "deadline.h"

uint64_t to_flows_at(const struct to_daemon *d, uint32_t edge)
{
	uint64_t all = 0;

	for (int s = 0; s < TO_VIEW_SERVICES; s++)
		all += d->view.flows[edge][s][0] + d->view.flows[edge][s][1];
	return all;
}

uint64_t to_resettable_at(const struct to_daemon *d, uint32_t edge)
{
	const struct to_plan *plan = d->plan->plan;
	uint64_t all = 0;

	if (plan->edge[edge].mode != TO_MODE_DNAT)
		return 0;
	for (uint32_t s = 0; s < plan->services; s++)
		if (plan->service[s].proto == TO_TCP)
			all += d->view.pins[edge][s];
	return all;
}

int64_t to_quiet_at(const struct to_daemon *d, uint32_t edge, uint64_t services)
{
	const struct to_view *v = &d->view;
	uint64_t since = 0;

	if (to_view_census_age(v) > TO_CENSUS_AGE || v->cut)
		return -2;
	for (int s = 0; s < TO_VIEW_SERVICES; s++) {
		if (s != TO_VIEW_NONE && !(services >> s & 1))
			continue;
		if (!v->quiet_since[edge][s])
			return -1;
		if (v->quiet_since[edge][s] > since)
			since = v->quiet_since[edge][s];
	}
	return (int64_t)((v->census - since) / TO_NS);
}

static void say(json_t *evidence, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(json_t *evidence, const char *format, ...)
{
	char text[300];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	json_array_append_new(evidence, json_string(text));
}

static bool say_asked(const struct to_daemon *d, uint32_t edge, json_t *evidence)
{
	const char *name = d->plan->plan->edge[edge].name;
	const json_t *since = json_object_get(d->past.draining, name);
	char time[TO_TIME_TEXT];

	switch (d->asked.state[edge]) {
	case TO_EDGE_DRAINING:
	case TO_EDGE_RESETTING:
		say(evidence, "draining since %s%s",
		    since ? to_time_text(json_integer_value(since), time) : "the engine was found",
		    d->asked.state[edge] == TO_EDGE_RESETTING ? ", and its connections are reset"
							      : "");
		if (to_is_overdue(d, edge))
			say(evidence, "its deadline was %s",
			    to_time_text(d->asked.deadline[edge], time));
		return true;
	case TO_EDGE_RETIRED:
		say(evidence, "retired: it gets nothing");
		return true;
	default:
		say(evidence, "not draining: new flows may come");
		return false;
	}
}

static bool say_census(const struct to_daemon *d, json_t *evidence)
{
	uint64_t age = to_view_census_age(&d->view);

	if (d->engine == TO_ENGINE_ABSENT) {
		say(evidence, "no engine is connected: what lives is not known");
		return false;
	}
	if (age == UINT64_MAX) {
		say(evidence, "the engine has not counted what lives yet");
		return false;
	}
	say(evidence, "counted %llu s ago%s", (unsigned long long)age,
	    age > TO_CENSUS_AGE ? ": too long to go by" : "");
	if (d->view.cut)
		say(evidence, "the engine could not show all that it counted");
	return age <= TO_CENSUS_AGE && !d->view.cut;
}

static void say_flows(const struct to_daemon *d, uint32_t edge, json_t *evidence)
{
	const struct to_plan *plan = d->plan->plan;

	for (uint32_t s = 0; s < TO_VIEW_SERVICES; s++) {
		const uint32_t *n = d->view.flows[edge][s];
		const char *name = s < plan->services ? plan->service[s].name : "no service";

		if (n[0] || n[1])
			say(evidence, "%s: %u live, %u of them unproven", name, n[0] + n[1], n[0]);
	}
}

/* What was quiet before new flows were barred says nothing: one may have come just before that. */
static int64_t quiet_since_barred(const struct to_daemon *d, uint32_t edge)
{
	const json_t *since = json_object_get(d->past.draining, d->plan->plan->edge[edge].name);
	int64_t quiet = to_quiet_at(d, edge, UINT64_MAX), barred;

	if (quiet < 0 || !since)
		return quiet;
	barred = to_today() - json_integer_value(since) - (int64_t)to_view_census_age(&d->view);
	return barred < 0 ? 0 : barred < quiet ? barred : quiet;
}

bool to_safe_to_stop(const struct to_daemon *d, uint32_t edge, json_t *evidence)
{
	bool asked = say_asked(d, edge, evidence), known = say_census(d, evidence);
	int64_t quiet = known ? quiet_since_barred(d, edge) : -2;

	if (quiet == -1)
		say_flows(d, edge, evidence);
	else if (quiet >= 0)
		say(evidence, "nothing lives there, for %lld s; %u s are asked for",
		    (long long)quiet, d->options.quiet);
	return asked && quiet >= (int64_t)d->options.quiet;
}
