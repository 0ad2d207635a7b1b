/* SPDX-License-Identifier: BSD-3-Clause */
/* What test_payload_bpf.c and payload.bpf.c tell each other. */
#ifndef TESTS_PAYLOAD_RESULT_H
#define TESTS_PAYLOAD_RESULT_H

#include <turnout/sdp.h>
#include <turnout/sip.h>
#include <turnout/stun.h>

#define PAYLOAD_AT 42 /* Ethernet, IPv4, UDP */

struct payload_question {
	uint64_t salt;
	uint32_t len; /* by the headers */
	uint32_t tcp; /* read it as a TCP payload */
	uint32_t media;
	uint32_t reserved;
};

struct payload_result {
	struct to_sip sip;
	struct to_stun stun;
	struct to_claims claims;
	uint32_t class;
	uint32_t begins;
	uint32_t client_hello;
	uint32_t reserved;
};

#endif
