/* SPDX-License-Identifier: BSD-3-Clause */
/* The generations of a replay, and how the clients went from pool to pool in them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "summary.h"

#define MAX_SERVICES 64u
#define TO_CELL      (2 * TO_TEXT)
#define MOST_AT_ONCE 12u /* by the columns of a grid */

/* Services that new flows came to, in the order of the plan as far as the generations show it. */
static unsigned find_services(const json_t *generations, const char **names)
{
	unsigned n = 0;
	size_t i, j;
	json_t *g, *s;

	json_array_foreach(generations, i, g)
	{
		json_array_foreach(json_object_get(g, "services"), j, s)
		{
			const char *name = to_json_text(s, "service");
			unsigned at = 0;

			while (at < n && strcmp(names[at], name))
				at++;
			if (at == n && n < MAX_SERVICES)
				names[n++] = name;
		}
	}
	return n;
}

static const json_t *pools_of(const json_t *generation, const char *service)
{
	size_t i;
	json_t *s;

	json_array_foreach(json_object_get(generation, "services"), i, s)
	{
		if (!strcmp(to_json_text(s, "service"), service))
			return json_object_get(s, "pools");
	}
	return NULL;
}

static const char *pool_name(const json_t *generations, const char *service, size_t role)
{
	size_t i;
	json_t *g;

	json_array_foreach(generations, i, g)
	{
		const json_t *pools = pools_of(g, service);

		if (pools)
			return to_json_text(json_array_get(pools, role), "pool");
	}
	return "";
}

/* "412 +31": clients, and how many of them came over from the other pool. */
static const char *clients_text(const json_t *pools, size_t role, char *out)
{
	const json_t *pool = json_array_get(pools, role);
	json_int_t clients = pool ? to_json_int(pool, "clients") : 0;
	json_int_t moved = pool ? to_json_int(pool, "moved") : 0;
	char a[TO_TEXT], b[TO_TEXT];

	if (!clients)
		snprintf(out, TO_CELL, ".");
	else if (!moved)
		snprintf(out, TO_CELL, "%s", to_text_count(clients, a));
	else
		snprintf(out, TO_CELL, "%s +%s", to_text_count(clients, a),
			 to_text_count(moved, b));
	return out;
}

static void clients_cell(struct to_grid *grid, const json_t *pools, size_t role)
{
	char text[TO_CELL];
	enum to_tint tint = TO_DIM;

	clients_text(pools, role, text);
	if (*text != '.')
		tint = role ? TO_GREEN : strchr(text, '+') ? TO_YELLOW : TO_PLAIN;
	to_grid_cell(grid, tint, "%s", text);
}

static double seconds_of(const json_t *object, const char *key)
{
	return strtod(to_json_text(object, key), NULL);
}

static void headings(struct to_grid *grid, const json_t *generations, const char *const *services,
		     unsigned n)
{
	to_grid_end_row(grid);
	for (unsigned i = 0; i < 4; i++)
		to_grid_cell(grid, TO_PLAIN, "%s", "");
	for (unsigned i = 0; i < n; i++) {
		to_grid_cell(grid, TO_BOLD, "%s", services[i]);
		to_grid_cell(grid, TO_PLAIN, "%s", "");
	}
	to_grid_cell(grid, TO_DIM, "gen");
	to_grid_cell(grid, TO_DIM, "after");
	to_grid_cell(grid, TO_DIM, "event");
	to_grid_cell(grid, TO_DIM, "frames");
	for (unsigned i = 0; i < n; i++) {
		to_grid_cell(grid, TO_DIM, "%s", pool_name(generations, services[i], 0));
		to_grid_cell(grid, TO_DIM, "%s", pool_name(generations, services[i], 1));
	}
	to_grid_rule(grid);
}

static void generation_row(struct to_grid *grid, const json_t *g, double start,
			   const char *const *services, unsigned n)
{
	char text[TO_TEXT];
	const char *event = to_json_text(g, "event");

	if (to_json_text(g, "refused")) {
		to_grid_cell(grid, TO_RED, "-");
		to_grid_cell(grid, TO_PLAIN, "%s", to_text_time(seconds_of(g, "at") - start, text));
		to_grid_cell(grid, TO_RED, "%s: refused", event ? event : "?");
		to_grid_end_row(grid);
		return;
	}
	to_grid_cell(grid, TO_PLAIN, "%lld", (long long)to_json_int(g, "generation"));
	to_grid_cell(grid, TO_PLAIN, "%s", to_text_time(seconds_of(g, "at") - start, text));
	to_grid_cell(grid, TO_BOLD, "%s", event ? event : to_json_text(g, "stage"));
	to_grid_cell(grid, TO_PLAIN, "%s", to_text_count(to_json_int(g, "frames"), text));
	for (unsigned i = 0; i < n; i++) {
		const json_t *pools = pools_of(g, services[i]);

		clients_cell(grid, pools, 0);
		clients_cell(grid, pools, 1);
	}
}

static int print_some(const json_t *summary, const char *const *services, unsigned n,
		      const struct to_looks *looks, FILE *out)
{
	const json_t *generations = json_object_get(summary, "generations");
	char align[5 + 2 * MAX_SERVICES] = "rrlr";
	double start = seconds_of(summary, "first");
	struct to_grid *grid;
	size_t i;
	json_t *g;
	int ret;

	memset(align + 4, 'r', 2 * n);
	grid = to_grid_new(align);
	headings(grid, generations, services, n);
	json_array_foreach(generations, i, g) generation_row(grid, g, start, services, n);
	ret = to_grid_print(grid, looks, out);
	to_grid_free(grid);
	return ret;
}

static unsigned longer(unsigned width, const char *text)
{
	return strlen(text) > width ? (unsigned)strlen(text) : width;
}

/* Of a service's two columns, with their gaps. */
static unsigned pair_width(const json_t *generations, const char *service)
{
	unsigned widths[2] = {longer(0, service), 0};
	char text[TO_CELL];
	size_t i;
	json_t *g;

	json_array_foreach(generations, i, g)
	{
		for (size_t role = 0; role < 2; role++) {
			const char *pool = pool_name(generations, service, role);

			widths[role] = longer(widths[role], pool);
			clients_text(pools_of(g, service), role, text);
			widths[role] = longer(widths[role], text);
		}
	}
	return widths[0] + widths[1] + 4;
}

/* Of the generations' own columns. */
static unsigned fixed_width(const json_t *generations)
{
	unsigned event = 5;
	size_t i;
	json_t *g;

	json_array_foreach(generations, i, g)
	{
		const char *text = to_json_text(g, "event");

		event = longer(event, text ? text : "");
	}
	return 3 + 9 + event + 11 + 4;
}

/* How many of the services there is room for beside each other; one at least. */
static unsigned fitting(const json_t *generations, const char *const *services, unsigned n,
			unsigned room)
{
	unsigned used = fixed_width(generations), i = 0;

	while (i < n && i < MOST_AT_ONCE) {
		used += pair_width(generations, services[i]);
		if (i > 0 && used > room)
			break;
		i++;
	}
	return i;
}

int to_summary_clients(const json_t *summary, const struct to_looks *looks, FILE *out)
{
	const json_t *generations = json_object_get(summary, "generations");
	const char *services[MAX_SERVICES];
	unsigned n = find_services(generations, services), done = 0;
	int ret;

	fprintf(out,
		"%sGenerations%s, and the clients whose new flows each pool got (+ those that came "
		"from the other pool)\n",
		to_tint_on(looks, TO_BOLD), to_tint_off(looks, TO_BOLD));
	do {
		unsigned some = fitting(generations, services + done, n - done, looks->width);

		ret = print_some(summary, services + done, some, looks, out);
		fputc('\n', out);
		done += some;
	} while (ret == 0 && done < n);
	return ret;
}
