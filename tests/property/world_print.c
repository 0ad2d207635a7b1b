/* SPDX-License-Identifier: BSD-3-Clause */
/* The plan as YAML: what the engine's side gets, and what a person reads when a schedule fails. */
#include <arpa/inet.h>
#include <tests/pipeline/frame.h>

#include "world.h"

static const char *const kinds[] = {TO_NAMES(TO_KINDS)};
static const char *const modes[] = {TO_NAMES(TO_MODES)};
static const char *const roles[] = {"legacy", "new"};
static const char *const midflows[] = {"legacy", "new", "drop"};

static void print_addresses(FILE *out, const bool has[2], union to_addr v4, union to_addr v6)
{
	char text[INET6_ADDRSTRLEN];
	const char *comma = "";

	fprintf(out, "[");
	if (has[V4]) {
		fprintf(out, "%s", frame_addr_text(&v4, text, sizeof(text)));
		comma = ", ";
	}
	if (has[V6])
		fprintf(out, "%s'%s'", comma, frame_addr_text(&v6, text, sizeof(text)));
	fprintf(out, "]");
}

static void print_pools(const struct world *w, FILE *out)
{
	fprintf(out, "pools:\n");
	for (int i = 0; i < w->pools; i++) {
		const struct world_pool *p = &w->pool[i];

		fprintf(out, "  p%d:\n    role: %s\n    mode: %s\n    edges:\n", i, roles[p->role],
			modes[p->mode]);
		for (int e = p->first_edge; e < p->first_edge + p->edges; e++) {
			fprintf(out, "      e%d: {", e);
			for (int s = 0; s < (w->one_address ? 1 : w->services); s++) {
				fprintf(out, "%sa%d: ", s ? ", " : "", s);
				print_addresses(out, w->edge[e].has, world_edge_addr(w, e, s, V4),
						world_edge_addr(w, e, s, V6));
			}
			fprintf(out, "}\n");
		}
	}
}

static void print_service(const struct world *w, int i, FILE *out)
{
	const struct world_service *s = &w->service[i];

	fprintf(out, "  s%d:\n    kind: %s\n    vip: ", i, kinds[s->kind]);
	print_addresses(out, s->family, world_vip(s->vip, V4), world_vip(s->vip, V6));
	fprintf(out, "\n    protocol: %s\n", s->proto == TO_TCP ? "tcp" : "udp");
	if (s->port_low == s->port_high)
		fprintf(out, "    port: %d\n", s->port_low);
	else
		fprintf(out, "    port: %d-%d\n", s->port_low, s->port_high);
	fprintf(out, "    address: a%d\n    pools: {legacy: p%d, new: p%d}\n",
		w->one_address ? 0 : i, s->pool[LEGACY], s->pool[NEW]);
	fprintf(out, "    idle: %u\n    balance: %s\n", s->idle,
		s->balance_flow ? "flow" : "client");
	if (s->group == NONE)
		fprintf(out, "    affinity: none\n");
	else
		fprintf(out, "    affinity: g%d\n", s->group);
	fprintf(out, "    midflow: %s\n    fallback: %s\n    edge_initiated: %s\n",
		midflows[s->midflow], s->fallback_other ? "other" : "drop",
		s->through_vip ? "vip" : "own");
}

static void print_partners(const struct world *w, FILE *out)
{
	char text[INET6_ADDRSTRLEN];

	if (!w->partners)
		return;
	fprintf(out, "partners:\n");
	for (int i = 0; i < w->partners; i++) {
		const char *comma = "";

		fprintf(out, "  q%d: [", i);
		for (int k = 0; k < w->prefixes; k++) {
			const struct world_prefix *p = &w->prefix[k];

			if (p->partner != i)
				continue;
			fprintf(out, "%s'%s/%d'", comma,
				frame_addr_text(&p->addr, text, sizeof(text)), p->length);
			comma = ", ";
		}
		fprintf(out, "]\n");
	}
}

static void print_route(const struct world *w, const struct world_stage *at, int s, FILE *out)
{
	const char *comma = "";

	fprintf(out, "      s%d: {default: %d.%02d", s, at->share[s] / 100, at->share[s] % 100);
	for (int p = 0; p < w->partners; p++) {
		int share = at->exception[s][p];

		if (share == NONE)
			continue;
		fprintf(out, "%sq%d: %d.%02d", *comma ? comma : ", partners: {", p, share / 100,
			share % 100);
		comma = ", ";
	}
	fprintf(out, "%s}\n", *comma ? "}" : "");
}

static void print_stages(const struct world *w, FILE *out)
{
	fprintf(out, "stages:\n");
	for (int i = 0; i < w->stages; i++) {
		const struct world_stage *at = &w->stage[i];
		bool any = false;

		fprintf(out, "  - name: stage%d\n    routes:\n", i);
		for (int s = 0; s < w->services; s++)
			print_route(w, at, s, out);
		for (int s = 0; s < w->services; s++) {
			if (at->midflow[s] == NONE)
				continue;
			fprintf(out, "%ss%d: %s", any ? ", " : "    midflow: {", s,
				midflows[at->midflow[s]]);
			any = true;
		}
		fprintf(out, "%s", any ? "}\n" : "");
	}
}

void world_print(const struct world *w, FILE *out)
{
	static const bool both[2] = {true, true};

	fprintf(out, "turnout: 1\nsite:\n  name: property\n  gateways: ");
	print_addresses(out, both, world_gateway(V4), world_gateway(V6));
	fprintf(out, "\nsalt: property-%u\nrelay_key: shared\n", w->salt);
	print_pools(w, out);
	fprintf(out, "services:\n");
	for (int i = 0; i < w->services; i++)
		print_service(w, i, out);
	print_partners(w, out);
	print_stages(w, out);
}
