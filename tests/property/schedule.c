/* SPDX-License-Identifier: BSD-3-Clause */
#include "schedule.h"

/* Mostly little time passes; sometimes more than any time-out. */
static uint32_t generate_wait(struct random *r, bool calm)
{
	uint32_t dice = random_below(r, 1000);

	if (dice < 600)
		return 0;
	if (dice < 860)
		return 1 + random_below(r, 3);
	if (dice < 950)
		return 4 + random_below(r, 12);
	if (dice < 985 || calm)
		return 16 + random_below(r, 60);
	if (dice < 997)
		return 70 + random_below(r, 700);
	return 700 + random_below(r, 20000);
}

static enum event_type generate_type(struct random *r, const struct schedule *s, bool stormy)
{
	uint32_t dice = random_below(r, 1000), storm = stormy ? 120 : 40;

	if (dice < storm)
		return EVENT_STAGE;
	if (dice < 2 * storm)
		return EVENT_HEALTH;
	if (dice < 2 * storm + 70)
		return EVENT_PROBE;
	if (dice < 2 * storm + 80)
		return EVENT_OWN;
	if (dice < 2 * storm + 90)
		return s->file ? EVENT_RESTART : EVENT_SWEEP;
	return EVENT_FLOW;
}

void schedule_generate(struct schedule *s, uint64_t seed)
{
	struct random r = {.state = seed};
	bool calm = random_percent(&r, 60), stormy = random_percent(&r, 30);
	uint32_t flows = 1 + random_below(&r, MAX_FLOWS);

	s->seed = random_next(&r);
	s->start = 1000 + random_below(&r, 1000000);
	s->roomy = random_percent(&r, 85);
	s->twin = s->roomy && random_percent(&r, 30);
	s->file = random_percent(&r, 25);
	s->events = 60 + random_below(&r, MAX_EVENTS - 60);
	for (uint32_t i = 0; i < s->events; i++)
		s->event[i] = (struct event){
			.type = (uint8_t)generate_type(&r, s, stormy),
			.flow = (uint8_t)random_below(&r, flows),
			.wait = generate_wait(&r, calm),
			.dice = (uint32_t)random_next(&r),
		};
}
