/* SPDX-License-Identifier: BSD-3-Clause */
/* An OPTIONS request as a question, and what is an answer to it: RFC 3261, 11 and 8.1. */
#ifndef TURNOUT_SIP_OPTIONS_H
#define TURNOUT_SIP_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

#define TO_SIP_OPTIONS_MAX 8192 /* bytes of an answer's headers */

/* What was made of what came. */
enum to_answer {
	TO_ANSWER_MORE,    /* its end is not there */
	TO_ANSWER_ALIVE,   /* an answer to this question */
	TO_ANSWER_FAILING, /* likewise: by its own word it does not serve */
	TO_ANSWER_OTHER,   /* something else */
};

/* What an answer repeats. */
struct to_sip_question {
	char call_id[33];
	uint32_t cseq;
};

/* `random`: what nobody else can know. `local`, `remote`: as to_endpoint_text() writes them.
 * `transport`: "UDP", "TCP", "TLS". Returns the length, below `size`; 0: it does not fit. */
size_t to_sip_options_write(struct to_sip_question *question, const uint8_t random[20],
			    const char *local, const char *remote, const char *transport, char *out,
			    size_t size);

/* `status` is set unless it is TO_ANSWER_MORE or TO_ANSWER_OTHER. */
enum to_answer to_sip_options_read(const struct to_sip_question *question, const uint8_t *data,
				   size_t size, uint16_t *status);

#endif
