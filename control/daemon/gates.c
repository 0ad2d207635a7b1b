/* SPDX-License-Identifier: BSD-3-Clause */
#include "gates.h"

#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "daemon.h"
#include "drain.h"
#include "gate_question.h"
#include "partners.h"

/* Says so when its stage is not live, or another's generation is: what that has had is not known.
 */
static bool is_closed(struct to_question *q)
{
	if (q->closed)
		to_say(&q->now, "%s", q->closed);
	return q->closed;
}

static bool soak(struct to_question *q)
{
	char length[TO_LENGTH_TEXT];
	int64_t live = to_today() - q->d->past.stage_since;

	if (is_closed(q))
		return false;
	live = live < 0 ? 0 : live;
	to_say(&q->now, "%s", to_length_text((uint64_t)live, length));
	return live >= q->gate->seconds;
}

static uint64_t flows_to(const struct to_daemon *d, uint8_t service, uint8_t pool)
{
	const struct to_plan_pool *p = &d->plan->plan->pool[pool];
	uint64_t flows = 0;

	for (int e = 0; e < p->edges; e++)
		flows += d->view.new_flows[service][p->first_edge + e];
	return flows;
}

static bool connections(struct to_question *q)
{
	const struct to_plan *plan = q->d->plan->plan;
	const struct to_plan_gate *g = q->gate;
	const json_t *began =
		json_object_get(json_object_get(q->d->past.counted, plan->service[g->service].name),
				plan->pool[g->pool].name);
	uint64_t before = (uint64_t)json_integer_value(began), flows;

	if (is_closed(q))
		return false;
	if (!q->d->view.fresh || !began) {
		to_say(&q->now, "not measured");
		return false;
	}
	flows = flows_to(q->d, g->service, g->pool);
	/* counters that were begun anew meanwhile count from zero */
	flows = flows >= before ? flows - before : flows;
	to_say(&q->now, "%llu", (unsigned long long)flows);
	return flows >= g->number;
}

static bool new_flows(struct to_question *q)
{
	const struct to_plan_gate *g = q->gate;
	const struct to_plan_pool *p = &q->d->plan->plan->pool[g->pool];
	uint64_t window = q->d->options.quiet, flows = 0, some;
	int64_t live = to_today() - q->d->past.stage_since;

	if (is_closed(q))
		return false;
	for (int e = 0; e < p->edges; e++) {
		if (live < (int64_t)window ||
		    !to_view_new_since(&q->d->view, window * TO_NS, g->service,
				       (uint8_t)(p->first_edge + e), &some)) {
			to_say(&q->now, "not watched for %llu s yet", (unsigned long long)window);
			return false;
		}
		flows += some;
	}
	to_say(&q->now, "%llu in the last %llu s", (unsigned long long)flows,
	       (unsigned long long)window);
	return flows <= g->number;
}

bool to_acknowledged(struct to_question *q, const char *name, const char *why)
{
	if (json_object_get(q->d->past.acks, name))
		return true;
	to_say(&q->now, "%s%s: not measured, for %s; not acknowledged either",
	       q->now.used ? "; " : "", name, why);
	return false;
}

static bool ack(struct to_question *q)
{
	const json_t *given = json_object_get(q->d->past.acks, q->gate->ack);

	if (!given) {
		to_say(&q->now, "not acknowledged: %s", q->gate->ack);
		return false;
	}
	to_say(&q->now, "by %s at %s", json_string_value(json_object_get(given, "who")),
	       json_string_value(json_object_get(given, "time")));
	return true;
}

static bool edge_drained(struct to_question *q, uint32_t edge, uint64_t services)
{
	const char *name = q->d->plan->plan->edge[edge].name;
	int64_t quiet = to_quiet_at(q->d, edge, services);
	char length[TO_LENGTH_TEXT];

	if (quiet >= (int64_t)q->gate->seconds)
		return true;
	to_say(&q->now, "%s%s: ", q->now.used ? "; " : "", name);
	if (quiet == -2)
		to_say(&q->now, "not known");
	else if (quiet == -1)
		to_say(&q->now, "%llu live", (unsigned long long)to_flows_at(q->d, edge));
	else
		to_say(&q->now, "nothing for %s", to_length_text((uint64_t)quiet, length));
	return false;
}

static bool drained(struct to_question *q)
{
	const struct to_plan *plan = q->d->plan->plan;
	const struct to_plan_gate *g = q->gate;
	uint64_t services = UINT64_MAX;
	bool all = true;

	for (uint32_t i = 0; i < g->items; i++)
		services &= ~(1ull << g->item[i]);
	if (g->edge != TO_NO_INDEX)
		return edge_drained(q, g->edge, services);
	for (int e = 0; e < plan->pool[g->pool].edges; e++)
		all &= edge_drained(q, (uint32_t)plan->pool[g->pool].first_edge + (uint32_t)e,
				    services);
	return all;
}

/* Every edge, not most of them (S33). */
static bool all_edges(struct to_question *q)
{
	const struct to_plan *plan = q->d->plan->plan;
	bool all = true;

	if (!to_health_count(q->d->health))
		return to_acknowledged(q, to_preflight_names[TO_PREFLIGHT_ALL_EDGES],
				       "the plan checks no edge");
	for (uint32_t i = 0; i < plan->edges; i++) {
		enum to_edge_health health = to_health_of(q->d->health, i);

		if (health == TO_HEALTH_UP)
			continue;
		to_say(&q->now, "%s%s: %s", q->now.used ? "; " : "", plan->edge[i].name,
		       to_health_names[health]);
		all = false;
	}
	return all;
}

/* The plan's check has refused legacy names that are one; that needs names in the plan. */
static bool names(struct to_question *q)
{
	const struct to_plan *plan = q->d->plan->plan;

	for (uint32_t i = 0; i < plan->pools; i++)
		if (plan->pool[i].role == TO_LEGACY && !plan->pool[i].fqdns)
			return to_acknowledged(q, to_preflight_names[TO_PREFLIGHT_NAMES],
					       "the plan has no names of the legacy pool");
	return true;
}

/* What no packet of the gateway's can show. */
static const char *const beyond[TO_PREFLIGHT_COUNT] = {
	[TO_PREFLIGHT_INTERNAL_CERTIFICATE] = "the plan has no internal addresses",
	[TO_PREFLIGHT_NEXT_HOP] = "the topology is not published to gateways",
};

static bool preflight(struct to_question *q)
{
	bool all = true;

	for (uint32_t i = 0; i < q->gate->items; i++) {
		uint32_t item = q->gate->item[i];

		if (item == TO_PREFLIGHT_ALL_EDGES)
			all &= all_edges(q);
		else if (item == TO_PREFLIGHT_NAMES)
			all &= names(q);
		else if (item == TO_PREFLIGHT_ACCESS_CERTIFICATE)
			all &= to_gate_access_certificate(q);
		else
			all &= to_acknowledged(q, to_preflight_names[item], beyond[item]);
	}
	if (all)
		to_say(&q->now, "%sgood", q->now.used ? "; " : "");
	return all;
}

static bool (*const ask[TO_GATE_KIND_COUNT])(struct to_question *q) = {
	[TO_GATE_SOAK] = soak,
	[TO_GATE_CONNECTIONS] = connections,
	[TO_GATE_FAILURES] = to_gate_failures,
	[TO_GATE_NEW_FLOWS] = new_flows,
	[TO_GATE_ACK] = ack,
	[TO_GATE_PARTNERS_SEEN] = to_gate_partners_seen,
	[TO_GATE_DRAINED] = drained,
	[TO_GATE_PREFLIGHT] = preflight,
};

static const char *why_closed(const struct to_daemon *d, uint32_t stage)
{
	if (to_live_stage(d) != (int)stage)
		return "the stage is not live";
	if (d->engine == TO_ENGINE_FOREIGN)
		return "not known: the engine runs a generation of somebody else's";
	return NULL;
}

static json_t *gate_json(const struct to_daemon *d, uint32_t stage, const struct to_plan_gate *gate)
{
	struct to_question q = {
		.d = d, .stage = stage, .gate = gate, .closed = why_closed(d, stage)};
	bool open = ask[gate->kind](&q);
	char text[TO_GATE_TEXT];

	return json_pack("{s:s, s:s, s:b, s:s}", "kind", to_gate_names[gate->kind], "text",
			 to_gate_text(d->plan->plan, stage, gate, text), "open", open, "now",
			 q.now.text);
}

static bool in_window(const struct to_plan_stage *s, uint16_t minute)
{
	if (s->window_from <= s->window_to)
		return minute >= s->window_from && minute < s->window_to;
	return minute >= s->window_from || minute < s->window_to;
}

static json_t *window_json(const struct to_plan_stage *s)
{
	uint16_t minute = (uint16_t)(to_today() / 60 % 1440);
	char text[80], now[20];

	snprintf(text, sizeof(text), "entered between %02d:%02d and %02d:%02d UTC",
		 s->window_from / 60, s->window_from % 60, s->window_to / 60, s->window_to % 60);
	snprintf(now, sizeof(now), "%02d:%02d UTC", minute / 60, minute % 60);
	return json_pack("{s:s, s:s, s:b, s:s}", "kind", "window", "text", text, "open",
			 in_window(s, minute), "now", now);
}

json_t *to_gates_of(const struct to_daemon *d, uint32_t stage)
{
	const struct to_plan_stage *s = &d->plan->plan->stage[stage];
	json_t *list = json_array();

	if (s->has_window)
		json_array_append_new(list, window_json(s));
	for (uint32_t i = 0; i < s->gates; i++)
		json_array_append_new(list, gate_json(d, stage, &s->gate[i]));
	return list;
}

json_t *to_gates_between(const struct to_daemon *d, int from, uint32_t to)
{
	json_t *list = json_array(), *gate;
	size_t i;

	for (int at = from < 0 ? 0 : from; at <= (int)to && from < (int)to; at++) {
		json_t *gates = to_gates_of(d, (uint32_t)at);

		json_array_foreach(gates, i, gate)
		{
			bool window =
				!strcmp(json_string_value(json_object_get(gate, "kind")), "window");

			if (window ? at == from : at == (int)to)
				continue;
			json_object_set_new(gate, "stage",
					    json_string(d->plan->plan->stage[at].name));
			json_array_append(list, gate);
		}
		json_decref(gates);
	}
	return list;
}

bool to_gates_closed(const json_t *gates, char *out, size_t size)
{
	struct to_text text = {0};
	json_t *gate;
	size_t i;

	json_array_foreach(gates, i, gate)
	{
		if (json_is_true(json_object_get(gate, "open")))
			continue;
		to_say(&text, "%sstage %s: %s: %s (now: %s)", text.used ? "; " : "",
		       json_string_value(json_object_get(gate, "stage")),
		       json_string_value(json_object_get(gate, "kind")),
		       json_string_value(json_object_get(gate, "text")),
		       json_string_value(json_object_get(gate, "now")));
	}
	snprintf(out, size, "%s", text.text);
	return text.used;
}
