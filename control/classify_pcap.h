/* SPDX-License-Identifier: BSD-3-Clause */
/* The class of each packet of a capture, without a plan: docs/classification.md, section 7. */
#ifndef TURNOUT_CLASSIFY_PCAP_H
#define TURNOUT_CLASSIFY_PCAP_H

#include <stddef.h>
#include <stdint.h>
#include <turnout/lists.h>

/* Called for each packet in the order of the capture; `frame` counts from 1. */
typedef void (*to_classified)(void *arg, uint64_t frame, enum to_class class);

/*
 * Reads the capture twice: the first time for evidence of media. Returns 0 or a negative errno;
 * -EINVAL: not a capture that can be read, `error` says why. What was read until an error has been
 * reported.
 */
int to_classify_pcap(const char *path, to_classified report, void *arg, char *error, size_t size);

#endif
