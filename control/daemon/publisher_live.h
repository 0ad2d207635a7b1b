/* SPDX-License-Identifier: BSD-3-Clause */
/* What becomes of a generation that was written down as intended. */
#ifndef TURNOUT_DAEMON_PUBLISHER_LIVE_H
#define TURNOUT_DAEMON_PUBLISHER_LIVE_H

#include "publisher.h"

/* The change in hand is live: it is written down, and is what turnoutd goes by from now on. */
void to_publisher_live(struct to_daemon *d, struct to_image *image,
		       const struct to_outcome *outcome);

/* The open intent is the generation that the engine runs, as its table shows. */
void to_publisher_found_live(struct to_daemon *d);

/* Nothing came of the open intent. */
void to_publisher_abandon(struct to_daemon *d, const char *why);

/* A plan that was never kept, at the first start, is; before anything is made of it. */
int to_plan_first(struct to_daemon *d);

/* The kept plan of that SHA-256, which takes its place as plan.yaml. */
int to_plan_find(struct to_daemon *d, const char *sha256, struct to_plan_file **out);

#endif
