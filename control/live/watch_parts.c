/* SPDX-License-Identifier: BSD-3-Clause */
/* Services, edges and what was done last, as parts of the watch. */
#include <stdio.h>
#include <string.h>

#include "live.h"
#include "status.h"
#include "watch.h"

#define BAR 10 /* columns of a share */

/* A part's last row, when not all has room. Whether it was that. */
static bool no_room(struct to_screen *s, unsigned row, unsigned used, unsigned most, size_t left)
{
	if (used + 1 < most || left <= 1)
		return false;
	to_screen_put(s, row, 0, TO_DIM, "and %zu more", left);
	return true;
}

static void draw_share(struct to_screen *s, unsigned row, unsigned column, const json_t *share)
{
	const json_t *percent = json_object_get(share, "default");
	double value = json_number_value(percent);
	char words[TO_WORDS];

	for (unsigned i = 0; i < BAR; i++)
		to_screen_put(s, row, column + i, TO_GREEN, "%s",
			      value >= 100.0 / BAR * (i + 1) ? (s->utf8 ? "█" : "#")
			      : value > 100.0 / BAR * i      ? (s->utf8 ? "▌" : "+")
							     : (s->utf8 ? "·" : "."));
	to_screen_put_right(s, row, column + BAR + 8, TO_BOLD, "%s",
			    to_percent_words(percent, words));
}

/* New flows a second since the answer before; -1: not known. */
static double rate(const struct to_watch *w, const json_t *service, const char *role)
{
	const json_t *old = to_live_find(json_object_get(w->before, "services"), "name",
					 to_word(service, "name"));
	json_int_t now = to_json_int(json_object_get(service, "new_flows"), role);
	json_int_t then = to_json_int(json_object_get(old, "new_flows"), role);

	return old && w->between > 0 && now >= then ? (double)(now - then) / w->between : -1;
}

static void draw_rate(struct to_screen *s, unsigned row, unsigned end, double rate)
{
	if (rate < 0)
		to_screen_put_right(s, row, end, TO_DIM, "-");
	else
		to_screen_put_right(s, row, end, TO_PLAIN, rate < 10 ? "%.1f/s" : "%.0f/s", rate);
}

unsigned to_watch_services(const struct to_watch *w, struct to_screen *s, unsigned row,
			   unsigned most)
{
	const json_t *services = json_object_get(w->status, "services");
	unsigned first = row;
	char words[TO_WORDS];
	json_t *service;
	size_t i;

	if (most < 2)
		return row;
	to_screen_put(s, row, 0, TO_DIM, "service");
	to_screen_put(s, row, 16, TO_DIM, "to the new pool");
	to_screen_put_right(s, row, 46, TO_DIM, "flows old");
	to_screen_put_right(s, row, 56, TO_DIM, "new");
	to_screen_put_right(s, row, 68, TO_DIM, "live old");
	to_screen_put_right(s, row, 78, TO_DIM, "new");
	row++;
	json_array_foreach(services, i, service)
	{
		const json_t *entries = json_object_get(service, "entries");

		if (no_room(s, row, row - first, most, json_array_size(services) - i))
			return row + 1;
		to_screen_put(s, row, 0, TO_PLAIN, "%.15s", to_word(service, "name"));
		draw_share(s, row, 16, json_object_get(service, "share"));
		draw_rate(s, row, 46, rate(w, service, "legacy"));
		draw_rate(s, row, 56, rate(w, service, "new"));
		to_screen_put_right(s, row, 68, TO_PLAIN, "%s",
				    to_count_words(json_object_get(entries, "legacy"), words));
		to_screen_put_right(s, row, 78, TO_PLAIN, "%s",
				    to_count_words(json_object_get(entries, "new"), words));
		row++;
	}
	return row;
}

unsigned to_watch_edges(const struct to_watch *w, struct to_screen *s, unsigned row, unsigned most)
{
	const json_t *edges = json_object_get(w->status, "edges");
	unsigned first = row;
	char words[TO_WORDS];
	json_t *edge;
	size_t i;

	if (most < 2)
		return row;
	to_screen_put(s, row, 0, TO_DIM, "edge");
	to_screen_put(s, row, 14, TO_DIM, "pool");
	to_screen_put(s, row, 26, TO_DIM, "state");
	to_screen_put(s, row, 36, TO_DIM, "health");
	to_screen_put_right(s, row, 52, TO_DIM, "live");
	row++;
	json_array_foreach(edges, i, edge)
	{
		const char *state = to_word(edge, "state"), *health = to_word(edge, "health");

		if (no_room(s, row, row - first, most, json_array_size(edges) - i))
			return row + 1;
		to_screen_put(s, row, 0, TO_PLAIN, "%.13s", to_word(edge, "name"));
		to_screen_put(s, row, 14, TO_DIM, "%.11s", to_word(edge, "pool"));
		to_screen_put(s, row, 26, to_state_tint(state), "%s", state);
		to_screen_put(s, row, 36, to_state_tint(health), "%s", health);
		to_screen_put_right(s, row, 52, TO_PLAIN, "%s",
				    to_count_words(json_object_get(edge, "total"), words));
		if (json_is_true(json_object_get(edge, "safe_to_stop")))
			to_screen_put(s, row, 54, TO_GREEN, "safe to stop");
		else if (json_is_false(json_object_get(edge, "next_hop")))
			to_screen_put(s, row, 54, TO_RED, "no next hop");
		row++;
	}
	return row;
}

static void draw_event(const struct to_watch *w, struct to_screen *s, unsigned row,
		       const json_t *record)
{
	const char *who = to_json_text(record, "who"), *why = to_json_text(record, "why");
	char when[TO_WORDS], words[256];
	unsigned at;

	at = to_screen_put(s, row, 0, TO_DIM, "%s  ",
			   to_clock_words(json_object_get(record, "time"), w->now, when));
	at = to_screen_put(s, row, at, TO_PLAIN, "%s%s%s %s", who ? who : "", who ? " " : "",
			   to_record_what(record), to_record_words(record, words, sizeof(words)));
	if (why && *why)
		to_screen_put(s, row, at, TO_DIM, ": %s", why);
}

/* That it is live is seen above. */
static bool is_event(const json_t *record)
{
	return strcmp(to_word(record, "what"), "live") != 0;
}

unsigned to_watch_events(const struct to_watch *w, struct to_screen *s, unsigned row, unsigned most)
{
	const json_t *records = json_object_get(w->history, "records");
	size_t first = json_array_size(records);
	unsigned shown = 0;

	while (first && shown < most)
		shown += is_event(json_array_get(records, --first));
	for (; first < json_array_size(records); first++)
		if (is_event(json_array_get(records, first)))
			draw_event(w, s, row++, json_array_get(records, first));
	return row;
}
