/* SPDX-License-Identifier: BSD-3-Clause */
#include "grid.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define WIDTH_UNKNOWN 100u
#define WIDTH_LEAST   60u
#define GAP           2u
#define MAX_COLUMNS   32u

struct cell {
	char *text;
	enum to_tint tint;
	bool rule_before; /* on a row's first cell */
};

struct to_grid {
	char align[MAX_COLUMNS + 1];
	size_t columns;
	struct cell *cells;
	size_t count;
	size_t room;
	bool rule;
	bool no_memory;
};

struct to_looks to_looks_of(FILE *out)
{
	struct to_looks looks = {.width = WIDTH_UNKNOWN};
	struct winsize ws;

	if (!isatty(fileno(out)))
		return looks;
	setlocale(LC_CTYPE, "");
	looks.utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8");
	looks.colour = !getenv("NO_COLOR") || !*getenv("NO_COLOR");
	if (ioctl(fileno(out), TIOCGWINSZ, &ws) == 0 && ws.ws_col)
		looks.width = ws.ws_col < WIDTH_LEAST ? WIDTH_LEAST : ws.ws_col;
	return looks;
}

const char *to_tint_on(const struct to_looks *looks, enum to_tint tint)
{
	static const char *const codes[] = {
		[TO_PLAIN] = "",         [TO_BOLD] = "\033[1m", [TO_DIM] = "\033[2m",
		[TO_GREEN] = "\033[32m", [TO_RED] = "\033[31m", [TO_YELLOW] = "\033[33m",
	};

	return looks->colour ? codes[tint] : "";
}

const char *to_tint_off(const struct to_looks *looks, enum to_tint tint)
{
	return looks->colour && tint != TO_PLAIN ? "\033[0m" : "";
}

struct to_grid *to_grid_new(const char *align)
{
	struct to_grid *g = calloc(1, sizeof(*g));

	if (g) {
		snprintf(g->align, sizeof(g->align), "%s", align);
		g->columns = strlen(g->align);
	}
	return g;
}

void to_grid_free(struct to_grid *g)
{
	if (!g)
		return;
	for (size_t i = 0; i < g->count; i++)
		free(g->cells[i].text);
	free(g->cells);
	free(g);
}

static struct cell *add_cell(struct to_grid *g)
{
	if (g->count == g->room) {
		size_t room = g->room ? g->room * 2 : 64;
		struct cell *more = realloc(g->cells, room * sizeof(*more));

		if (!more)
			return NULL;
		g->cells = more;
		g->room = room;
	}
	g->cells[g->count] = (struct cell){.rule_before = g->rule && g->count % g->columns == 0};
	return &g->cells[g->count++];
}

void to_grid_cell(struct to_grid *g, enum to_tint tint, const char *format, ...)
{
	struct cell *c = g && !g->no_memory ? add_cell(g) : NULL;
	va_list args;

	if (!g)
		return;
	if (!c) {
		g->no_memory = true;
		return;
	}
	if (c->rule_before)
		g->rule = false;
	c->tint = tint;
	va_start(args, format);
	if (vasprintf(&c->text, format, args) < 0) {
		c->text = NULL;
		g->no_memory = true;
	}
	va_end(args);
}

void to_grid_end_row(struct to_grid *g)
{
	while (g && !g->no_memory && g->count % g->columns)
		to_grid_cell(g, TO_PLAIN, "%s", "");
}

void to_grid_rule(struct to_grid *g)
{
	if (g)
		g->rule = true;
}

/* Columns on a terminal: characters, and every one of ours is one wide. */
static unsigned width_of(const char *text)
{
	unsigned n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

static void print_rule(const struct to_looks *looks, unsigned width, FILE *out)
{
	fputs(to_tint_on(looks, TO_DIM), out);
	for (unsigned i = 0; i < width; i++)
		fputs(looks->utf8 ? "─" : "-", out);
	fprintf(out, "%s\n", to_tint_off(looks, TO_DIM));
}

static void print_cell(const struct cell *c, bool right, bool last, unsigned width,
		       const struct to_looks *looks, FILE *out)
{
	unsigned pad = width - width_of(c->text);

	if (right)
		fprintf(out, "%*s", (int)pad, "");
	fprintf(out, "%s%s%s", to_tint_on(looks, c->tint), c->text, to_tint_off(looks, c->tint));
	if (!last)
		fprintf(out, "%*s", (int)(GAP + (right ? 0 : pad)), "");
}

int to_grid_print(const struct to_grid *g, const struct to_looks *looks, FILE *out)
{
	unsigned widths[MAX_COLUMNS] = {0}, total = 0;

	if (!g || g->no_memory)
		return -ENOMEM;
	for (size_t i = 0; i < g->count; i++) {
		unsigned w = width_of(g->cells[i].text);

		if (w > widths[i % g->columns])
			widths[i % g->columns] = w;
	}
	for (size_t i = 0; i < g->columns; i++)
		total += widths[i] + (i ? GAP : 0);
	if (total > looks->width)
		total = looks->width;
	for (size_t i = 0; i < g->count; i++) {
		size_t column = i % g->columns;

		if (g->cells[i].rule_before)
			print_rule(looks, total, out);
		print_cell(&g->cells[i], g->align[column] == 'r', column + 1 == g->columns,
			   widths[column], looks, out);
		if (column + 1 == g->columns)
			fputc('\n', out);
	}
	return 0;
}
