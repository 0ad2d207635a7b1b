/* SPDX-License-Identifier: BSD-3-Clause */
#include "start.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "api.h"
#include "background.h"
#include "clock.h"
#include "daemon.h"
#include "log.h"
#include "metrics.h"
#include "publish_health.h"
#include "publisher_live.h"
#include "recovery.h"

static int on_welcome(void *context, const struct to_msg_welcome *w, int region)
{
	struct to_daemon *d = context;
	int err = to_view_attach(&d->view, region);

	if (err && err != -EAGAIN)
		return err;
	d->welcome = *w;
	d->connected_since = to_today();
	d->census_asked = false;
	d->census_due = 0;
	to_answers_begin(&d->answers);
	to_alarm_clear(&d->alarms, "engine");
	to_log(LOG_NOTICE, "engine %s, process %u: generation %llu", w->build, w->pid,
	       (unsigned long long)w->generation);
	to_recovery_begin(d);
	return 0;
}

static void on_lost(void *context, const char *why)
{
	struct to_daemon *d = context;

	d->engine = TO_ENGINE_ABSENT;
	to_view_detach(&d->view);
	to_partners_lost(d);
	to_publisher_lost(d);
	/* what it ran, or did not, is asked again when one is back */
	to_alarm_clear(&d->alarms, "foreign");
	to_alarm_clear(&d->alarms, "recovery");
	to_alarm_clear(&d->alarms, "not-live");
	to_alarm_raise(&d->alarms, "engine",
		       "no engine is connected: %s. What it was given last goes on, as long as it "
		       "runs",
		       why);
}

/* The plan to begin with: that of the last acknowledged generation, else the file's. */
static int choose_plan(struct to_daemon *d)
{
	const char *wanted = d->past.live.plan ? d->past.live.plan : d->past.open.plan;
	char *messages = NULL;
	int err;

	if (wanted && to_plan_find(d, wanted, &d->plan) == 0) {
		d->plan_kept = true;
		return 0;
	}
	err = to_plan_file_read(d->options.plan, &d->plan, &messages);
	if (!err && wanted && strcmp(wanted, d->plan->sha256))
		to_alarm_raise(&d->alarms, "plan",
			       "the plan that was accepted is not in %s any more: the file is "
			       "taken for it",
			       d->options.state);
	if (err)
		to_log(LOG_ERR, "%s", messages && *messages ? messages : strerror(-err));
	free(messages);
	return err;
}

static int open_journal(struct to_daemon *d)
{
	char err[600];
	int ret = to_past_init(&d->past);

	if (ret < 0)
		return ret;
	ret = to_journal_open(&d->journal, d->options.state, to_past_fold, &d->past, err,
			      sizeof(err));
	if (ret < 0) {
		to_log(LOG_ERR, "%s", err);
		return ret;
	}
	to_journal_note(&d->journal,
			json_pack("{s:s, s:s}", "what", "start", "version", TURNOUT_VERSION));
	to_daemon_watch_journal(d);
	return 0;
}

static json_t *ask_for_metrics(void *context, const char *what)
{
	return to_api_ask(context, what);
}

static const struct to_region *region_for_metrics(void *context)
{
	struct to_daemon *d = context;

	to_view_refresh(&d->view, TO_NS / 5);
	return d->view.fresh ? d->view.copy : NULL;
}

static int open_outside(struct to_daemon *d)
{
	const struct to_link_calls calls = {d, on_welcome, on_lost};
	char err[300] = "no memory";
	int ret = to_api_open(d, err, sizeof(err));

	if (!ret)
		ret = to_link_open(d->base, d->options.engine, d->options.engine_timeout, &calls,
				   &d->link);
	if (!ret && d->options.metrics) {
		const struct to_metrics_source source = {d, ask_for_metrics, region_for_metrics};

		ret = to_metrics_open(d->base, d->options.metrics, &source, &d->metrics, err,
				      sizeof(err));
	}
	if (ret < 0)
		to_log(LOG_ERR, "%s", err);
	return ret;
}

int to_daemon_open(struct to_daemon *d)
{
	int ret;

	d->started = to_today();
	d->plan_wanted = "the file at the start";
	d->journal = (struct to_journal){.dir = -1, .fd = -1};
	ret = to_view_init(&d->view);
	if (!ret)
		ret = open_journal(d);
	if (ret < 0)
		return ret;
	ret = choose_plan(d);
	if (ret < 0)
		return ret;
	if (d->past.live.record) {
		to_asked_read(&d->asked, d->plan->plan, d->past.live.record);
		to_unhealthy_read(&d->unhealthy, d->plan->plan, d->past.live.record);
	}
	ret = to_publisher_init(d);
	if (!ret)
		ret = to_health_init(d);
	if (!ret)
		ret = to_ticks_begin(d);
	if (!ret)
		ret = open_outside(d);
	if (!ret) /* a thread: last, so that what came before need not think of it */
		ret = to_background_open(d->base, &d->background);
	if (ret < 0)
		return ret;
	to_health_begin(d);
	return 0;
}

void to_daemon_close(struct to_daemon *d)
{
	/* first whoever waits for something hears that it will not come */
	to_background_close(d->background);
	to_link_close(d->link);
	d->link = NULL;
	to_publisher_free(d);
	to_metrics_close(d->metrics);
	to_api_close(d);
	to_health_end(d);
	to_ticks_end(d);
	if (d->health_timer)
		event_free(d->health_timer);
	to_running_drop(d->running);
	to_view_free(&d->view);
	to_plan_file_free(d->plan);
	to_journal_close(&d->journal);
	to_past_free(&d->past);
}
