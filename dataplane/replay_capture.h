/* SPDX-License-Identifier: BSD-3-Clause */
/* Reads captures, pcap and pcapng, and hands every frame over as an Ethernet one. */
#ifndef TURNOUT_REPLAY_CAPTURE_H
#define TURNOUT_REPLAY_CAPTURE_H

#include <stddef.h>
#include <stdint.h>

struct to_capture;

struct to_capture_frame {
	uint64_t number;     /* from 1, as tshark counts */
	uint64_t ns;         /* time stamp: nanoseconds since 1970 */
	const uint8_t *data; /* good until the next frame is read */
	uint32_t len;        /* captured bytes */
	uint32_t wire_len;   /* bytes it had on the wire */
};

/* Returns 0 or a negative errno with a message in `err`: -ENOTSUP for a link type without IP. */
int to_capture_open(const char *path, struct to_capture **capture, char *err, size_t err_size);
void to_capture_close(struct to_capture *c);

/* 1: a frame; 0: the end; else a negative errno with a message in `err`. */
int to_capture_next(struct to_capture *c, struct to_capture_frame *f, char *err, size_t err_size);

/* How far the file has been read, 0 to 100. */
unsigned to_capture_percent(const struct to_capture *c);

#endif
