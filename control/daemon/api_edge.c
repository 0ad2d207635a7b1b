/* SPDX-License-Identifier: BSD-3-Clause */
/* The answers to `edge` and `release`. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api_change.h"
#include "clock.h"
#include "daemon.h"
#include "deadline.h"
#include "drain.h"
#include "gate_texts.h"

struct edge_change {
	uint64_t edges; /* bits */
	enum to_edge_verb verb;
	bool release;
	int64_t deadline;  /* of a drain, seconds since 1970; 0: none */
	uint64_t asked_at; /* CLOCK_BOOTTIME */
	struct to_outcome live;
	json_t *more;
};

struct release {
	struct to_call *call;
	uint64_t left; /* bits */
	uint8_t service;
	int64_t entries;
	to_released *done;
};

static void end_release(struct release *r, const char *why)
{
	to_released *done = r->done;
	struct to_call *call = r->call;
	int64_t entries = why ? -1 : r->entries;

	free(r);
	done(call, entries, why);
}

static void release_next(struct release *r);

static void on_released(void *context, const union to_message *m, int fd)
{
	struct release *r = context;

	(void)fd;
	if (!m) {
		end_release(r, "the engine went away");
	} else if (m->head.type == TO_MSG_REFUSED) {
		end_release(r, m->refused.reason);
	} else {
		r->entries += (int64_t)m->released.entries;
		release_next(r);
	}
}

static void release_next(struct release *r)
{
	struct to_msg_release m = {.head.type = TO_MSG_RELEASE, .service = r->service};

	if (!r->left) {
		end_release(r, NULL);
		return;
	}
	m.edge = (uint8_t)__builtin_ctzll(r->left);
	r->left &= r->left - 1;
	if (to_link_ask(r->call->d->link, &m, -1, on_released, r) < 0)
		end_release(r, "no engine is connected");
}

void to_release_edges(struct to_call *call, uint64_t edges, uint8_t service, to_released *done)
{
	struct release *r = calloc(1, sizeof(*r));

	if (!r) {
		done(call, -1, "no memory");
		return;
	}
	*r = (struct release){.call = call, .left = edges, .service = service, .done = done};
	release_next(r);
}

static void free_edge_change(void *context)
{
	struct edge_change *e = context;

	json_decref(e->more);
	free(e);
}

static void refuse_edge(struct to_call *call, const char *error, const char *why)
{
	free_edge_change(call->context);
	to_call_refuse(call, error, "%s", why);
}

/* The retired edges' entries are forgotten as well; the edges are retired, whatever comes of it. */
static void on_retired(struct to_call *call, int64_t entries, const char *why)
{
	struct edge_change *e = call->context;
	struct to_outcome live = e->live;
	json_t *more = entries >= 0 ? json_pack("{s:I}", "released", (json_int_t)entries)
				    : json_pack("{s:s}", "not_released", why);

	free_edge_change(e);
	to_call_outcome(call, &live, more);
}

static void on_changed(struct to_daemon *d, struct to_change *c, const struct to_outcome *outcome)
{
	struct to_call *call = c->context;
	struct edge_change *e = call->context;

	(void)d;
	if (!outcome->error && e->release) {
		e->live = *outcome;
		e->live.message = NULL; /* it is of this call's only */
		to_release_edges(call, e->edges, TO_NO_INDEX, on_retired);
		return;
	}
	free_edge_change(e);
	to_call_outcome(call, outcome, NULL);
}

static json_t *record_of(const struct to_call *call, const struct to_change *c, uint32_t edge)
{
	const struct edge_change *e = call->context;
	json_t *record = json_pack("{s:s, s:s, s:s, s:s, s:s}", "what", "edge", "edge",
				   call->d->plan->plan->edge[edge].name, "verb",
				   to_verb_names[e->verb], "who", call->who, "why", c->why);
	char time[TO_TIME_TEXT];

	if (e->deadline)
		json_object_set_new(record, "deadline",
				    json_string(to_time_text(e->deadline, time)));
	if (e->verb == TO_VERB_RESET)
		json_object_set_new(record, "resettable",
				    json_integer((json_int_t)to_resettable_at(call->d, edge)));
	return record;
}

/* Why what is asked cannot be done to the edge; NULL: it is. */
static const char *apply(const struct to_call *call, struct to_change *c, uint32_t edge)
{
	const struct edge_change *e = call->context;
	const char *fault;

	if (e->verb == TO_VERB_RESET && call->d->plan->plan->edge[edge].mode != TO_MODE_DNAT)
		return "its answers do not come by here (its mode is not dnat), so that the "
		       "sequence numbers that a reset needs are not known: wait for the end of "
		       "what it has, or retire it by force";
	fault = to_asked_apply(&c->asked, edge, e->verb);
	if (!fault && e->verb == TO_VERB_DRAIN)
		c->asked.deadline[edge] = e->deadline;
	return fault;
}

static void publish(struct to_call *call)
{
	struct edge_change *e = call->context;
	struct to_daemon *d = call->d;
	const char *why = to_request_text(&call->request, "why");
	struct to_change *c = to_change_new(d, "edge", call->who, why);
	char text[320];

	for (uint32_t i = 0; c && i < d->plan->plan->edges; i++) {
		const char *name = d->plan->plan->edge[i].name, *fault;

		if (!(e->edges >> i & 1))
			continue;
		fault = apply(call, c, i);
		if (fault) {
			to_change_free(c);
			snprintf(text, sizeof(text), "edge %s: %s", name, fault);
			refuse_edge(call, "gate", text);
			return;
		}
		to_change_record(c, record_of(call, c, i));
	}
	if (!c) {
		refuse_edge(call, "busy", "no memory");
		return;
	}
	c->force = e->release;
	c->done = on_changed;
	c->context = call;
	to_call_publish(call, c);
}

/* What takes new flows is not retired: true, and the call is refused, if one of the edges does. */
static bool refuse_open(struct to_call *call)
{
	const struct edge_change *e = call->context;
	const struct to_daemon *d = call->d;
	char text[160];

	for (uint32_t i = 0; i < d->plan->plan->edges; i++) {
		if (!(e->edges >> i & 1) || d->asked.state[i] != TO_EDGE_UP || d->asked.by_hand[i])
			continue;
		snprintf(
			text, sizeof(text),
			"edge %s takes new flows: drain it, and retire it when nothing lives there",
			d->plan->plan->edge[i].name);
		refuse_edge(call, "gate", text);
		return true;
	}
	return false;
}

/* Retiring wants nothing live: counted after it was asked for. */
static void on_census(void *context, const union to_message *m, int fd)
{
	struct to_call *call = context;
	struct edge_change *e = call->context;
	struct to_daemon *d = call->d;
	struct to_text text = {0};

	(void)fd;
	if (!m || m->head.type == TO_MSG_REFUSED) {
		refuse_edge(call, m ? "refused" : "engine",
			    m ? m->refused.reason : "the engine went away");
		return;
	}
	if (refuse_open(call)) /* another change may have come in between */
		return;
	if (to_view_refresh(&d->view, 0) < 0 || d->view.census < e->asked_at || d->view.cut) {
		refuse_edge(call, "gate", "the engine has not shown a count since this was asked");
		return;
	}
	for (uint32_t i = 0; i < d->plan->plan->edges; i++)
		if (e->edges >> i & 1 && to_flows_at(d, i))
			to_say(&text, "%sedge %s has %llu live", text.used ? "; " : "",
			       d->plan->plan->edge[i].name, (unsigned long long)to_flows_at(d, i));
	if (text.used)
		refuse_edge(call, "gate", text.text);
	else if (d->engine != TO_ENGINE_OURS || d->publisher.step != TO_STEP_IDLE)
		refuse_edge(call, "busy", "another change is under way");
	else
		publish(call);
}

static void retire(struct to_call *call)
{
	struct edge_change *e = call->context;
	struct to_message_head ask = {.type = TO_MSG_CENSUS};
	struct to_daemon *d = call->d;

	if (refuse_open(call))
		return;
	e->asked_at = to_boot_ns();
	if (to_link_ask(d->link, &ask, -1, on_census, call) < 0)
		refuse_edge(call, "engine", "no engine is connected");
}

/* Bits of what `edge` or `pool` names; 0: the call is refused. */
static uint64_t edges_of(struct to_call *call)
{
	const char *edge = to_request_text(&call->request, "edge");
	const char *name = to_request_text(&call->request, "pool");
	const struct to_plan_pool *pool;
	int i;

	if (!edge == !name) {
		to_call_refuse(call, "usage", "edge wants one of 'edge', 'pool'");
		return 0;
	}
	i = edge ? to_call_edge(call, edge) : to_call_pool(call, name);
	if (i < 0)
		return 0;
	if (edge)
		return 1ull << i;
	pool = &call->d->plan->plan->pool[i];
	return (pool->edges == 64 ? UINT64_MAX : (1ull << pool->edges) - 1) << pool->first_edge;
}

static int verb_of(struct to_call *call)
{
	const char *name = to_request_text(&call->request, "verb");

	for (int i = 0; name && i < TO_VERB_COUNT; i++)
		if (!strcmp(name, to_verb_names[i]))
			return i;
	to_call_refuse(call, "usage",
		       "edge: 'verb' is drain, undrain, retire, readmit, down, up or reset");
	return -1;
}

/* Seconds from now; 0: none was given; -1: the call is refused. */
static int64_t deadline_of(struct to_call *call, int verb)
{
	json_int_t seconds = to_request_number(&call->request, "deadline", 0);

	if (!json_object_get(call->request.json, "deadline"))
		return 0;
	if (verb == TO_VERB_DRAIN && seconds >= 1 && seconds <= TO_DEADLINE_MOST)
		return seconds;
	to_call_refuse(call, "usage", "'deadline' is 1 to %d, in seconds, of a drain",
		       TO_DEADLINE_MOST);
	return -1;
}

void to_api_edge(struct to_daemon *d, struct to_call *call)
{
	bool force = to_request_flag(&call->request, "force");
	bool release = to_request_flag(&call->request, "release");
	struct edge_change *e;
	int64_t deadline;
	uint64_t edges;
	int verb;

	(void)d;
	if (!to_call_may_change(call, false))
		return;
	verb = verb_of(call);
	edges = verb < 0 ? 0 : edges_of(call);
	if (!edges)
		return;
	if (force != release || (force && verb != TO_VERB_RETIRE)) {
		to_call_refuse(call, "usage",
			       "'force' and 'release' go together, with verb retire: what lives "
			       "there is cut off");
		return;
	}
	deadline = deadline_of(call, verb);
	if (deadline < 0)
		return;
	e = calloc(1, sizeof(*e));
	if (!e) {
		to_call_refuse(call, "busy", "no memory");
		return;
	}
	*e = (struct edge_change){.edges = edges,
				  .verb = (enum to_edge_verb)verb,
				  .deadline = deadline ? to_today() + deadline : 0,
				  .release = release};
	call->context = e;
	call->free_context = free_edge_change;
	if (verb == TO_VERB_RETIRE && !force)
		retire(call);
	else
		publish(call);
}

static void on_release_done(struct to_call *call, int64_t entries, const char *why)
{
	if (entries < 0)
		to_call_refuse(call, to_link_is_up(call->d->link) ? "refused" : "engine", "%s",
			       why);
	else
		to_call_answer(call, json_pack("{s:I}", "entries", (json_int_t)entries));
}

void to_api_release(struct to_daemon *d, struct to_call *call)
{
	const char *edge = to_request_text(&call->request, "edge");
	const char *service = to_request_text(&call->request, "service");
	const char *why = to_request_text(&call->request, "why");
	int e, s = TO_NO_INDEX, err;

	if (!edge) {
		to_call_refuse(call, "usage", "release: 'edge' is missing");
		return;
	}
	if (!to_call_may_change(call, false))
		return;
	e = to_call_edge(call, edge);
	if (e >= 0 && service)
		s = to_call_service(call, service);
	if (e < 0 || s < 0)
		return;
	err = to_journal_add(&d->journal, json_pack("{s:s, s:s, s:s?, s:s, s:s}", "what", "release",
						    "edge", edge, "service", service, "who",
						    call->who, "why", why ? why : ""));
	to_daemon_watch_journal(d);
	if (err)
		to_call_refuse(call, "journal", "it cannot be written down, so it is not done: %s",
			       strerror(-err));
	else
		to_release_edges(call, 1ull << e, (uint8_t)s, on_release_done);
}
