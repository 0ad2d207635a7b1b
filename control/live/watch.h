/* SPDX-License-Identifier: BSD-3-Clause */
/* What `turnout watch` knows, and how that looks. */
#ifndef TURNOUT_WATCH_H
#define TURNOUT_WATCH_H

#include <jansson.h>
#include <time.h>

#include "screen.h"

#define TO_WATCH_POOLS  16
#define TO_WATCH_POINTS 240

/* A pool's live entries since the watch began: when all points are taken, two become one. */
struct to_curve {
	char pool[32];
	double point[TO_WATCH_POINTS];
	unsigned points;
	unsigned samples; /* in a point */
	unsigned taken;   /* in the last one, so far */
};

struct to_watch {
	json_t *status, *stages, *history; /* the last answers; NULL: none yet */
	json_t *before;                    /* the status before the last */
	double between;                    /* seconds from that one to this one */
	char why[512];                     /* why there is no newer answer; "" */
	time_t now;
	time_t began;
	struct to_curve curve[TO_WATCH_POOLS];
	unsigned curves;
};

/* Takes the pools' entries of the status into the curves. */
void to_watch_remember(struct to_watch *w);
void to_curve_add(struct to_curve *c, double value);

void to_watch_draw(const struct to_watch *w, struct to_screen *s);

/* The parts of it, each from a row on; they return the row after their last one, and take no more
 * than `most` rows. */
unsigned to_watch_services(const struct to_watch *w, struct to_screen *s, unsigned row,
			   unsigned most);
unsigned to_watch_edges(const struct to_watch *w, struct to_screen *s, unsigned row, unsigned most);
unsigned to_watch_curves(const struct to_watch *w, struct to_screen *s, unsigned row,
			 unsigned most);
unsigned to_watch_events(const struct to_watch *w, struct to_screen *s, unsigned row,
			 unsigned most);

#endif
