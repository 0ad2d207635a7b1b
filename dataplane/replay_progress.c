/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <time.h>

#include "replay_capture.h"
#include "replay_progress.h"

#define FIRST_AFTER_NS 1000000000u /* a short replay shows nothing */
#define EVERY_NS       200000000u
#define FRAMES_A_LOOK  1024u /* between two looks at the clock; a power of two */

static uint64_t monotonic(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

struct to_progress to_progress_begin(bool wanted)
{
	return (struct to_progress){.wanted = wanted, .next = monotonic() + FIRST_AFTER_NS};
}

void to_progress_step(struct to_progress *p, const struct to_capture *c, uint64_t frames)
{
	uint64_t now;

	if (!p->wanted || frames % FRAMES_A_LOOK)
		return;
	now = monotonic();
	if (now < p->next)
		return;
	p->next = now + EVERY_NS;
	p->shown = true;
	fprintf(stderr, "\r%3u %%  %llu frames ", to_capture_percent(c),
		(unsigned long long)frames);
}

void to_progress_end(struct to_progress *p)
{
	if (p->shown)
		fprintf(stderr, "\r\033[K");
	p->shown = false;
}
