/* SPDX-License-Identifier: BSD-3-Clause */
#include "screen.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#define TEXT 1024

int to_screen_make(struct to_screen *s, unsigned rows, unsigned columns, bool utf8)
{
	*s = (struct to_screen){.rows = rows, .columns = columns, .utf8 = utf8};
	s->cell = calloc((size_t)rows * columns + 1, sizeof(*s->cell));
	if (!s->cell)
		return -ENOMEM;
	for (size_t i = 0; i < (size_t)rows * columns; i++)
		s->cell[i].text[0] = ' ';
	return 0;
}

void to_screen_free(struct to_screen *s)
{
	free(s->cell);
	s->cell = NULL;
}

/* The character at `text`; returns its bytes. What has no width of one column is '?'. */
static size_t take(const struct to_screen *s, const char *text, char *out)
{
	mbstate_t state = {0};
	wchar_t wide;
	size_t n = mbrtowc(&wide, text, strlen(text), &state);

	if (n == (size_t)-1 || n == (size_t)-2 || n == 0 || n > 4) {
		snprintf(out, 5, "?");
		return 1;
	}
	if (wcwidth(wide) == 1 && (s->utf8 || n == 1))
		snprintf(out, 5, "%.*s", (int)n, text);
	else
		snprintf(out, 5, "?");
	return n;
}

static unsigned put(struct to_screen *s, unsigned row, unsigned column, enum to_tint tint,
		    const char *text)
{
	while (*text) {
		struct to_cell c = {.tint = (uint8_t)tint};

		text += take(s, text, c.text);
		if (row < s->rows && column < s->columns)
			s->cell[row * s->columns + column] = c;
		column++;
	}
	return column;
}

unsigned to_screen_put(struct to_screen *s, unsigned row, unsigned column, enum to_tint tint,
		       const char *format, ...)
{
	char text[TEXT];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return put(s, row, column, tint, text);
}

void to_screen_put_right(struct to_screen *s, unsigned row, unsigned end, enum to_tint tint,
			 const char *format, ...)
{
	struct to_screen nowhere = {.utf8 = s->utf8};
	char text[TEXT];
	unsigned width;
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	width = put(&nowhere, 0, 0, TO_PLAIN, text);
	put(s, row, width < end ? end - width : 0, tint, text);
}

static bool is_blank(const struct to_cell *c)
{
	return !strcmp(c->text, " ");
}

static void write_row(const struct to_cell *cell, unsigned columns, const struct to_looks *looks,
		      FILE *out)
{
	enum to_tint tint = TO_PLAIN;

	while (columns && is_blank(&cell[columns - 1]))
		columns--;
	for (unsigned i = 0; i < columns; i++) {
		if (cell[i].tint != tint && !is_blank(&cell[i])) {
			fputs(to_tint_off(looks, tint), out);
			tint = cell[i].tint;
			fputs(to_tint_on(looks, tint), out);
		}
		fputs(cell[i].text, out);
	}
	fputs(to_tint_off(looks, tint), out);
}

void to_screen_write(const struct to_screen *before, const struct to_screen *after,
		     const struct to_looks *looks, FILE *out)
{
	size_t size = after->columns * sizeof(*after->cell);
	bool all = !before || !before->cell || before->rows != after->rows ||
		   before->columns != after->columns;

	for (unsigned row = 0; row < after->rows; row++) {
		const struct to_cell *cell = after->cell + (size_t)row * after->columns;

		if (!all && !memcmp(before->cell + (size_t)row * after->columns, cell, size))
			continue;
		fprintf(out, "\033[%u;1H", row + 1);
		write_row(cell, after->columns, looks, out);
		fputs("\033[K", out);
	}
}

void to_screen_print(const struct to_screen *s, const struct to_looks *looks, FILE *out)
{
	for (unsigned row = 0; row < s->rows; row++) {
		write_row(s->cell + (size_t)row * s->columns, s->columns, looks, out);
		fputc('\n', out);
	}
}
