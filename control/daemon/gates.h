/* SPDX-License-Identifier: BSD-3-Clause */
/* What must be so before the next stage is entered, and whether it is. */
#ifndef TURNOUT_DAEMON_GATES_H
#define TURNOUT_DAEMON_GATES_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct to_daemon;

/* Who has seen that partner: an acknowledgement of this name and the partner's. */
#define TO_ACK_PARTNER "partner-seen:"

/* The gates of a stage, and its window: [{kind, text, open, now}]. NULL: no memory. */
json_t *to_gates_of(const struct to_daemon *d, uint32_t stage);

/* Those that a switch passes, each with its `stage`: the gates of `from` (-1: none) up to the one
 * before `to`, the windows from the one after `from` up to `to`. None when it is a step back. */
json_t *to_gates_between(const struct to_daemon *d, int from, uint32_t to);

/* What is closed of such a list, as text for a person: "stage S: soak: ...; ...". False: nothing.
 */
bool to_gates_closed(const json_t *gates, char *out, size_t size);

#endif
