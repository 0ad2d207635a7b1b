/* SPDX-License-Identifier: BSD-3-Clause */
#include "publisher_live.h"

#include <string.h>
#include <syslog.h>

#include "clock.h"
#include "crash.h"
#include "daemon.h"
#include "log.h"
#include "metrics.h"

/* New flows by service and pool, as the gates of a stage count from. */
static json_t *counted(struct to_daemon *d)
{
	const struct to_plan *plan = d->plan->plan;
	json_t *all = json_object();

	if (to_view_refresh(&d->view, 0) < 0) {
		json_decref(all);
		return NULL;
	}
	for (uint32_t s = 0; s < plan->services; s++) {
		json_t *pools = json_object();

		for (int role = TO_LEGACY; role <= TO_NEW; role++) {
			const struct to_plan_pool *pool = &plan->pool[plan->service[s].pool[role]];
			uint64_t flows = 0;

			for (int e = 0; e < pool->edges; e++)
				flows += d->view.new_flows[s][pool->first_edge + e];
			json_object_set_new(pools, pool->name, json_integer((json_int_t)flows));
		}
		json_object_set_new(all, plan->service[s].name, pools);
	}
	return all;
}

static void note_live(struct to_daemon *d, const struct to_outcome *outcome)
{
	const struct to_past *past = &d->past;
	bool new_stage = past->open.record &&
			 (!past->live.record || strcmp(past->live.stage, past->open.stage) != 0);
	json_t *flows = new_stage ? counted(d) : NULL;
	bool ours = d->engine == TO_ENGINE_OURS; /* else nothing was counted of the stage */
	json_t *answers =
		new_stage && ours ? to_answers_json(&d->answers, &d->view, d->plan->plan) : NULL;
	json_t *record = json_pack("{s:s, s:I, s:s}", "what", "live", "generation",
				   (json_int_t)past->open.generation, "stage", past->open.stage);

	if (!record)
		return;
	if (outcome) {
		json_object_set_new(record, "prepare_us",
				    json_integer((json_int_t)outcome->prepare_us));
		json_object_set_new(record, "live_us", json_integer((json_int_t)outcome->live_us));
	} else {
		json_object_set_new(record, "recovered", json_true());
	}
	if (flows)
		json_object_set_new(record, "counted", flows);
	if (answers)
		json_object_set_new(record, "answers", answers);
	if (new_stage || !ours)
		to_answers_begin(&d->answers);
	to_journal_note(&d->journal, record);
	to_daemon_watch_journal(d);
	to_log(LOG_NOTICE, "generation %llu is live: stage %s",
	       (unsigned long long)past->live.generation, past->live.stage);
}

static void note_plan(struct to_daemon *d)
{
	to_journal_note(&d->journal, json_pack("{s:s, s:s, s:s}", "what", "plan", "sha256",
					       d->plan->sha256, "path", d->options.plan));
}

void to_publisher_live(struct to_daemon *d, struct to_image *image,
		       const struct to_outcome *outcome)
{
	struct to_change *c = d->publisher.change;
	struct to_running *running = to_running_new(image);

	note_live(d, outcome);
	d->view.copied = 0; /* what was copied before shows the generation before */
	to_metrics_switched(d->metrics, outcome->prepare_us, outcome->live_us);
	if (running)
		*image = (struct to_image){0};
	to_running_drop(d->running);
	d->running = running; /* without it the next one counts no grace */
	d->asked = c->asked;
	if (c->plan) {
		struct to_plan_file *plan = c->plan;

		c->plan = NULL;
		if (to_plan_keep(d->journal.dir) < 0)
			to_log(LOG_WARNING, "cannot rename " TO_PLAN_NEXT ": the next start will");
		to_daemon_use_plan(d, plan);
		note_plan(d);
	}
	d->engine = TO_ENGINE_OURS;
	d->health_published = to_boot_ns();
	to_alarm_clear(&d->alarms, "not-live");
	to_alarm_clear(&d->alarms, "recovery");
	to_alarm_clear(&d->alarms, "foreign");
}

/* The plan that the last acknowledged generation was made of, should a crash have come between its
 * going live and its taking the other's place. */
static void catch_up_plan(struct to_daemon *d)
{
	struct to_plan_file *plan;

	if (!strcmp(d->past.live.plan, d->plan->sha256))
		return;
	if (to_plan_find(d, d->past.live.plan, &plan) < 0) {
		to_alarm_raise(&d->alarms, "plan",
			       "the plan of the running generation %llu is not in %s any more; "
			       "going on with the one that is",
			       (unsigned long long)d->past.live.generation, d->options.state);
		return;
	}
	to_daemon_use_plan(d, plan);
	d->plan_kept = true;
	note_plan(d);
}

int to_plan_find(struct to_daemon *d, const char *sha256, struct to_plan_file **out)
{
	int dir = d->journal.dir;

	if (to_plan_file_kept(dir, TO_PLAN_NEXT, sha256, out) == 0) {
		if (to_plan_keep(dir) < 0)
			to_log(LOG_WARNING, "cannot rename " TO_PLAN_NEXT ": the next start will");
		return 0;
	}
	return to_plan_file_kept(dir, TO_PLAN_NAME, sha256, out);
}

/* What was down when that generation was made, as far as checks know no better yet. */
static void catch_up_health(struct to_daemon *d)
{
	struct to_unhealthy was;

	to_unhealthy_read(&was, d->plan->plan, d->past.live.record);
	for (uint32_t i = 0; i < d->plan->plan->edges; i++)
		if (was.down[i] && to_health_of(d->health, i) == TO_HEALTH_UNKNOWN)
			d->unhealthy.down[i] = true;
}

void to_publisher_found_live(struct to_daemon *d)
{
	note_live(d, NULL);
	d->view.copied = 0;
	catch_up_plan(d);
	catch_up_health(d);
}

void to_publisher_abandon(struct to_daemon *d, const char *why)
{
	if (!d->past.open.record)
		return;
	to_journal_note(&d->journal, json_pack("{s:s, s:I, s:s}", "what", "abandoned", "generation",
					       (json_int_t)d->past.open.generation, "why", why));
	to_daemon_watch_journal(d);
}

int to_plan_first(struct to_daemon *d)
{
	int err;

	if (d->plan_kept)
		return 0;
	err = to_plan_keep_aside(d->journal.dir, d->plan);
	if (!err)
		err = to_plan_keep(d->journal.dir);
	if (!err)
		err = to_journal_add(&d->journal,
				     json_pack("{s:s, s:s, s:s}", "what", "plan", "sha256",
					       d->plan->sha256, "path", d->options.plan));
	d->plan_kept = !err;
	return err;
}
