/* SPDX-License-Identifier: BSD-3-Clause */
/* A Binding request as a question, and what is an answer to it: RFC 8489, 6; RFC 3489, 8. */
#ifndef TURNOUT_STUN_BINDING_H
#define TURNOUT_STUN_BINDING_H

#include "sip_options.h"

#define TO_STUN_HEADER 20

struct to_stun_question {
	uint8_t id[16]; /* the cookie and the transaction id: what an answer repeats */
};

void to_stun_binding_write(struct to_stun_question *question, const uint8_t random[12],
			   uint8_t out[TO_STUN_HEADER]);

/* `code`: of an error response that is an answer, else 0. Never TO_ANSWER_MORE. */
enum to_answer to_stun_binding_read(const struct to_stun_question *question, const uint8_t *data,
				    size_t size, uint16_t *code);

#endif
