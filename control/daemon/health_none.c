/* SPDX-License-Identifier: BSD-3-Clause */
/* turnoutd without health checks: every edge's health is "none", and operators' words alone count.
 */
#include <errno.h>
#include <stddef.h>

#include "health.h"

int to_health_open(struct event_base *base, const struct to_plan *plan, to_health_changed *changed,
		   void *context, struct to_health **out)
{
	(void)base;
	(void)plan;
	(void)changed;
	(void)context;
	*out = NULL;
	return -ENOTSUP;
}

void to_health_close(struct to_health *health)
{
	(void)health;
}

unsigned to_health_count(const struct to_health *health)
{
	(void)health;
	return 0;
}

void to_health_get(const struct to_health *health, unsigned i, struct to_health_check *out)
{
	(void)health;
	(void)i;
	*out = (struct to_health_check){0};
}
