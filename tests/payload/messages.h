/* SPDX-License-Identifier: BSD-3-Clause */
/* Payloads and what the readers must make of them; run on the host and in the kernel. */
#ifndef TESTS_PAYLOAD_MESSAGES_H
#define TESTS_PAYLOAD_MESSAGES_H

#include <turnout/classify.h>
#include <turnout/sdp.h>
#include <turnout/sip.h>
#include <turnout/stun.h>

#define MESSAGE_SALT 0x1234567890abcdefULL

struct message {
	const char *name;
	const char *bytes;
	size_t len;
	enum to_proto proto;
	bool media;
	enum to_class class;
	/* sip: flags 0: not read */
	uint8_t flags;
	uint8_t method;
	uint16_t status;
	const char *call_id;
	const char *branch;
	const char *body; /* how the body begins; NULL: none */
	/* stun: type 0: not read */
	uint16_t type;
	bool ms;
	int64_t lifetime; /* 0: none */
	const char *relayed;
	uint16_t relayed_port;
	bool begins;
	/* sdp: "address port" of each claim, separated by commas; NULL: none */
	const char *claims;
};

extern const struct message messages[];
extern const size_t message_count;

#endif
