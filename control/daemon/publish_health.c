/* SPDX-License-Identifier: BSD-3-Clause */
#include "publish_health.h"

#include <event2/event.h>
#include <string.h>

#include "clock.h"
#include "daemon.h"

#define COLLECT  (TO_NS / 20) /* changes that come together are one generation */
#define INTERVAL (TO_NS / 5)  /* between two of them */
#define PENALTY  (5 * TO_NS)  /* after one that failed */

void to_health_wanted(struct to_daemon *d)
{
	uint64_t now = to_boot_ns(), due = d->health_published + INTERVAL;
	uint64_t wait = due > now + COLLECT ? due - now : COLLECT;
	struct timeval tv = {(time_t)(wait / TO_NS), (suseconds_t)(wait % TO_NS / 1000)};

	if (d->health_timer && !evtimer_pending(d->health_timer, NULL))
		evtimer_add(d->health_timer, &tv);
}

static void on_change(void *context, const struct to_health_check *check)
{
	(void)check;
	to_health_wanted(context);
}

void to_health_begin(struct to_daemon *d)
{
	int err;

	if (d->health)
		err = to_health_plan(d->health, d->plan->plan);
	else
		err = to_health_open(d->base, d->plan->plan, on_change, d, &d->health);
	if (err)
		to_alarm_raise(&d->alarms, "health", "edges are not checked by this plan: %s",
			       strerror(-err));
	else
		to_alarm_clear(&d->alarms, "health");
}

void to_health_end(struct to_daemon *d)
{
	to_health_close(d->health);
	d->health = NULL;
}

/* What the worst check of an edge says. */
static void message_of(const struct to_daemon *d, uint32_t edge, char *out, size_t size)
{
	struct to_health_check check;
	uint8_t worst = TO_CHECK_UNKNOWN;

	out[0] = '\0';
	for (unsigned i = 0; i < to_health_count(d->health); i++) {
		to_health_get(d->health, i, &check);
		if (check.edge != edge || check.state < worst)
			continue;
		worst = check.state;
		snprintf(out, size, "%s: %s", check.kind, check.message);
	}
}

static void record_changes(const struct to_daemon *d, struct to_change *c)
{
	const struct to_plan *plan = d->plan->plan;
	struct to_unhealthy before;
	char message[256];

	to_unhealthy_read(&before, plan, d->past.live.record);
	for (uint32_t i = 0; i < plan->edges; i++) {
		if (before.down[i] == d->unhealthy.down[i])
			continue;
		message_of(d, i, message, sizeof(message));
		to_change_record(c, json_pack("{s:s, s:s, s:s, s:s}", "what", "health", "edge",
					      plan->edge[i].name, "state",
					      d->unhealthy.down[i] ? "down" : "up", "message",
					      message));
	}
}

static void pool_alarm(const struct to_plan_pool *pool, char name[48])
{
	snprintf(name, 48, "pool-%s", pool->name);
}

void to_health_forget_pools(struct to_daemon *d, const struct to_plan *before)
{
	const struct to_plan *now = d->plan->plan;
	char name[48];

	for (uint32_t i = 0; i < before->pools; i++) {
		uint32_t k = 0;

		while (k < now->pools && strcmp(now->pool[k].name, before->pool[i].name) != 0)
			k++;
		pool_alarm(&before->pool[i], name);
		if (k == now->pools)
			to_alarm_clear(&d->alarms, name);
	}
}

/* A pool that nobody can be sent to any more is worth a person's attention. */
static void watch_pools(struct to_daemon *d, const uint8_t *states)
{
	const struct to_plan *plan = d->plan->plan;
	char name[48];

	for (uint32_t p = 0; p < plan->pools; p++) {
		const struct to_plan_pool *pool = &plan->pool[p];
		bool some = false, wanted = false;

		for (int e = 0; e < pool->edges; e++) {
			some |= states[pool->first_edge + e] == TO_EDGE_UP;
			wanted |= d->asked.state[pool->first_edge + e] == TO_EDGE_UP;
		}
		pool_alarm(pool, name);
		if (wanted && !some)
			to_alarm_raise(&d->alarms, name,
				       "no edge of pool %s is up: it takes no new flow",
				       pool->name);
		else
			to_alarm_clear(&d->alarms, name);
	}
}

static void on_published(struct to_daemon *d, struct to_change *c, const struct to_outcome *outcome)
{
	(void)c;
	if (outcome->error)
		d->health_published = to_boot_ns() + PENALTY;
}

static bool differs(const struct to_daemon *d, const uint8_t *states)
{
	const struct to_table *t = to_running_table(d->running);

	for (uint32_t i = 0; t && i < to_table_edge_count(t); i++)
		if (to_table_edges(t)[i].state != states[i])
			return true;
	return false;
}

static void on_timer(int fd, short what, void *context)
{
	struct to_daemon *d = context;
	uint8_t states[TO_MAX_EDGES];
	struct to_change *c;

	(void)fd;
	(void)what;
	to_unhealthy_update(&d->unhealthy, d->health, d->plan->plan->edges);
	to_edge_states(&d->asked, &d->unhealthy, d->plan->plan->edges, states);
	watch_pools(d, states);
	if (d->engine != TO_ENGINE_OURS || d->publisher.step != TO_STEP_IDLE || !differs(d, states))
		return; /* whoever changes that asks again */
	c = to_change_new(d, "health", "turnoutd", "health checks");
	if (!c)
		return;
	record_changes(d, c);
	c->done = on_published;
	if (to_publish(d, c) < 0) {
		to_change_free(c);
		to_health_wanted(d);
	}
}

int to_health_init(struct to_daemon *d)
{
	d->health_timer = evtimer_new(d->base, on_timer, d);
	return d->health_timer ? 0 : -ENOMEM;
}
