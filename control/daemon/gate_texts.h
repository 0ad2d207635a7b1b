/* SPDX-License-Identifier: BSD-3-Clause */
/* Gates in words. */
#ifndef TURNOUT_DAEMON_GATE_TEXTS_H
#define TURNOUT_DAEMON_GATE_TEXTS_H

#include "plan.h"

/* A text that grows up to its room; what does not fit is left out. */
struct to_text {
	char text[2048];
	size_t used;
};

void to_say(struct to_text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define TO_GATE_TEXT 400

const char *to_gate_text(const struct to_plan *plan, uint32_t stage, const struct to_plan_gate *g,
			 char out[TO_GATE_TEXT]);

#endif
