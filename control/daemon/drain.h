/* SPDX-License-Identifier: BSD-3-Clause */
/* May an edge be stopped? And what says so. */
#ifndef TURNOUT_DAEMON_DRAIN_H
#define TURNOUT_DAEMON_DRAIN_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct to_daemon;

#define TO_CENSUS_AGE 15 /* seconds: what is older says nothing */

/* Flows that live at an edge, those of no service included. */
uint64_t to_flows_at(const struct to_daemon *d, uint32_t edge);

/* Of these, connections that a RST can close: TCP, through dnat. */
uint64_t to_resettable_at(const struct to_daemon *d, uint32_t edge);

/* Seconds that nothing of `services` (bits) has lived at the edge; those of no service count
 * always. -1: something does; -2: it is not known. */
int64_t to_quiet_at(const struct to_daemon *d, uint32_t edge, uint64_t services);

/* `evidence`: an array to which texts are added. */
bool to_safe_to_stop(const struct to_daemon *d, uint32_t edge, json_t *evidence);

#endif
