/* SPDX-License-Identifier: BSD-3-Clause */
#include "publisher.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include <turnout/table_follow.h>

#include "background.h"
#include "clock.h"
#include "compile.h"
#include "crash.h"
#include "daemon.h"
#include "log.h"
#include "publish_health.h"
#include "publisher_live.h"

#define LIVE_IN 2 /* seconds from the commit, before somebody is told */

/* What the other thread works on. */
struct to_compile_job {
	struct to_daemon *d;
	const struct to_plan *plan;
	struct to_unhealthy unhealthy; /* as it was when this began */
	uint8_t states[TO_MAX_EDGES];
	struct to_compile_input input;
	struct to_running *previous;
	struct to_image image;
	int memfd;
	int err;
	char why[256];
};

struct to_running *to_running_new(const struct to_image *image)
{
	struct to_running *r = calloc(1, sizeof(*r));

	if (r)
		*r = (struct to_running){*image, 1};
	return r;
}

void to_running_drop(struct to_running *r)
{
	if (!r || --r->users)
		return;
	to_image_free(&r->image);
	free(r);
}

const struct to_table *to_running_table(const struct to_running *r)
{
	return r ? r->image.data : NULL;
}

struct to_change *to_change_new(const struct to_daemon *d, const char *cause, const char *who,
				const char *why)
{
	struct to_change *c = calloc(1, sizeof(*c));
	int stage = to_live_stage(d);

	if (!c)
		return NULL;
	c->cause = cause;
	c->stage = stage < 0 ? 0 : (uint32_t)stage;
	c->asked = d->asked;
	snprintf(c->who, sizeof(c->who), "%s", who);
	snprintf(c->why, sizeof(c->why), "%s", why ? why : "");
	return c;
}

void to_change_free(struct to_change *c)
{
	if (!c)
		return;
	to_plan_file_free(c->plan);
	json_decref(c->records);
	free(c);
}

void to_change_record(struct to_change *c, json_t *record)
{
	if (!c->records)
		c->records = json_array();
	json_array_append_new(c->records, record);
}

static void free_job(struct to_compile_job *job)
{
	if (!job)
		return;
	to_running_drop(job->previous);
	to_image_free(&job->image);
	if (job->memfd >= 0)
		close(job->memfd);
	free(job);
}

/* The change is over, one way or the other. */
static void finish(struct to_daemon *d, const struct to_outcome *outcome)
{
	struct to_publisher *p = &d->publisher;
	struct to_compile_job *job = p->job; /* the message may be in it */
	struct to_change *c = p->change;

	event_del(p->late);
	p->job = NULL;
	p->change = NULL;
	p->step = TO_STEP_IDLE;
	if (outcome->error)
		to_log(LOG_WARNING, "generation %llu (%s): %s", (unsigned long long)p->generation,
		       c->cause, outcome->message);
	if (c->done)
		c->done(d, c, outcome);
	to_change_free(c);
	free_job(job);
	to_health_wanted(d);
}

static void fail(struct to_daemon *d, const char *error, const char *message)
{
	struct to_outcome outcome = {
		.error = error, .message = message, .generation = d->publisher.generation};

	finish(d, &outcome);
}

static void compile(void *argument)
{
	struct to_compile_job *job = argument;

	job->err = to_compile(job->plan, &job->input, &job->image);
	if (job->err) {
		snprintf(job->why, sizeof(job->why), "it cannot be compiled: %s",
			 strerror(-job->err));
		return;
	}
	if (job->previous)
		job->err = to_table_can_follow(to_running_table(job->previous), job->image.data,
					       job->why, sizeof(job->why));
	if (job->err)
		return;
	job->memfd = to_image_memfd(&job->image);
	job->err = job->memfd < 0 ? job->memfd : 0;
	if (job->err)
		snprintf(job->why, sizeof(job->why), "it cannot be handed over: %s",
			 strerror(-job->err));
}

/* Names, not numbers: the record must be read with any plan. */
static json_t *intent(const struct to_daemon *d)
{
	const struct to_publisher *p = &d->publisher;
	const struct to_change *c = p->change;
	const struct to_plan_file *file = c->plan ? c->plan : d->plan;
	const struct to_table *t = p->job->image.data;
	char checksum[20];
	json_t *record, *states = json_object();

	snprintf(checksum, sizeof(checksum), "%016llx", (unsigned long long)t->checksum);
	for (uint32_t i = 0; i < file->plan->edges; i++)
		if (p->job->states[i] != TO_EDGE_UP)
			json_object_set_new(states, file->plan->edge[i].name,
					    json_string(to_edge_state_names[p->job->states[i]]));
	record =
		json_pack("{s:s, s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:o}", "what", "intent",
			  "generation", (json_int_t)p->generation, "stage",
			  file->plan->stage[c->stage].name, "cause", c->cause, "who", c->who, "why",
			  c->why, "plan", file->sha256, "checksum", checksum, "edges", states);
	if (!record)
		return NULL;
	if (c->force)
		json_object_set_new(record, "force", json_true());
	to_asked_write(&c->asked, file->plan, record);
	to_unhealthy_write(&p->job->unhealthy, file->plan, record);
	return record;
}

/* Everything that must be on the disk before the commit. */
static int write_down(struct to_daemon *d)
{
	struct to_change *c = d->publisher.change;
	json_t *record;
	size_t i;
	int err = c->plan ? to_plan_keep_aside(d->journal.dir, c->plan) : to_plan_first(d);

	json_array_foreach(c->records, i, record)
	{
		if (!err)
			err = to_journal_add(&d->journal, json_incref(record));
	}
	if (err)
		return err;
	record = intent(d);
	return record ? to_journal_add(&d->journal, record) : -ENOMEM;
}

static void on_late(int fd, short what, void *context)
{
	struct to_daemon *d = context;
	const struct to_publisher *p = &d->publisher;
	char late[200] = "";
	size_t at = 0;

	(void)fd;
	(void)what;
	for (uint32_t i = 0; i < p->workers && at < sizeof(late) - 20; i++)
		if (p->worker[i] != p->generation)
			at += (size_t)snprintf(late + at, sizeof(late) - at, "%s%u", at ? ", " : "",
					       i);
	to_alarm_raise(&d->alarms, "not-live",
		       "generation %llu is not live %d s after its commit: %s%s",
		       (unsigned long long)p->generation, LIVE_IN,
		       at ? "not taken by worker " : "the engine has said nothing of it", late);
}

static void on_applied(void *context, const union to_message *m, int fd)
{
	struct to_daemon *d = context;
	struct to_publisher *p = &d->publisher;
	struct to_outcome outcome = {.generation = p->generation,
				     .prepare_us = p->prepare_ns / 1000};

	(void)fd;
	if (!m) {
		fail(d, "engine",
		     "the engine went away after the commit; what became of it is found out when "
		     "it is back");
		return;
	}
	if (m->head.type == TO_MSG_REFUSED) {
		to_publisher_abandon(d, m->refused.reason);
		fail(d, "refused", m->refused.reason);
		return;
	}
	if (m->applied.generation != p->generation) {
		to_link_drop(d->link, "it applied another generation than was committed");
		if (p->step == TO_STEP_COMMIT) /* its last answer: nobody waited for more */
			fail(d, "engine", "the engine applied another generation");
		return;
	}
	p->workers = m->applied.workers;
	memcpy(p->worker, m->applied.worker, sizeof(p->worker));
	if (!m->applied.live)
		return;
	to_crash_point("publish: applied");
	outcome.live_us = m->applied.took_ns / 1000;
	to_publisher_live(d, &p->job->image, &outcome);
	to_crash_point("publish: live");
	finish(d, &outcome);
}

static void commit(struct to_daemon *d)
{
	struct to_publisher *p = &d->publisher;
	struct to_msg_generation m = {.head.type = TO_MSG_COMMIT, .generation = p->generation};
	const struct timeval live_in = {LIVE_IN, 0};

	p->step = TO_STEP_COMMIT;
	p->workers = 0;
	if (to_link_ask(d->link, &m, -1, on_applied, d) < 0) {
		fail(d, "engine", "the engine went away; nothing has changed");
		return;
	}
	to_crash_point("publish: committed");
	evtimer_add(p->late, &live_in);
}

static void on_prepared(void *context, const union to_message *m, int fd)
{
	struct to_daemon *d = context;
	struct to_publisher *p = &d->publisher;
	char why[256];
	int err;

	(void)fd;
	if (!m) {
		fail(d, "engine", "the engine went away; nothing has changed");
		return;
	}
	if (m->head.type == TO_MSG_REFUSED) {
		fail(d, "refused", m->refused.reason);
		return;
	}
	if (m->prepared.generation != p->generation) {
		/* its answer to the commit will be refused, if this was not the end of it */
		fail(d, "engine", "the engine prepared another generation than it was given");
		to_link_drop(d->link, "it prepared another generation than it was given");
		return;
	}
	to_crash_point("publish: prepared");
	p->prepare_ns = m->prepared.took_ns;
	err = write_down(d);
	to_daemon_watch_journal(d);
	if (!err) {
		commit(d);
		return;
	}
	to_link_ask(d->link, &(struct to_message_head){.type = TO_MSG_DISCARD}, -1, NULL, NULL);
	snprintf(why, sizeof(why), "it cannot be written down, so it is not done: %s",
		 strerror(-err));
	fail(d, "journal", why);
}

static void on_compiled(void *argument)
{
	struct to_compile_job *job = argument;
	struct to_daemon *d = job->d;
	struct to_publisher *p = &d->publisher;

	if (p->lost) {
		fail(d, "engine", "the engine went away; nothing has changed");
		return;
	}
	if (job->err) {
		fail(d, "refused", job->why);
		return;
	}
	to_crash_point("publish: compiled");
	p->step = TO_STEP_PREPARE;
	if (to_link_ask(d->link, &(struct to_message_head){.type = TO_MSG_PREPARE}, job->memfd,
			on_prepared, d) < 0)
		fail(d, "engine", "the engine went away; nothing has changed");
}

static struct to_compile_job *new_job(struct to_daemon *d, const struct to_change *c,
				      uint64_t generation)
{
	const struct to_plan_file *file = c->plan ? c->plan : d->plan;
	struct to_compile_job *job = calloc(1, sizeof(*job));

	if (!job)
		return NULL;
	job->d = d;
	job->plan = file->plan;
	job->memfd = -1;
	job->previous = d->running;
	if (d->running)
		d->running->users++;
	job->unhealthy = d->unhealthy;
	to_edge_states(&c->asked, &job->unhealthy, file->plan->edges, job->states);
	job->input = (struct to_compile_input){
		.stage = c->stage,
		.edge_states = job->states,
		.generation = generation,
		.now = (uint32_t)to_today(),
		.previous = to_running_table(d->running),
	};
	return job;
}

int to_publish(struct to_daemon *d, struct to_change *c)
{
	struct to_publisher *p = &d->publisher;
	uint64_t running = d->running ? to_running_table(d->running)->generation : 0;
	uint64_t highest = running > d->past.highest ? running : d->past.highest;
	struct to_compile_job *job;
	int err;

	if (p->step != TO_STEP_IDLE)
		return -EBUSY;
	if (!to_link_is_up(d->link))
		return -ENOTCONN;
	job = new_job(d, c, highest + 1);
	if (!job)
		return -ENOMEM;
	err = to_background_run(d->background, compile, on_compiled, NULL, job);
	if (err) {
		free_job(job);
		return err;
	}
	p->job = job;
	p->change = c;
	p->generation = highest + 1;
	p->step = TO_STEP_COMPILE;
	p->since = to_today();
	p->lost = false;
	return 0;
}

void to_publisher_lost(struct to_daemon *d)
{
	/* later steps hear of it from their question */
	d->publisher.lost = d->publisher.step == TO_STEP_COMPILE;
}

int to_publisher_init(struct to_daemon *d)
{
	d->publisher.late = evtimer_new(d->base, on_late, d);
	return d->publisher.late ? 0 : -ENOMEM;
}

void to_publisher_free(struct to_daemon *d)
{
	struct to_publisher *p = &d->publisher;

	if (p->step != TO_STEP_IDLE)
		fail(d, "engine", "turnoutd is ending");
	if (p->late)
		event_free(p->late);
	p->late = NULL;
}
