/* SPDX-License-Identifier: BSD-3-Clause */
/* The frame: what is live, what is not right, then as much of the rest as there is room for. */
#include "watch.h"

#include <stdio.h>
#include <string.h>

#include "live.h"
#include "status.h"

#define PROBLEMS   32
#define MOST_LINES 4 /* of problems */

static unsigned draw_head(const struct to_watch *w, struct to_screen *s)
{
	char line[256], clock[16];
	unsigned at;
	struct tm tm;

	localtime_r(&w->now, &tm);
	strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
	at = to_screen_put(s, 0, 0, TO_BOLD, "%s: %s", to_word(w->status, "site"),
			   to_status_line(w->status, w->now, line, sizeof(line)));
	if (at + 9 <= s->columns)
		to_screen_put_right(s, 0, s->columns, TO_PLAIN, "%s", clock);
	return 1;
}

/* Stages in their order, the live one and its neighbours in any case. */
static unsigned draw_stages(const struct to_watch *w, struct to_screen *s, unsigned row)
{
	const json_t *stages = json_object_get(w->stages, "stages");
	size_t count = json_array_size(stages), live = 0, first = 0;
	unsigned column = 0, width = 0;

	for (size_t i = 0; i < count; i++)
		if (json_is_true(json_object_get(json_array_get(stages, i), "live")))
			live = i;
	/* from the live one backwards, while half of the row takes it */
	for (size_t i = live; i-- > 0 && width < s->columns / 2; first = i)
		width += (unsigned)strlen(to_word(json_array_get(stages, i), "name")) + 3;
	if (width >= s->columns / 2 && first < live)
		first++;
	if (first)
		column = to_screen_put(s, row, 0, TO_DIM, "... ");
	for (size_t i = first; i < count && column < s->columns; i++) {
		const char *name = to_word(json_array_get(stages, i), "name");

		column = i == live && json_is_string(json_object_get(w->status, "stage"))
				 ? to_screen_put(s, row, column, TO_GREEN, "[%s]", name)
				 : to_screen_put(s, row, column, TO_PLAIN, "%s", name);
		if (i + 1 < count)
			column = to_screen_put(s, row, column, TO_DIM, " > ");
	}
	return row + 1;
}

static unsigned draw_problems(const struct to_watch *w, struct to_screen *s, unsigned row)
{
	struct to_problem problem[PROBLEMS];
	size_t count = to_status_problems(w->status, w->now, problem, PROBLEMS);
	size_t shown = count > MOST_LINES ? MOST_LINES - 1 : count;

	if (*w->why)
		to_screen_put(s, row++, 0, TO_RED, "! %s", w->why);
	for (size_t i = 0; i < shown; i++, row++) {
		unsigned at = to_screen_put(s, row, 0, TO_RED, "! %s", problem[i].name);

		to_screen_put(s, row, at, TO_PLAIN, "%s%s: %s", *problem[i].since ? " for " : "",
			      problem[i].since, problem[i].text);
	}
	if (shown < count)
		to_screen_put(s, row++, 0, TO_RED, "! and %zu more: turnout status", count - shown);
	return row;
}

/* Rows that a part gets of those left, when it wants so many and others come after it. */
static unsigned share_of(unsigned wanted, unsigned left, unsigned others)
{
	unsigned most = left > others ? left - others : 0;

	return wanted < most ? wanted : most;
}

static unsigned rows_of(const json_t *object, const char *key)
{
	return 1 + (unsigned)json_array_size(json_object_get(object, key));
}

static void draw_parts(const struct to_watch *w, struct to_screen *s, unsigned row)
{
	unsigned pools = rows_of(w->status, "pools"), edges = rows_of(w->status, "edges");
	unsigned services = rows_of(w->status, "services"), left, events = 3, curves;

	/* each part keeps this much when there is not enough for all */
	if (edges > 5)
		edges = 5;
	left = s->rows > row ? s->rows - row : 0;
	row = to_watch_services(w, s, row, share_of(services, left, pools + edges + events));
	left = s->rows > row ? s->rows - row : 0;
	curves = share_of(1 + 3 * (pools - 1), left, edges + events);
	row = to_watch_curves(w, s, row, curves < pools ? share_of(pools, left, 0) : curves);
	left = s->rows > row ? s->rows - row : 0;
	row = to_watch_edges(w, s, row, share_of(rows_of(w->status, "edges"), left, events));
	left = s->rows > row ? s->rows - row : 0;
	if (left > 2) {
		to_screen_put(s, row++, 0, TO_DIM, "last events");
		to_watch_events(w, s, row, left - 1);
	}
}

void to_watch_draw(const struct to_watch *w, struct to_screen *s)
{
	unsigned row;

	if (!w->status) {
		to_screen_put(s, 0, 0, TO_RED, "%s", *w->why ? w->why : "asking turnoutd ...");
		return;
	}
	row = draw_head(w, s);
	row = draw_stages(w, s, row);
	row = draw_problems(w, s, row);
	draw_parts(w, s, row);
}
