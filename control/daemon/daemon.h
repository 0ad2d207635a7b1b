/* SPDX-License-Identifier: BSD-3-Clause */
/* All that turnoutd is, in one place; each part's functions are in the header of its name. */
#ifndef TURNOUT_DAEMON_H
#define TURNOUT_DAEMON_H

#include <turnout/table_read.h>

#include "alarms.h"
#include "answers.h"
#include "edges.h"
#include "engine_link.h"
#include "journal.h"
#include "options.h"
#include "partners.h"
#include "past.h"
#include "plan_keep.h"
#include "publisher.h"
#include "view.h"

struct event;
struct event_base;
struct to_api;
struct to_background;
struct to_metrics;

enum to_engine_state {
	TO_ENGINE_ABSENT,  /* not connected */
	TO_ENGINE_MEETING, /* connected; what it runs is being found out, or put right */
	TO_ENGINE_FOREIGN, /* it runs what this journal does not know: recovery.h */
	TO_ENGINE_STUCK,   /* what it should run could not be published; tried again */
	TO_ENGINE_OURS,    /* it runs the last acknowledged generation */
};

struct to_daemon {
	struct event_base *base;
	struct to_options options;
	int64_t started;
	struct to_alarms alarms;
	struct to_journal journal;
	struct to_past past;
	struct to_background *background;

	struct to_plan_file *plan; /* in force */
	struct to_asked asked;     /* likewise */
	struct to_health *health;
	struct to_unhealthy unhealthy;
	struct event *health_timer;
	uint64_t health_published; /* CLOCK_BOOTTIME, ns */

	struct to_link *link;
	enum to_engine_state engine;
	struct to_msg_welcome welcome; /* of the engine that is, or was, connected */
	int64_t connected_since;
	struct to_running *running; /* the table that it runs; NULL: none */
	struct to_view view;
	struct to_answers answers;
	struct to_partner_watch partners;
	bool census_asked;
	uint64_t census_due; /* CLOCK_BOOTTIME, ns, likewise below */
	uint64_t sample_due;
	uint64_t recovery_due;
	bool plan_kept;          /* the plan in force is in the state directory */
	const char *plan_wanted; /* why its file is to be read again; NULL: it is not */

	struct to_publisher publisher;
	struct to_api *api;
	struct to_metrics *metrics;
	struct event *tick;
};

/* The stage that is live, in the plan in force; -1: none, or the plan has it not. */
int to_live_stage(const struct to_daemon *d);
/* Its name; NULL: none. */
const char *to_live_stage_name(const struct to_daemon *d);
/* The generation that the engine decides by; 0: none, or no engine. */
uint64_t to_live_generation(const struct to_daemon *d);

/* The plan changes: what hangs on it begins anew. Takes `plan`. */
void to_daemon_use_plan(struct to_daemon *d, struct to_plan_file *plan);

/* Raises or clears the alarm of the journal, after something was written. */
void to_daemon_watch_journal(struct to_daemon *d);

/* What is looked after once a second. */
int to_ticks_begin(struct to_daemon *d);
void to_ticks_end(struct to_daemon *d);

#endif
