/* SPDX-License-Identifier: BSD-3-Clause */
/* Health into generations: few of them, however much an edge flaps. */
#ifndef TURNOUT_DAEMON_PUBLISH_HEALTH_H
#define TURNOUT_DAEMON_PUBLISH_HEALTH_H

struct to_daemon;
struct to_plan;

int to_health_init(struct to_daemon *d);

/* Checks of the plan in force begin, instead of those before. */
void to_health_begin(struct to_daemon *d);
void to_health_end(struct to_daemon *d);

/* Soon, what runs is compared with what the checks say. */
void to_health_wanted(struct to_daemon *d);

/* Another plan is in force: alarms of pools that it has not are over. */
void to_health_forget_pools(struct to_daemon *d, const struct to_plan *before);

#endif
