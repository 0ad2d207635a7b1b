/* SPDX-License-Identifier: BSD-3-Clause */
#include "engine_notify.h"

#include <stdio.h>
#include <time.h>
#include <turnout/notify.h>
#include <turnout/table_read.h>

#define SECOND 1000000000u

static uint64_t monotonic_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * SECOND + (uint64_t)ts.tv_nsec;
}

static void tell(struct to_engine_notice *n, const char *first, const struct to_table *running)
{
	char text[TO_MAX_NAME + 96];

	n->generation = running ? running->generation : 0;
	if (running)
		snprintf(text, sizeof(text), "%sSTATUS=generation %llu, stage %s", first,
			 (unsigned long long)n->generation,
			 to_table_string(running, running->stage_name));
	else
		snprintf(text, sizeof(text), "%sSTATUS=no generation: all packets are the kernel's",
			 first);
	to_notify(text);
}

void to_engine_notify_ready(struct to_engine_notice *n, const struct to_table *running)
{
	tell(n, "READY=1\n", running);
	n->due_ns = monotonic_ns() + SECOND;
}

/* Nothing of workers: what a restart would take from those that turn is more than it gives the one
 * that hangs, and turnoutd raises an alarm for it. */
void to_engine_notify_turn(struct to_engine_notice *n, const struct to_table *running)
{
	uint64_t now = monotonic_ns();

	if (n->generation != (running ? running->generation : 0))
		tell(n, "", running);
	if (now < n->due_ns)
		return;
	n->due_ns = now + SECOND;
	to_notify("WATCHDOG=1");
}

void to_engine_notify_end(void)
{
	to_notify("STOPPING=1");
}
