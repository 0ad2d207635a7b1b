/* SPDX-License-Identifier: BSD-3-Clause */
/* `turnout capture`: from the engine's messages to a file that Wireshark opens. */
#ifndef TURNOUT_LIVE_CAPTURE_H
#define TURNOUT_LIVE_CAPTURE_H

#include <turnout/protocol_check.h>

#include "live.h"
#include "pcapng.h"

struct to_capture_run {
	int fd;               /* a connection of the engine, on which a capture was asked for */
	const json_t *answer; /* turnoutd's: names */
	const char *path;     /* that is written; "-": stdout */
	struct to_pcapng out; /* fd and most are given */
	unsigned patience_ms; /* that the engine may take to begin */
	unsigned seconds;     /* that it may go on */
	bool progress;        /* on stderr */

	/* what became of it */
	uint64_t packets; /* written */
	const char *ended;
	struct to_msg_capture_end end; /* `head.type` 0: it has not come */

	uint32_t interfaces;
	bool began;
	bool closing; /* it was asked to end */
	bool mute;    /* what comes yet is not written */
	int error;    /* of the output; negative errno */
	uint64_t until_ms, shown_ms;
};

/* Until it has ended. Complains of what is wrong. */
enum to_exit to_capture_receive(struct to_capture_run *r);

/* capture_words.c: "steer pin service=access class=tls edge=n1 generation=14 worker=0" */
#define TO_CAPTURE_WORDS 256
const char *to_capture_comment(const struct to_captured *p, const json_t *answer,
			       char out[TO_CAPTURE_WORDS]);

/* Likewise: the last line for a person, and for --json. */
void to_capture_say(const struct to_capture_run *r);
json_t *to_capture_json(const struct to_capture_run *r);

#endif
