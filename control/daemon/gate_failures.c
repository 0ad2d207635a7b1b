/* SPDX-License-Identifier: BSD-3-Clause */
#include "daemon.h"
#include "gate_question.h"

/* Where a stage sends new flows of a service that are to be proved: the new pool, if it gives it
 * any client at all. */
static uint8_t target(const struct to_plan *plan, uint32_t stage, uint32_t service)
{
	const struct to_plan_route *r = &plan->stage[stage].route[service];
	bool some = r->share;

	for (uint32_t i = 0; i < r->exceptions; i++)
		some |= r->exception[i].share;
	return plan->service[service].pool[some ? TO_NEW : TO_LEGACY];
}

static bool measured_then(const struct to_question *q, struct to_answered *out)
{
	const struct to_plan *plan = q->d->plan->plan;
	const struct to_plan_gate *g = q->gate;
	const char *pool = plan->pool[target(plan, g->stage, g->service)].name;
	const json_t *stage = json_object_get(q->d->past.answers, plan->stage[g->stage].name);
	const json_t *n =
		json_object_get(json_object_get(stage, plan->service[g->service].name), pool);

	out->tried = (uint64_t)json_integer_value(json_object_get(n, "tried"));
	out->unanswered = (uint64_t)json_integer_value(json_object_get(n, "unanswered"));
	return out->tried;
}

/* A check that fails says it sooner than any client. */
static bool some_down(struct to_question *q, uint8_t pool)
{
	const struct to_plan *plan = q->d->plan->plan;
	const struct to_plan_pool *p = &plan->pool[pool];

	for (int i = 0; i < p->edges; i++) {
		uint32_t e = (uint32_t)(p->first_edge + i);

		if (to_health_of(q->d->health, e) != TO_HEALTH_DOWN)
			continue;
		to_say(&q->now, "the checks of edge %s fail", plan->edge[e].name);
		return true;
	}
	return false;
}

static void say(struct to_question *q, const char *where, const char *name, struct to_answered n)
{
	to_say(&q->now, "%llu of %llu %s %s (%.2f %%) never answered",
	       (unsigned long long)n.unanswered, (unsigned long long)n.tried, where, name,
	       100.0 * (double)n.unanswered / (double)n.tried);
}

bool to_gate_failures(struct to_question *q)
{
	const struct to_plan *plan = q->d->plan->plan;
	const struct to_plan_gate *g = q->gate;
	uint8_t pool = target(plan, q->stage, g->service);
	const char *before = plan->stage[g->stage].name;
	struct to_answered now, then;

	if (q->closed) {
		to_say(&q->now, "%s", q->closed);
		return false;
	}
	if (some_down(q, pool))
		return false;
	if (!measured_then(q, &then)) {
		to_say(&q->now, "not measured: no flow was counted while %s was live", before);
		return false;
	}
	if (!to_answers_of(&q->d->answers, &q->d->view, plan, g->service, pool, &now)) {
		to_say(&q->now, q->d->answers.broken
					? "not measured: entries were lost or displaced, or not "
					  "counted for a while"
					: "not counted yet");
		return false;
	}
	if (!now.tried) {
		to_say(&q->now, "no new flow was counted at pool %s", plan->pool[pool].name);
		return false;
	}
	say(q, "at pool", plan->pool[pool].name, now);
	to_say(&q->now, "; ");
	say(q, "in stage", before, then);
	return (double)now.unanswered * (double)then.tried <=
	       (double)then.unanswered * (double)now.tried;
}
