/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Writes a capture as pcapng (draft-ietf-opsawg-pcapng): one section, Ethernet, nanoseconds, a
 * comment with each packet, which libpcap cannot write. Functions return 0 or a negative errno:
 * -EFBIG: it would be more than `most` bytes, and nothing of it was written.
 */
#ifndef TURNOUT_PCAPNG_H
#define TURNOUT_PCAPNG_H

#include <stddef.h>
#include <stdint.h>

struct to_pcapng {
	int fd; /* the caller's */
	uint64_t most;
	uint64_t written;          /* bytes, those that wait included */
	const volatile int *hurry; /* 2 or more: a write that blocks is given up: -EINTR */
	uint8_t *waiting;          /* for to_pcapng_flush() */
	size_t count;
};

int to_pcapng_begin(struct to_pcapng *p, const char *application, const char *host);
void to_pcapng_end(struct to_pcapng *p); /* frees; what waits is lost */

/* They count from 0. */
int to_pcapng_interface(struct to_pcapng *p, const char *name);

struct to_pcapng_packet {
	uint32_t interface;
	uint32_t length;   /* of the frame */
	uint32_t captured; /* bytes of it */
	uint64_t time_ns;  /* since 1970 */
	const uint8_t *bytes;
	const char *comment;
};
int to_pcapng_packet(struct to_pcapng *p, const struct to_pcapng_packet *packet);

/* Writes what waits, whole, unless it fails. */
int to_pcapng_flush(struct to_pcapng *p);

#endif
