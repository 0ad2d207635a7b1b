/* SPDX-License-Identifier: BSD-3-Clause */
/* A gate that is being asked, and those whose answer takes more than a few lines. */
#ifndef TURNOUT_DAEMON_GATE_QUESTION_H
#define TURNOUT_DAEMON_GATE_QUESTION_H

#include <stdbool.h>

#include "gate_texts.h"

struct to_daemon;

struct to_question {
	const struct to_daemon *d;
	uint32_t stage;
	const struct to_plan_gate *gate;
	const char
		*closed; /* why nothing of its stage can be counted; NULL: it is live, and ours */
	struct to_text now;
};

/* Of what is not measured, for the reason `why`: a person's word counts. Says so when there is
 * none. */
bool to_acknowledged(struct to_question *q, const char *name, const char *why);

/* gate_failures.c: is the share of unanswered flows no worse than in the earlier stage? */
bool to_gate_failures(struct to_question *q);
/* gate_certificates.c: do all edges present one good certificate for signalling? */
bool to_gate_access_certificate(struct to_question *q);

#endif
