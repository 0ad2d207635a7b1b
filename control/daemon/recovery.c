/* SPDX-License-Identifier: BSD-3-Clause */
#include "recovery.h"

#include <errno.h>
#include <string.h>
#include <syslog.h>

#include "background.h"
#include "clock.h"
#include "crash.h"
#include "daemon.h"
#include "log.h"
#include "publish_health.h"
#include "publisher_live.h"
#include "reload.h"

#define AGAIN 2 /* times the engine's time-out: until what failed is tried again */

static void on_published(struct to_daemon *d, struct to_change *c, const struct to_outcome *outcome)
{
	(void)c;
	if (!outcome->error) {
		to_reload_tick(d);
		return;
	}
	if (d->engine == TO_ENGINE_ABSENT)
		return;
	d->engine = TO_ENGINE_STUCK;
	d->recovery_due =
		to_boot_ns() + (uint64_t)(AGAIN * d->options.engine_timeout * (double)TO_NS);
	to_alarm_raise(&d->alarms, "recovery",
		       "the engine runs generation %llu, and what it should run cannot be "
		       "published: %s",
		       (unsigned long long)to_live_generation(d), outcome->message);
}

/* The last acknowledged stage, or the first one where nothing ever was, as a new generation. */
static void publish(struct to_daemon *d)
{
	const char *why = d->past.live.record ? "the engine did not have it" : "the first start";
	struct to_change *c =
		to_change_new(d, d->past.live.record ? "recovery" : "start", "turnoutd", why);
	int err;

	if (!c)
		return;
	if (d->past.live.record) {
		int stage = to_plan_find_stage(d->plan->plan, d->past.live.stage);

		if (stage < 0) {
			struct to_outcome outcome = {
				.message = "the plan has not the stage that was live last",
				.error = "refused"};

			on_published(d, c, &outcome);
			to_change_free(c);
			return;
		}
		c->stage = (uint32_t)stage;
	}
	c->done = on_published;
	err = to_publish(d, c);
	if (err) {
		to_change_free(c);
		d->recovery_due = to_boot_ns() + TO_NS / 2;
	}
}

static bool is(const struct to_intent *intent, const struct to_table *t)
{
	return t && intent->record && intent->generation == t->generation &&
	       intent->checksum == t->checksum;
}

static void settle_intent(struct to_daemon *d, const struct to_table *t)
{
	if (!d->past.open.record)
		return;
	if (is(&d->past.open, t))
		to_publisher_found_live(d);
	else
		to_publisher_abandon(d, "the engine does not run it");
	to_crash_point("recovery: the intent is settled");
}

static void meet_foreign(struct to_daemon *d, const struct to_table *t)
{
	struct to_asked ours = d->asked;

	d->engine = TO_ENGINE_FOREIGN;
	to_answers_begin(&d->answers); /* what it decides is not the stage's */
	to_asked_from_table(&d->asked, t);
	for (int i = 0; i < TO_MAX_EDGES; i++)
		if (ours.state[i] == TO_EDGE_RETIRED)
			d->asked.state[i] = TO_EDGE_RETIRED;
	to_alarm_raise(&d->alarms, "foreign",
		       "the engine runs generation %llu, stage %s, which this journal does not "
		       "know: it is left alone until an operator switches to a stage",
		       (unsigned long long)t->generation, to_table_string(t, t->stage_name));
}

static void resolve(struct to_daemon *d)
{
	const struct to_table *t = to_running_table(d->running);

	/* An intent of a change that is under way is nobody's to settle, and what the other thread
	 * reads may be the plan in force. */
	if (d->publisher.step != TO_STEP_IDLE || to_background_is_busy(d->background)) {
		d->recovery_due = to_boot_ns() + TO_NS / 5;
		return;
	}
	settle_intent(d, t);
	if (d->past.live.record)
		to_asked_read(&d->asked, d->plan->plan, d->past.live.record);
	if (!t || (!is(&d->past.live, t) && to_past_knows(&d->past, t->generation, t->checksum))) {
		publish(d);
		return;
	}
	if (!is(&d->past.live, t)) {
		meet_foreign(d, t);
		return;
	}
	d->engine = TO_ENGINE_OURS;
	to_alarm_clear(&d->alarms, "foreign");
	to_alarm_clear(&d->alarms, "recovery");
	to_log(LOG_NOTICE, "the engine runs generation %llu, stage %s, as it should",
	       (unsigned long long)t->generation, d->past.live.stage);
	to_health_wanted(d);
	to_reload_tick(d);
}

static void on_table(void *context, const union to_message *m, int fd)
{
	struct to_daemon *d = context;
	struct to_image image;
	const char *why;
	int err;

	if (!m)
		return;
	if (m->head.type == TO_MSG_REFUSED) {
		to_link_drop(d->link, "it does not give its table: %s", m->refused.reason);
		return;
	}
	err = to_image_read_fd(fd, &image, &why);
	if (err) {
		to_link_drop(d->link, "its table cannot be used: %s", why ? why : strerror(-err));
		return;
	}
	to_running_drop(d->running);
	d->running = to_running_new(&image);
	if (!d->running) {
		to_image_free(&image);
		to_link_drop(d->link, "no memory for its table");
		return;
	}
	resolve(d);
}

/* Returns 0, or a negative errno: the link is down, or is to take nothing more now. */
static int ask_table(struct to_daemon *d)
{
	struct to_message_head ask = {.type = TO_MSG_TABLE};

	return to_link_ask(d->link, &ask, -1, on_table, d);
}

void to_recovery_watch(struct to_daemon *d)
{
	uint64_t runs = d->view.copy->generation;

	/* The region is renewed once a second: what it shows may be older than what was published,
	 * and is nobody's until a change that is under way is over. */
	if (!d->view.fresh || d->publisher.step != TO_STEP_IDLE || d->engine == TO_ENGINE_ABSENT ||
	    d->engine == TO_ENGINE_MEETING || runs <= to_live_generation(d))
		return;
	if (ask_table(d) < 0)
		return; /* the next look asks again */
	to_log(LOG_WARNING, "the engine runs generation %llu, which was not published here",
	       (unsigned long long)runs);
	d->engine = TO_ENGINE_MEETING;
}

void to_recovery_begin(struct to_daemon *d)
{
	int err;

	d->engine = TO_ENGINE_MEETING;
	d->recovery_due = 0;
	to_running_drop(d->running);
	d->running = NULL;
	to_alarm_clear(&d->alarms, "not-live");
	if (!d->welcome.generation) {
		resolve(d);
		return;
	}
	err = ask_table(d);
	if (err < 0 && err != -ENOTCONN)
		to_link_drop(d->link, "it cannot be asked for its table: %s", strerror(-err));
}

void to_recovery_tick(struct to_daemon *d)
{
	if (!d->recovery_due || to_boot_ns() < d->recovery_due)
		return;
	d->recovery_due = 0;
	if (d->engine == TO_ENGINE_STUCK || d->engine == TO_ENGINE_MEETING)
		resolve(d);
}
