/* SPDX-License-Identifier: BSD-3-Clause */
#include "reload.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "background.h"
#include "daemon.h"
#include "log.h"

struct reload {
	struct to_daemon *d;
	const char *path;
	const struct to_plan *running;
	struct to_plan_file *file;
	char *messages;
	int err;
	char why_not[300];
	char who[64];
	char why[1024];
	to_reloaded *done;
	void *context;
};

static void free_reload(struct reload *r)
{
	to_plan_file_free(r->file);
	free(r->messages);
	free(r);
}

static void finish(struct reload *r, const struct to_outcome *outcome)
{
	struct to_daemon *d = r->d;

	if (!outcome->error)
		to_alarm_clear(&d->alarms, "plan");
	else if (!strcmp(outcome->error, "refused"))
		to_alarm_raise(&d->alarms, "plan",
			       "the plan's file is not in force, the one before is: %s",
			       outcome->message);
	if (r->done)
		r->done(d, r->context, outcome);
	free_reload(r);
}

static void fail(struct reload *r, const char *error, const char *message)
{
	struct to_outcome outcome = {.error = error, .message = message};

	finish(r, &outcome);
}

static void on_end(void *argument)
{
	fail(argument, "busy", "turnoutd is ending");
}

static void read_file(void *argument)
{
	struct reload *r = argument;

	r->err = to_plan_file_read(r->path, &r->file, &r->messages);
	if (!r->err)
		r->err = to_plan_can_follow(r->running, r->file->plan, r->why_not,
					    sizeof(r->why_not));
}

static void on_published(struct to_daemon *d, struct to_change *c, const struct to_outcome *outcome)
{
	(void)d;
	finish(c->context, outcome);
}

static void publish(struct reload *r, uint32_t stage)
{
	struct to_change *c = to_change_new(r->d, "reload", r->who, r->why);
	int err;

	if (!c) {
		fail(r, "busy", "no memory");
		return;
	}
	c->stage = stage;
	c->plan = r->file;
	c->done = on_published;
	c->context = r;
	r->file = NULL;
	err = to_publish(r->d, c);
	if (!err)
		return;
	to_change_free(c);
	fail(r, err == -ENOTCONN ? "engine" : "busy",
	     err == -ENOTCONN ? "the engine went away" : "another change is under way");
}

static void on_read(void *argument)
{
	struct reload *r = argument;
	const char *name = to_live_stage_name(r->d);
	struct to_outcome same = {.generation = to_live_generation(r->d),
				  .message = "the plan is the same as before"};
	int stage;

	if (r->err) {
		const char *said = r->messages && *r->messages ? r->messages : strerror(-r->err);

		fail(r, "refused", r->why_not[0] ? r->why_not : said);
		return;
	}
	if (!strcmp(r->file->sha256, r->d->plan->sha256)) {
		finish(r, &same);
		return;
	}
	stage = name ? to_plan_find_stage(r->file->plan, name) : 0;
	if (stage < 0) {
		snprintf(r->why_not, sizeof(r->why_not),
			 "stage %s is live, and it has none of that name", name);
		fail(r, "refused", r->why_not);
		return;
	}
	publish(r, (uint32_t)stage);
}

void to_reload(struct to_daemon *d, const char *who, const char *why, to_reloaded *done,
	       void *context)
{
	struct to_outcome no = {.error = "busy", .message = "another change is under way"};
	struct reload *r;

	if (d->engine == TO_ENGINE_ABSENT)
		no = (struct to_outcome){.error = "engine", .message = "no engine is connected"};
	else if (d->engine == TO_ENGINE_FOREIGN)
		no = (struct to_outcome){.error = "refused",
					 .message =
						 "the engine runs a generation that this journal "
						 "does not know: switch to a stage first"};
	r = d->engine == TO_ENGINE_OURS || d->engine == TO_ENGINE_STUCK ? calloc(1, sizeof(*r))
									: NULL;
	if (r) {
		*r = (struct reload){.d = d,
				     .path = d->options.plan,
				     .running = d->plan->plan,
				     .done = done,
				     .context = context};
		snprintf(r->who, sizeof(r->who), "%s", who);
		snprintf(r->why, sizeof(r->why), "%s", why ? why : "");
		if (d->publisher.step == TO_STEP_IDLE &&
		    to_background_run(d->background, read_file, on_read, on_end, r) == 0)
			return;
		free_reload(r);
	}
	if (done)
		done(d, context, &no);
}

static void on_own(struct to_daemon *d, void *context, const struct to_outcome *outcome)
{
	const char *why = context;

	if (!outcome->error)
		to_log(LOG_NOTICE, "%s is in force", d->options.plan);
	else if (strcmp(outcome->error, "refused") && !d->plan_wanted)
		d->plan_wanted = why; /* again */
}

void to_reload_wanted(struct to_daemon *d, const char *why)
{
	d->plan_wanted = why;
	to_reload_tick(d);
}

void to_reload_tick(struct to_daemon *d)
{
	const char *why = d->plan_wanted;

	if (!why || d->engine != TO_ENGINE_OURS || d->publisher.step != TO_STEP_IDLE ||
	    to_background_is_busy(d->background))
		return;
	d->plan_wanted = NULL;
	to_reload(d, "turnoutd", why, on_own, (void *)(uintptr_t)why);
}
