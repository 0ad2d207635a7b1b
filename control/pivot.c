/* SPDX-License-Identifier: BSD-3-Clause */
#include "pivot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "summary.h"

#define MAX_COLUMNS 40u /* more than there are reasons or classes */
#define LEAST_WIDTH 8u  /* of a column, about, with its gap */

struct row {
	const char *labels[TO_PIVOT_LABELS];
	json_int_t n[MAX_COLUMNS];
	json_int_t total;
};

struct to_pivot {
	unsigned labels;
	unsigned columns;
	const char *names[MAX_COLUMNS];
	json_int_t totals[MAX_COLUMNS];
	unsigned order[MAX_COLUMNS]; /* biggest first */
	struct row *rows;
	size_t count;
};

struct to_pivot *to_pivot_new(unsigned labels)
{
	struct to_pivot *p = calloc(1, sizeof(*p));

	if (p)
		p->labels = labels;
	return p;
}

void to_pivot_free(struct to_pivot *p)
{
	if (p)
		free(p->rows);
	free(p);
}

bool to_pivot_is_empty(const struct to_pivot *p)
{
	return p->count == 0;
}

static bool same_labels(const struct to_pivot *p, const struct row *r, const char *const *labels)
{
	for (unsigned i = 0; i < p->labels; i++) {
		if (strcmp(r->labels[i], labels[i]))
			return false;
	}
	return true;
}

static struct row *find_row(struct to_pivot *p, const char *const *labels)
{
	struct row *more;

	for (size_t i = p->count; i-- > 0;) {
		if (same_labels(p, &p->rows[i], labels))
			return &p->rows[i];
	}
	more = realloc(p->rows, (p->count + 1) * sizeof(*more));
	if (!more)
		return NULL;
	p->rows = more;
	more += p->count++;
	*more = (struct row){0};
	memcpy(more->labels, labels, p->labels * sizeof(*labels));
	return more;
}

static unsigned find_column(struct to_pivot *p, const char *name)
{
	unsigned i = 0;

	while (i < p->columns && strcmp(p->names[i], name))
		i++;
	if (i == p->columns && i < MAX_COLUMNS)
		p->names[p->columns++] = name;
	return i;
}

int to_pivot_add(struct to_pivot *p, const char *const *labels, const char *column, json_int_t n)
{
	struct row *r = find_row(p, labels);
	unsigned c = find_column(p, column);

	if (!r || c == MAX_COLUMNS)
		return -ENOMEM;
	r->n[c] += n;
	r->total += n;
	p->totals[c] += n;
	return 0;
}

static void sort_columns(struct to_pivot *p)
{
	for (unsigned i = 0; i < p->columns; i++) {
		unsigned at = i;

		for (; at > 0 && p->totals[p->order[at - 1]] < p->totals[i]; at--)
			p->order[at] = p->order[at - 1];
		p->order[at] = i;
	}
}

/* How wide a column gets, with its gap. */
static unsigned column_width(const struct to_pivot *p, unsigned c)
{
	unsigned name = (unsigned)strlen(p->names[c]), number;
	char text[TO_TEXT];

	number = (unsigned)strlen(to_text_count(p->totals[c], text));
	return (name > number ? name : number) + 2;
}

/* How many of the columns fit; if not all, room is left for "other". */
static unsigned fitting(const struct to_pivot *p, unsigned room)
{
	unsigned used = 0;

	for (unsigned i = 0; i < p->columns; i++) {
		unsigned rest = i + 1 < p->columns ? LEAST_WIDTH : 0;

		used += column_width(p, p->order[i]);
		if (used + rest > room)
			return i;
	}
	return p->columns;
}

static unsigned label_width(const struct to_pivot *p, unsigned label, const char *heading)
{
	size_t width = strlen(heading);

	for (size_t i = 0; i < p->count; i++) {
		if (strlen(p->rows[i].labels[label]) > width)
			width = strlen(p->rows[i].labels[label]);
	}
	return (unsigned)width + 2;
}

static void count_cell(struct to_grid *g, json_int_t n, enum to_tint tint)
{
	char text[TO_TEXT];

	to_grid_cell(g, n ? tint : TO_DIM, "%s", n ? to_text_count(n, text) : ".");
}

static void print_row(struct to_grid *g, const struct to_pivot *p, const struct row *r,
		      const struct row *above, unsigned shown)
{
	bool same = above;
	json_int_t other = 0;

	for (unsigned i = 0; i < p->labels; i++) {
		same = same && !strcmp(above->labels[i], r->labels[i]);
		to_grid_cell(g, TO_PLAIN, "%s", same ? "" : r->labels[i]);
	}
	count_cell(g, r->total, TO_BOLD);
	for (unsigned i = 0; i < p->columns; i++) {
		if (i < shown)
			count_cell(g, r->n[p->order[i]], TO_PLAIN);
		else
			other += r->n[p->order[i]];
	}
	if (shown < p->columns)
		count_cell(g, other, TO_PLAIN);
}

int to_pivot_print(struct to_pivot *p, const char *const *headings, const struct to_looks *looks,
		   FILE *out)
{
	char align[TO_PIVOT_LABELS + MAX_COLUMNS + 3] = "";
	unsigned used = 10, shown; /* the total's */
	struct to_grid *g;
	int ret;

	sort_columns(p);
	for (unsigned i = 0; i < p->labels; i++)
		used += label_width(p, i, headings[i]);
	shown = fitting(p, looks->width > used ? looks->width - used : 0);
	memset(align, 'l', p->labels);
	memset(align + p->labels, 'r', 1 + shown + (shown < p->columns));
	g = to_grid_new(align);
	for (unsigned i = 0; i < p->labels; i++)
		to_grid_cell(g, TO_DIM, "%s", headings[i]);
	to_grid_cell(g, TO_DIM, "packets");
	for (unsigned i = 0; i < shown; i++)
		to_grid_cell(g, TO_DIM, "%s", p->names[p->order[i]]);
	if (shown < p->columns)
		to_grid_cell(g, TO_DIM, "other");
	to_grid_rule(g);
	for (size_t i = 0; i < p->count; i++)
		print_row(g, p, &p->rows[i], i ? &p->rows[i - 1] : NULL, shown);
	ret = to_grid_print(g, looks, out);
	to_grid_free(g);
	return ret;
}
