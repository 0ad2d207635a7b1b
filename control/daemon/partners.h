/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which partners have had an answered flow where the live stage sends them: the engine is asked for
 * flows by their prefixes, one listing a second at most, while a gate of the stage waits for it.
 */
#ifndef TURNOUT_DAEMON_PARTNERS_H
#define TURNOUT_DAEMON_PARTNERS_H

#include <turnout/protocol.h>

struct to_daemon;
struct to_question;

/* A listing of one prefix of one partner. */
struct to_partner_watch {
	bool asked;          /* its answer is to come */
	uint64_t generation; /* of the plan and the stage that it is of */
	uint32_t partner;
	uint32_t prefix;
	unsigned pages;
	struct to_msg_flows ask;
};

/* Once a second. */
void to_partners_tick(struct to_daemon *d);
/* The engine went away. */
void to_partners_lost(struct to_daemon *d);

/* The gate. */
bool to_gate_partners_seen(struct to_question *q);

#endif
