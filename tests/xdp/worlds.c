/* SPDX-License-Identifier: BSD-3-Clause */
#include "worlds.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frame.h"
#include "rig.h"
#include "tables.h"

#define EACH_POOL (WORLD_EDGES / 2)

static const struct world {
	const char *modes[2]; /* of the pools */
	unsigned ports[2];    /* of the two TCP services */
	const char *media;    /* of the UDP service */
	const char *options;  /* of all */
	uint8_t states[WORLD_EDGES];
} worlds[WORLDS] = {
	{.modes = {"dnat", "ipip"},
	 .ports = {443, 8443},
	 .media = "6000-6999",
	 .options = "fallback: other, midflow: legacy",
	 .states = {TO_EDGE_UP, TO_EDGE_DOWN, TO_EDGE_UP, TO_EDGE_DRAINING, TO_EDGE_UP,
		    TO_EDGE_UP}},
	{.modes = {"ipip", "dnat"},
	 .ports = {8443, 443},
	 .media = "6200-7999",
	 .options = "fallback: drop, midflow: new",
	 .states = {TO_EDGE_DOWN, TO_EDGE_UP, TO_EDGE_DRAINING, TO_EDGE_UP, TO_EDGE_DOWN,
		    TO_EDGE_DRAINING}},
	{.modes = {"dnat", "l2"},
	 .ports = {443, 8080},
	 .media = "6000-6100",
	 .options = "fallback: other, midflow: drop",
	 .states = {TO_EDGE_UP, TO_EDGE_UP, TO_EDGE_UP, TO_EDGE_UP, TO_EDGE_DRAINING, TO_EDGE_UP,
		    TO_EDGE_DOWN}},
};

static void print_pool(FILE *f, unsigned world, unsigned pool)
{
	fprintf(f, "  %s: {role: %s, mode: %s, edges: {", pool ? "fresh" : "old",
		pool ? "new" : "legacy", worlds[world].modes[pool]);
	for (unsigned i = 0; i < EACH_POOL; i++) {
		unsigned edge = pool * EACH_POOL + i;

		fprintf(f, "%se%u: {", i ? ", " : "", edge);
		for (unsigned vip = 0; vip < 2; vip++)
			fprintf(f, "%sa%u: [10.%u.%u.%u, \"2001:db8:%u:%u::%u\"]", vip ? ", " : "",
				vip, world, vip, edge + 1, world + 1, vip, edge + 1);
		fputs("}", f);
	}
	fputs("}}\n", f);
}

static void print_service(FILE *f, unsigned world, const char *name, const char *kind, unsigned vip,
			  const char *port)
{
	fprintf(f,
		"  %s: {kind: %s, vip: [203.0.113.%u, \"2001:db8:100::%u\"], protocol: %s, "
		"port: \"%s\", address: a%u, affinity: none, %s}\n",
		name, kind, vip + 1, vip + 1, vip ? "udp" : "tcp", port, vip,
		worlds[world].options);
}

static void print_services(FILE *f, unsigned world)
{
	char port[2][8];

	for (int i = 0; i < 2; i++)
		snprintf(port[i], sizeof(port[i]), "%u", worlds[world].ports[i]);
	print_service(f, world, "web", "sip-tls", 0, port[0]);
	print_service(f, world, "alt", "other", 0, port[1]);
	print_service(f, world, "data", "other", 1, worlds[world].media);
	print_service(f, world, "sip", "sip", 1, "5060");
}

/* In each world, all of some partners' clients go to the new pool. */
static void print_stage(FILE *f, unsigned world)
{
	static const char *const names[] = {"web", "alt", "data", "sip"};

	fputs("stages:\n  - name: only\n    routes:\n", f);
	for (unsigned s = 0; s < 4; s++) {
		fprintf(f, "      %s: {default: %u, partners: {", names[s], world * 30);
		for (unsigned site = 0; site < WORLD_SITES; site++)
			fprintf(f, "%sp%u: %u", site ? ", " : "", site,
				(site + s + world) % WORLDS ? 0u : 100u);
		fputs("}}\n", f);
	}
}

static char *text_of(unsigned world)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		rig_fail("open_memstream");
	fprintf(f,
		"turnout: 1\nsite: {name: world, gateways: [192.0.2.%u, \"2001:db8:200::%u\"]}\n"
		"salt: worlds\npools:\n",
		world + 1, world + 1);
	print_pool(f, world, 0);
	print_pool(f, world, 1);
	fputs("services:\n", f);
	print_services(f, world);
	fputs("partners:\n", f);
	for (unsigned site = 0; site < WORLD_SITES; site++)
		fprintf(f, "  p%u: [20.%u.%u.0/24, \"2001:db8:ffff:%x::/64\"]\n", site, site >> 8,
			site & 255, site);
	print_stage(f, world);
	fclose(f);
	return text;
}

/* A copy of its own, for its number is going to change. */
static struct to_table *make(unsigned world)
{
	char *text = text_of(world);
	struct to_plan *plan = tables_plan(text);
	const struct to_table *t =
		tables_compile(plan, 0, worlds[world].states, world + 1, 0, NULL);
	struct to_table *copy = aligned_alloc(
		TO_TABLE_ALIGN, (t->size + TO_TABLE_ALIGN - 1) / TO_TABLE_ALIGN * TO_TABLE_ALIGN);

	if (!copy)
		rig_fail("no memory for a table");
	memcpy(copy, t, t->size);
	tables_free(t);
	tables_plan_free(plan);
	free(text);
	return copy;
}

void worlds_make(struct worlds *w)
{
	for (unsigned i = 0; i < WORLDS; i++)
		w->table[i] = make(i);
}

void worlds_free(struct worlds *w)
{
	for (unsigned i = 0; i < WORLDS; i++)
		free(w->table[i]);
}

__attribute__((format(printf, 1, 2))) static union to_addr address(const char *format, ...)
{
	char text[64];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return frame_addr(text);
}

union to_addr worlds_client(unsigned site, unsigned host, bool v6)
{
	return v6 ? address("2001:db8:ffff:%x::%x", site, host)
		  : address("20.%u.%u.%u", site >> 8, site & 255, host);
}

union to_addr worlds_vip(unsigned vip, bool v6)
{
	return v6 ? address("2001:db8:100::%u", vip + 1) : address("203.0.113.%u", vip + 1);
}

union to_addr worlds_edge(unsigned world, unsigned edge, unsigned vip, bool v6)
{
	return v6 ? address("2001:db8:%u:%u::%u", world + 1, vip, edge + 1)
		  : address("10.%u.%u.%u", world, vip, edge + 1);
}
