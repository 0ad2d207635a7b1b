/* SPDX-License-Identifier: BSD-3-Clause */
/* Pools: how much is live on each, and how that has become less. */
#include <stdio.h>
#include <string.h>

#include "summary.h"
#include "watch.h"
#include "words.h"

#define CURVE_COLUMN 36
#define MOST_HEIGHT  3

static void halve(struct to_curve *c)
{
	for (unsigned i = 0; i < TO_WATCH_POINTS / 2; i++)
		c->point[i] = (c->point[2 * i] + c->point[2 * i + 1]) / 2;
	c->points = TO_WATCH_POINTS / 2;
	c->samples *= 2;
	c->taken = c->samples;
}

void to_curve_add(struct to_curve *c, double value)
{
	double *last;

	if (!c->points || c->taken == c->samples) {
		if (c->points == TO_WATCH_POINTS)
			halve(c);
		if (!c->samples)
			c->samples = 1;
		c->point[c->points++] = value;
		c->taken = 1;
		return;
	}
	last = &c->point[c->points - 1];
	*last = (*last * c->taken + value) / (c->taken + 1);
	c->taken++;
}

static struct to_curve *curve_of(struct to_watch *w, const char *pool)
{
	for (unsigned i = 0; i < w->curves; i++)
		if (!strcmp(w->curve[i].pool, pool))
			return &w->curve[i];
	if (w->curves == TO_WATCH_POOLS)
		return NULL;
	snprintf(w->curve[w->curves].pool, sizeof(w->curve[0].pool), "%s", pool);
	return &w->curve[w->curves++];
}

void to_watch_remember(struct to_watch *w)
{
	json_t *pool;
	size_t i;

	json_array_foreach(json_object_get(w->status, "pools"), i, pool)
	{
		struct to_curve *c = curve_of(w, to_word(pool, "name"));

		if (c)
			to_curve_add(c, (double)to_json_int(pool, "entries"));
	}
}

/* Eighths of `height` rows that a value fills; what is not zero is seen. */
static unsigned eighths(double value, double most, unsigned height)
{
	unsigned n = most > 0 ? (unsigned)(value / most * 8 * height + 0.5) : 0;

	return n == 0 && value > 0 ? 1 : n;
}

static void draw_curve(const struct to_curve *c, struct to_screen *s, unsigned row, unsigned height)
{
	static const char *const blocks[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
	static const char *const ascii[] = {" ", ".", ".", ".", ":", ":", ":", "#", "#"};
	unsigned room = s->columns > CURVE_COLUMN ? s->columns - CURVE_COLUMN : 0;
	unsigned shown = c->points < room ? c->points : room;
	double most = 0;

	for (unsigned i = c->points - shown; i < c->points; i++)
		most = c->point[i] > most ? c->point[i] : most;
	for (unsigned i = 0; i < shown; i++) {
		unsigned all = eighths(c->point[c->points - shown + i], most, height);

		for (unsigned k = 0; k < height; k++) {
			unsigned below = 8 * (height - 1 - k), n = all > below ? all - below : 0;

			n = n > 8 ? 8 : n;
			to_screen_put(s, row + k, CURVE_COLUMN + i, TO_GREEN, "%s",
				      s->utf8 ? blocks[n] : ascii[n]);
		}
	}
}

unsigned to_watch_curves(const struct to_watch *w, struct to_screen *s, unsigned row, unsigned most)
{
	const json_t *pools = json_object_get(w->status, "pools");
	unsigned count = (unsigned)json_array_size(pools), height;
	char words[TO_WORDS];
	json_t *pool;
	size_t i;

	if (most < 2 || !count)
		return row;
	height = (most - 1) / count;
	height = height < 1 ? 1 : height > MOST_HEIGHT ? MOST_HEIGHT : height;
	to_screen_put(s, row, 0, TO_DIM, "pool");
	to_screen_put_right(s, row, 24, TO_DIM, "up");
	to_screen_put_right(s, row, 34, TO_DIM, "live");
	to_screen_put(s, row, CURVE_COLUMN, TO_DIM, "in the last %s",
		      to_span_words((double)(w->now - w->began), words));
	row++;
	json_array_foreach(pools, i, pool)
	{
		json_int_t up = to_json_int(pool, "up"), edges = to_json_int(pool, "edges");
		unsigned at = row + (unsigned)i * height;

		if ((unsigned)(i + 1) * height + 1 > most)
			return at;
		to_screen_put(s, at, 0, TO_PLAIN, "%.12s", to_word(pool, "name"));
		to_screen_put_right(s, at, 24, up < edges ? TO_RED : TO_GREEN, "%lld of %lld",
				    (long long)up, (long long)edges);
		to_screen_put_right(s, at, 34, TO_BOLD, "%s",
				    to_count_words(json_object_get(pool, "entries"), words));
		for (unsigned k = 0; k < w->curves; k++)
			if (!strcmp(w->curve[k].pool, to_word(pool, "name")))
				draw_curve(&w->curve[k], s, at, height);
	}
	return row + count * height;
}
