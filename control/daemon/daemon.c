/* SPDX-License-Identifier: BSD-3-Clause */
#include "daemon.h"

#include <event2/event.h>
#include <signal.h>
#include <string.h>
#include <syslog.h>
#include <turnout/notify.h>

#include "clock.h"
#include "deadline.h"
#include "log.h"
#include "publish_health.h"
#include "recovery.h"
#include "reload.h"

#define MAX_CENSUS 5           /* seconds from one to the next */
#define SILENT     (2 * TO_NS) /* a worker that has not turned for so long */

const char *to_live_stage_name(const struct to_daemon *d)
{
	const struct to_table *t = to_running_table(d->running);

	if (d->engine == TO_ENGINE_FOREIGN && t)
		return to_table_string(t, t->stage_name);
	return d->past.live.record ? d->past.live.stage : NULL;
}

int to_live_stage(const struct to_daemon *d)
{
	const char *name = to_live_stage_name(d);

	return name ? to_plan_find_stage(d->plan->plan, name) : -1;
}

uint64_t to_live_generation(const struct to_daemon *d)
{
	const struct to_table *t = to_running_table(d->running);

	return t && d->engine != TO_ENGINE_ABSENT ? t->generation : 0;
}

void to_daemon_use_plan(struct to_daemon *d, struct to_plan_file *plan)
{
	struct to_plan_file *before = d->plan;

	d->plan = plan;
	to_answers_begin(&d->answers); /* it counts by the plan's numbers */
	to_health_begin(d);
	if (before)
		to_health_forget_pools(d, before->plan);
	to_plan_file_free(before);
}

void to_daemon_watch_journal(struct to_daemon *d)
{
	if (d->journal.failed)
		to_alarm_raise(&d->alarms, "journal",
			       "the journal in %s cannot be written: %s. Nothing can be changed "
			       "until it can; traffic goes on",
			       d->options.state, strerror(-d->journal.failed));
	else
		to_alarm_clear(&d->alarms, "journal");
}

static void on_census(void *context, const union to_message *m, int fd)
{
	struct to_daemon *d = context;

	(void)fd;
	d->census_asked = false;
	if (m && to_view_refresh(&d->view, 0) == 0)
		to_answers_take(&d->answers, &d->view);
}

/* Some of them within the time that nothing must have lived somewhere. */
static uint64_t census_interval(const struct to_daemon *d)
{
	uint32_t seconds = d->options.quiet / 6;

	return (seconds < 1 ? 1 : seconds > MAX_CENSUS ? MAX_CENSUS : seconds) * TO_NS;
}

static void ask_census(struct to_daemon *d, uint64_t now)
{
	struct to_message_head ask = {.type = TO_MSG_CENSUS};

	/* while a generation is on its way, the engine has better to do */
	if (!to_link_is_up(d->link) || d->census_asked || now + TO_NS / 10 < d->census_due ||
	    d->publisher.step > TO_STEP_COMPILE)
		return;
	if (to_link_ask(d->link, &ask, -1, on_census, d) == 0) {
		d->census_asked = true;
		d->census_due = now + census_interval(d);
	}
}

/* What the engine shows of itself, and what of it a person should know. */
static void watch_engine(struct to_daemon *d)
{
	const struct to_region *r = d->view.copy;
	int err = to_view_refresh(&d->view, 0);

	if (err && err != -ENOTCONN && to_boot_ns() - d->view.copied > 5 * TO_NS)
		to_alarm_raise(&d->alarms, "region", "the engine's counters cannot be read: %s",
			       strerror(-err));
	else if (!err && to_boot_ns() - r->renewed_ns > 5 * TO_NS && to_boot_ns() > r->renewed_ns)
		to_alarm_raise(&d->alarms, "region",
			       "the engine has not renewed its counters for 5 s");
	else
		to_alarm_clear(&d->alarms, "region");
	for (uint32_t i = 0; !err && i < r->workers; i++) {
		if (r->worker[i].silent_ns <= SILENT)
			continue;
		to_alarm_raise(&d->alarms, "worker",
			       "worker %u of the engine has not turned for %llu ms", i,
			       (unsigned long long)(r->worker[i].silent_ns / 1000000));
		return;
	}
	to_alarm_clear(&d->alarms, "worker");
}

static void on_tick(evutil_socket_t fd, short what, void *context)
{
	struct to_daemon *d = context;
	uint64_t now = to_boot_ns();

	(void)fd;
	(void)what;
	watch_engine(d);
	to_recovery_watch(d);
	to_answers_take(&d->answers, &d->view);
	to_partners_tick(d);
	ask_census(d, now);
	if (now >= d->sample_due) {
		to_view_sample(&d->view);
		d->sample_due = now + d->options.quiet * TO_NS / (TO_VIEW_SAMPLES / 2);
	}
	if (d->journal.failed) {
		to_journal_retry(&d->journal);
		to_daemon_watch_journal(d);
		if (!d->journal.failed && d->engine == TO_ENGINE_STUCK)
			d->recovery_due = now;
	}
	to_deadlines_tick(d);
	to_recovery_tick(d);
	to_reload_tick(d);
	if (d->engine == TO_ENGINE_OURS)
		to_health_wanted(d);
	to_notify("WATCHDOG=1");
}

int to_ticks_begin(struct to_daemon *d)
{
	d->tick = event_new(d->base, -1, EV_PERSIST, on_tick, d);
	return d->tick ? event_add(d->tick, &(struct timeval){1, 0}) : -1;
}

void to_ticks_end(struct to_daemon *d)
{
	if (d->tick)
		event_free(d->tick);
}
