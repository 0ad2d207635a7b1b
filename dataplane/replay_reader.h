/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the observer of a replay reads of a payload: enough to know a call and how it goes. Written
 * apart from include/turnout/ on purpose: it checks what that does.
 */
#ifndef TURNOUT_REPLAY_READER_H
#define TURNOUT_REPLAY_READER_H

#include <stdbool.h>
#include <stdint.h>

enum to_call_method { TO_CALL_OTHER, TO_CALL_INVITE, TO_CALL_SUBSCRIBE, TO_CALL_BYE };

struct to_call {
	uint64_t id[2];  /* hashes of the Call-ID; both 0: no SIP message, or no Call-ID */
	uint16_t status; /* 0: a request */
	uint8_t method;  /* enum to_call_method */
};

void to_read_call(const uint8_t *payload, uint32_t len, struct to_call *call);

/* The LIFETIME of a TURN Allocate or Refresh success: false, if it is something else. */
bool to_read_lifetime(const uint8_t *payload, uint32_t len, uint32_t *seconds);

#endif
