/* SPDX-License-Identifier: BSD-3-Clause */
/* The answers to `switch`, `reload`, `ack`, `unack`. */
#include "api_change.h"

#include <errno.h>
#include <string.h>

#include "daemon.h"
#include "gates.h"
#include "reload.h"

bool to_call_may_change(struct to_call *call, bool any)
{
	struct to_daemon *d = call->d;

	if (d->engine == TO_ENGINE_ABSENT)
		to_call_refuse(call, "engine", "no engine is connected");
	else if (d->publisher.step != TO_STEP_IDLE)
		to_call_refuse(call, "busy", "another change is under way: generation %llu (%s)",
			       (unsigned long long)d->publisher.generation,
			       d->publisher.change->cause);
	else if (d->engine == TO_ENGINE_MEETING)
		to_call_refuse(call, "busy",
			       "the engine has just come: what it runs is being "
			       "found out");
	else if (!any && d->engine == TO_ENGINE_FOREIGN)
		to_call_refuse(call, "refused",
			       "the engine runs a generation that this journal does not know: "
			       "switch to a stage first");
	else if (!any && d->engine == TO_ENGINE_STUCK)
		to_call_refuse(call, "refused",
			       "the engine does not run what it should: see the alarms of status");
	else
		return true;
	return false;
}

void to_call_publish(struct to_call *call, struct to_change *change)
{
	int err = to_publish(call->d, change);

	if (!err)
		return;
	to_change_free(change);
	if (call->free_context)
		call->free_context(call->context);
	if (err == -ENOTCONN)
		to_call_refuse(call, "engine", "no engine is connected");
	else
		to_call_refuse(call, "busy", "a plan is being read, or there is no memory: again");
}

static void on_switched(struct to_daemon *d, struct to_change *c, const struct to_outcome *outcome)
{
	struct to_call *call = c->context;
	json_t *moved = call->context;

	(void)d;
	to_call_outcome(call, outcome, moved);
}

static void free_json(void *json)
{
	json_decref(json);
}

static void begin_switch(struct to_daemon *d, struct to_call *call, int from, uint32_t to,
			 const char *forced)
{
	struct to_change *c =
		to_change_new(d, "switch", call->who, to_request_text(&call->request, "why"));

	if (!c) {
		to_call_refuse(call, "busy", "no memory");
		return;
	}
	c->stage = to;
	c->done = on_switched;
	c->context = call;
	if (forced) {
		c->force = true;
		to_change_record(c, json_pack("{s:s, s:s, s:s, s:s, s:s}", "what", "forced",
					      "stage", d->plan->plan->stage[to].name, "who",
					      call->who, "why", c->why, "gates", forced));
	}
	call->context = json_pack("{s:o}", "moved", to_changes_json(d->plan->plan, from, to));
	call->free_context = free_json;
	to_call_publish(call, c);
}

/* Which stage is asked for; -1: the call is refused. */
static int target(struct to_daemon *d, struct to_call *call, int from)
{
	const struct to_request *r = &call->request;
	const char *name = to_request_text(r, "to");
	bool next = to_request_flag(r, "to_next"), back = to_request_flag(r, "to_back");
	int to;

	if (!!name + next + back != 1) {
		to_call_refuse(call, "usage", "switch wants one of 'to', 'to_next', 'to_back'");
		return -1;
	}
	if (name)
		return to_call_stage(call, name);
	to = next ? from + 1 : from - 1;
	if (from >= 0 && to >= 0 && to < (int)d->plan->plan->stages)
		return to;
	to_call_refuse(call, "usage", "there is no stage %s the live one",
		       next ? "behind" : "before");
	return -1;
}

void to_api_switch(struct to_daemon *d, struct to_call *call)
{
	int from = to_live_stage(d), to;
	bool force = to_request_flag(&call->request, "force"), closed;
	char why[1600];
	json_t *gates;

	if (!to_call_may_change(call, true))
		return;
	to = target(d, call, from);
	if (to < 0)
		return;
	if (to == from && d->engine == TO_ENGINE_OURS) {
		to_call_refuse(call, "usage", "stage %s is live already",
			       d->plan->plan->stage[to].name);
		return;
	}
	to_view_refresh(&d->view, 0);
	gates = to_gates_between(d, from, (uint32_t)to);
	closed = to_gates_closed(gates, why, sizeof(why));
	if (closed && !force) {
		to_call_refuse_with(call, json_pack("{s:o}", "gates", gates), "gate", "%s", why);
		return;
	}
	json_decref(gates);
	begin_switch(d, call, from, (uint32_t)to, closed ? why : NULL);
}

static void on_reloaded(struct to_daemon *d, void *context, const struct to_outcome *outcome)
{
	(void)d;
	to_call_outcome(context, outcome, NULL);
}

void to_api_reload(struct to_daemon *d, struct to_call *call)
{
	to_reload(d, call->who, to_request_text(&call->request, "why"), on_reloaded, call);
}

/* Every name that some gate of the plan asks for. */
static json_t *ack_names(const struct to_plan *plan)
{
	json_t *names = json_object();

	for (uint32_t s = 0; s < plan->stages; s++)
		for (uint32_t i = 0; i < plan->stage[s].gates; i++)
			if (plan->stage[s].gate[i].kind == TO_GATE_ACK)
				json_object_set_new(names, plan->stage[s].gate[i].ack, json_null());
	for (int i = 0; i < TO_PREFLIGHT_COUNT; i++)
		json_object_set_new(names, to_preflight_names[i], json_null());
	for (uint32_t i = 0; i < plan->partners; i++) {
		char name[sizeof(TO_ACK_PARTNER) + TO_MAX_NAME];

		snprintf(name, sizeof(name), TO_ACK_PARTNER "%s", plan->partner[i].name);
		json_object_set_new(names, name, json_null());
	}
	return names;
}

static bool may_ack(struct to_daemon *d, struct to_call *call, const char *name, bool take_back)
{
	json_t *names;
	bool known;

	if (take_back) {
		if (json_object_get(d->past.acks, name))
			return true;
		to_call_refuse(call, "usage", "'%.63s' is not acknowledged", name);
		return false;
	}
	names = ack_names(d->plan->plan);
	known = json_object_get(names, name);
	json_decref(names);
	if (!known)
		to_call_refuse(call, "usage", "no gate of the plan asks for '%.63s'", name);
	return known;
}

void to_api_ack(struct to_daemon *d, struct to_call *call)
{
	const char *name = to_request_text(&call->request, "name");
	const char *why = to_request_text(&call->request, "why");
	bool take_back = call->request.type == TO_REQUEST_UNACK;
	int err;

	if (!name) {
		to_call_refuse(call, "usage", "'name' is missing: what was done");
		return;
	}
	if (!may_ack(d, call, name, take_back))
		return;
	err = to_journal_add(&d->journal,
			     json_pack("{s:s, s:s, s:s, s:s}", "what", take_back ? "unack" : "ack",
				       "name", name, "who", call->who, "why", why ? why : ""));
	to_daemon_watch_journal(d);
	if (err)
		to_call_refuse(call, "journal", "it cannot be written down: %s", strerror(-err));
	else
		to_call_answer(call, json_pack("{s:s}", "name", name));
}
