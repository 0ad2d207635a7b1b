/* SPDX-License-Identifier: BSD-3-Clause */
#include <arpa/inet.h>
#include <string.h>

#include <turnout/table_read.h>

#include "cli.h"
#include "show.h"

static const char *const kinds[] = {TO_NAMES(TO_KINDS)};
static const char *const states[] = {TO_NAMES(TO_EDGE_STATES)};
static const char *const modes[] = {TO_NAMES(TO_MODES)};

static union to_addr client_address(int f, uint64_t client)
{
	if (f == 0)
		return to_addr_v4(to_net32((uint32_t)client));
	return (union to_addr){.d = {__builtin_bswap64(client), 0}};
}

const char *to_range_text(int f, uint64_t first, uint64_t last, char *out)
{
	union to_addr low = client_address(f, first), high = client_address(f, last);
	char one[INET6_ADDRSTRLEN], other[INET6_ADDRSTRLEN];
	uint64_t size = last - first; /* less one */
	int bits = f ? 64 : 32;

	to_address_text(&low, one);
	if (first == 0 && last == (f ? UINT64_MAX : UINT32_MAX))
		snprintf(out, TO_RANGE_TEXT, "%s/0", one);
	else if (!(size & (size + 1)) && !(first & size))
		snprintf(out, TO_RANGE_TEXT, "%s/%d", one,
			 bits - (size ? 64 - __builtin_clzll(size) : 0));
	else
		snprintf(out, TO_RANGE_TEXT, "%s-%s", one, to_address_text(&high, other));
	return out;
}

static void show_header(const struct to_table *t, FILE *out)
{
	fprintf(out, "site %s, stage %s (%u), generation %llu\n", to_table_string(t, t->site_name),
		to_table_string(t, t->stage_name), t->stage, (unsigned long long)t->generation);
	fprintf(out, "%u bytes, checksum %016llx, grace %u s, committed at %u\n", t->size,
		(unsigned long long)t->checksum, t->grace, t->committed);
	for (uint32_t i = 0; i < to_table_gateway_count(t); i++) {
		char text[INET6_ADDRSTRLEN];

		fprintf(out, "gateway %s\n", to_address_text(&to_table_gateways(t)[i].addr, text));
	}
}

static void show_edges(const struct to_table *t, FILE *out)
{
	fputs("\npool            role    edge            mode  state\n", out);
	for (uint32_t i = 0; i < to_table_edge_count(t); i++) {
		const struct to_edge *e = &to_table_edges(t)[i];
		const struct to_pool *p = &to_table_pools(t)[e->pool];

		fprintf(out, "%-15s %-7s %-15s %-5s %s\n", to_table_string(t, p->name),
			p->role ? "new" : "legacy", to_table_string(t, e->name), modes[e->mode],
			states[e->state]);
	}
}

static void show_flags(const struct to_service *s, FILE *out)
{
	static const struct {
		uint8_t flag;
		const char *text;
	} flags[] = {
		{TO_SERVICE_BALANCE_FLOW, "balance flow"},
		{TO_SERVICE_FALLBACK_OTHER, "fallback other"},
		{TO_SERVICE_EDGE_INITIATED_VIP, "edge-initiated vip"},
		{TO_SERVICE_MIDFLOW_DROP, "midflow drop"},
		{TO_SERVICE_MIDFLOW_NEW, "midflow new"},
		{TO_SERVICE_LEARN, "learns owners"},
		{TO_SERVICE_OWNED, "owned ports"},
	};

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (s->flags & flags[i].flag)
			fprintf(out, ", %s", flags[i].text);
	if (s->group != TO_NO_INDEX)
		fprintf(out, ", affinity group %u", s->group);
}

static void show_vips(const struct to_table *t, uint32_t service, FILE *out)
{
	for (uint32_t i = 0; i < to_table_address_count(t); i++) {
		const struct to_address *a = &to_table_addresses(t)[i];
		char text[INET6_ADDRSTRLEN];

		for (uint32_t k = 0; k < a->binds && a->kind == TO_ADDRESS_VIP; k++)
			if (to_table_binds(t)[a->first_bind + k].service == service)
				fprintf(out, " %s", to_address_text(&a->addr, text));
	}
}

static void show_targets(const struct to_table *t, uint32_t service, FILE *out)
{
	fputs("  edges:", out);
	for (uint32_t e = 0; e < to_table_edge_count(t); e++) {
		const struct to_target *g = to_table_target(t, service, e);
		union to_addr v4 = to_addr_v4(g->v4);
		char text[INET6_ADDRSTRLEN];

		if (!g->has4 && !g->has6)
			continue;
		fprintf(out, " %s", to_table_string(t, to_table_edges(t)[e].name));
		if (g->has4)
			fprintf(out, " %s", to_address_text(&v4, text));
		if (g->has6)
			fprintf(out, " %s", to_address_text(&g->v6, text));
		fputc(';', out);
	}
	fputc('\n', out);
}

static void show_routes(const struct to_table *t, const struct to_service *s, int f, FILE *out)
{
	const struct to_interval *at = to_table_intervals(t) + s->first_interval[f];
	uint64_t end = f ? UINT64_MAX : UINT32_MAX;

	for (uint32_t i = 0; i < s->intervals[f]; i++) {
		const struct to_route *r = &to_table_routes(t)[at[i].route];
		uint64_t last = i + 1 < s->intervals[f] ? at[i + 1].first - 1 : end;
		char range[TO_RANGE_TEXT], share[8];

		fprintf(out, "  %-40s %6s %% new  %s", to_range_text(f, at[i].first, last, range),
			to_share_text(r->share, share),
			r->partner ? to_table_string(t, r->partner) : "everyone");
		if (r->new_zero_since)
			fprintf(out, ", new at 0 since %u", r->new_zero_since);
		if (r->legacy_zero_since)
			fprintf(out, ", legacy at 0 since %u", r->legacy_zero_since);
		fputc('\n', out);
	}
}

static void show_service(const struct to_table *t, uint32_t index, FILE *out)
{
	const struct to_service *s = &to_table_services(t)[index];

	fprintf(out, "\nservice %s: %s on", to_table_string(t, s->name), kinds[s->kind]);
	show_vips(t, index, out);
	fprintf(out, ", %s %u", s->proto == TO_TCP ? "tcp" : "udp", s->port_low);
	if (s->port_high != s->port_low)
		fprintf(out, "-%u", s->port_high);
	fprintf(out, ", idle %u s", s->idle);
	show_flags(s, out);
	fputc('\n', out);
	show_targets(t, index, out);
	if (s->vip4 != TO_NO_INDEX)
		show_routes(t, s, 0, out);
	if (s->vip6 != TO_NO_INDEX)
		show_routes(t, s, 1, out);
}

void to_show_text(const struct to_table *t, FILE *out)
{
	show_header(t, out);
	show_edges(t, out);
	for (uint32_t i = 0; i < to_table_service_count(t); i++)
		show_service(t, i, out);
}
