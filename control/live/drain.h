/* SPDX-License-Identifier: BSD-3-Clause */
/* The end of a drain: its deadline, its reset, and what survives. */
#ifndef TURNOUT_LIVE_DRAIN_H
#define TURNOUT_LIVE_DRAIN_H

#include "live.h"

/* Reads --deadline. False, and complained of: it is no time, or beside --reset. */
bool to_drain_deadline(const struct to_args *args, uint32_t *seconds);

/* What a reset of these edges closes, and what it leaves; and a person's word. */
enum to_exit to_reset_confirm(const struct to_live *l, const json_t *edges);

/* Lists what still lives at an edge, some of it. */
enum to_exit to_survivors_show(struct to_live *l, const json_t *edge);

#endif
