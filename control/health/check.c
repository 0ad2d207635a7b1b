/* SPDX-License-Identifier: BSD-3-Clause */
/* When a check asks, and what comes of it. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <event2/util.h>

#include "internal.h"

static uint64_t monotonic_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Below `bound`, which is not 0. */
static uint32_t random_below(uint32_t bound)
{
	uint32_t n;

	evutil_secure_rng_get_bytes(&n, sizeof(n));
	return n % bound;
}

static void set_timer(struct to_check *check, uint64_t ms)
{
	const struct timeval in = {(time_t)(ms / 1000), (suseconds_t)(ms % 1000 * 1000)};

	evtimer_add(check->timer, &in);
}

void to_check_spread(struct to_check *check)
{
	set_timer(check, random_below(check->times.interval));
}

/* So that checks that began together do not stay together: the interval and up to a tenth of it
 * more or less, from when this probe began. */
static void plan_next(struct to_check *check)
{
	uint32_t interval = check->times.interval, tenth = interval / 10;
	uint64_t next = check->began + interval - tenth + random_below(2 * tenth + 1);
	uint64_t now = monotonic_ms();

	set_timer(check, next > now ? next - now : 1);
}

/* The slot goes to who has waited longest. */
static void leave_slot(struct to_check *check)
{
	struct to_health *health = check->health;
	struct to_check *next = TAILQ_FIRST(&health->waiting);

	check->slot = false;
	if (!next || health->taken > health->most) {
		health->taken--;
		return;
	}
	TAILQ_REMOVE(&health->waiting, next, queue);
	next->waiting = false;
	next->slot = true;
	set_timer(next, 0); /* not from here: how deep would that go? */
}

static bool take_slot(struct to_check *check)
{
	struct to_health *health = check->health;

	if (check->slot)
		return true;
	if (health->taken >= health->most) {
		TAILQ_INSERT_TAIL(&health->waiting, check, queue);
		check->waiting = true;
		return false;
	}
	health->taken++;
	check->slot = true;
	return true;
}

static void time_out(struct to_check *check)
{
	unsigned others = check->attempt.others;

	if (others)
		to_check_done(check, TO_BAD,
			      "no answer within %u ms, but %u datagrams that are none",
			      check->times.timeout, others);
	else
		to_check_done(check, TO_BAD, "no answer within %u ms", check->times.timeout);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
	struct to_check *check = context;

	(void)fd;
	(void)what;
	if (check->under_way) {
		time_out(check);
		return;
	}
	if (!take_slot(check))
		return;
	check->under_way = true;
	check->began = monotonic_ms();
	set_timer(check, check->times.timeout);
	to_probe_begin(check);
}

struct to_check *to_check_make(struct to_health *health, const struct to_target *target)
{
	struct to_check *check = calloc(1, sizeof(*check));

	if (!check)
		return NULL;
	check->health = health;
	check->target = *target;
	check->fresh = true;
	check->attempt.fd = -1;
	check->timer = evtimer_new(health->base, on_timer, check);
	if (!check->timer) {
		free(check);
		return NULL;
	}
	snprintf(check->message, sizeof(check->message), "not asked yet");
	return check;
}

void to_check_free(struct to_check *check)
{
	if (check->waiting)
		TAILQ_REMOVE(&check->health->waiting, check, queue);
	if (check->under_way)
		to_probe_end(check);
	if (check->slot)
		leave_slot(check);
	event_free(check->timer);
	free(check->certificate);
	free(check);
}

/* Whom a message is about; its length. */
static int begin_message(struct to_check *check)
{
	const struct to_target *t = &check->target;
	char endpoint[TO_ENDPOINT];

	to_endpoint_text(&t->addr, t->port, endpoint);
	if (t->mark)
		return snprintf(check->message, sizeof(check->message),
				"VIP %s by mark %u: ", endpoint, t->mark);
	return snprintf(check->message, sizeof(check->message), "%s%s: ", endpoint,
			t->not_the_vip ? " (the edge's own address, not the VIP)" : "");
}

static void write_message(struct to_check *check, const char *format, va_list args)
{
	int n = begin_message(check);

	evutil_vsnprintf(check->message + n, sizeof(check->message) - (size_t)n, format, args);
}

static void count(struct to_check *check, bool good)
{
	const struct to_plan_check *times = &check->times;

	if (good != check->good)
		check->in_a_row = 0;
	check->good = good;
	if (check->in_a_row < UINT8_MAX)
		check->in_a_row++;
	if (check->in_a_row >= (good ? times->rise : times->fall))
		check->state = good ? TO_CHECK_UP : TO_CHECK_DOWN;
}

void to_check_done(struct to_check *check, enum to_outcome outcome, const char *format, ...)
{
	struct to_health *health = check->health;
	struct to_pair *pair = &health->set->pair[check->pair];
	va_list args;

	va_start(args, format);
	write_message(check, format, args);
	va_end(args);
	to_probe_end(check);
	check->under_way = false;
	leave_slot(check);
	plan_next(check);
	if (outcome == TO_NOT_ASKED)
		return;
	check->at = (uint64_t)time(NULL);
	count(check, outcome == TO_GOOD);
	to_pair_tell(health, pair);
}
