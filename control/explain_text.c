/* SPDX-License-Identifier: BSD-3-Clause */
/* An explanation for a person, in the order of the decision. */
#include <arpa/inet.h>
#include <stdarg.h>
#include <string.h>

#include <turnout/table_read.h>

#include "cli.h"
#include "explain.h"
#include "explain_text.h"
#include "show.h"

static const char *const verdicts[] = {TO_NAMES(TO_VERDICTS)};
static const char *const reasons[] = {TO_NAMES(TO_REASONS)};
static const char *const kinds[] = {TO_NAMES(TO_KINDS)};

void to_explain_line(FILE *out, const char *label, const char *format, ...)
{
	va_list args;

	fprintf(out, "%-13s", label);
	va_start(args, format);
	vfprintf(out, format, args);
	va_end(args);
	fputc('\n', out);
}

static void print_states(const struct to_explained *e, FILE *out)
{
	static const char *const states[] = {TO_NAMES(TO_EDGE_STATES)};
	bool any = false;

	fprintf(out, "%-13s", "edges");
	for (uint32_t i = 0; i < e->plan->edges; i++)
		if (e->edge_states[i] != TO_EDGE_UP) {
			fprintf(out, "%s%s %s", any ? ", " : "", e->plan->edge[i].name,
				states[e->edge_states[i]]);
			any = true;
		}
	fputs(any ? "; the others up\n" : "all up\n", out);
}

static void print_question(const struct to_explained *e, FILE *out)
{
	char from[TO_ENDPOINT_TEXT], to[TO_ENDPOINT_TEXT];
	const struct to_flow *f = e->flow;

	to_explain_line(out, "plan", "%s, stage %s (%u of %u)", e->path,
			e->plan->stage[e->stage].name, e->stage + 1, e->plan->stages);
	print_states(e, out);
	to_explain_line(out, "flow", "%s %s -> %s%s", f->proto == TO_TCP ? "tcp" : "udp",
			to_endpoint_text(&f->src, f->sport, from),
			to_endpoint_text(&f->dst, f->dport, to),
			f->port_chosen ? "  (the source port was chosen)" : "");
	if (e->what->cargo == TO_CARGO_INVITE)
		to_explain_line(out, "", "its first packet: %s, Call-ID %s",
				to_cargo_names[e->what->cargo], f->call_id);
	else
		to_explain_line(out, "", "its first packet: %s", to_cargo_names[e->what->cargo]);
}

static void print_verdict(const struct to_explained *e, FILE *out)
{
	const struct to_decision *d = &e->what->packet.out;
	const struct to_table *t = e->what->table;
	const char *name = d->edge == TO_NO_INDEX ? NULL : to_edge_name(t, d->edge);

	if (name)
		to_explain_line(out, "verdict", "%s, %s: %s %s of pool %s", verdicts[d->verdict],
				reasons[d->reason],
				d->verdict == TO_VERDICT_STEER ? "to edge" : "edge", name,
				to_pool_name(t, to_pool_of_edge(t, d->edge)));
	else
		to_explain_line(out, "verdict", "%s, %s", verdicts[d->verdict], reasons[d->reason]);
	to_explain_line(out, "", "%s", to_reason_why(d->reason));
}

/* "access (tcp 443), federation (tcp 5061)": what the address's binds say. */
static void print_binds(const struct to_table *t, const struct to_identity *place, FILE *out)
{
	for (uint32_t i = 0; i < place->binds; i++) {
		const struct to_bind *b = &to_table_binds(t)[place->first_bind + i];

		fprintf(out, "%s%s (%s %u", i ? ", " : "", to_service_name(t, b->service),
			b->proto == TO_TCP ? "tcp" : "udp", b->port_low);
		if (b->port_high != b->port_low)
			fprintf(out, "-%u", b->port_high);
		fputc(')', out);
	}
}

static void print_address(const struct to_explained *e, const char *label,
			  const union to_addr *addr, const struct to_identity *place, FILE *out)
{
	const struct to_table *t = e->what->table;
	char text[INET6_ADDRSTRLEN];

	fprintf(out, "%-13s%s: ", label, to_address_text(addr, text));
	switch (place->kind) {
	case TO_ADDRESS_VIP:
		fputs("a VIP, of ", out);
		print_binds(t, place, out);
		break;
	case TO_ADDRESS_EDGE:
		fprintf(out, "edge %s's own address, for ", to_edge_name(t, place->index));
		print_binds(t, place, out);
		break;
	case TO_ADDRESS_GATEWAY:
		fputs("a gateway's own address", out);
		break;
	default:
		fputs("outside: no VIP, edge or gateway has it", out);
	}
	fputc('\n', out);
}

static void print_port(uint16_t port, uint8_t service, const char *found, const char *none,
		       const struct to_table *t, FILE *out)
{
	if (service == TO_NO_INDEX)
		to_explain_line(out, "", "port %u: %s", port, none);
	else
		to_explain_line(out, "", "port %u: %s %s", port, found,
				to_service_name(t, service));
}

/* What an edge's packet may belong to. */
static void print_edge_services(const struct to_explained *e, FILE *out)
{
	const struct to_packet *k = &e->what->packet;
	const struct to_table *t = e->what->table;

	to_explain_line(out, "service", "%s%s", k->out.service == TO_NO_INDEX ? "none" : "",
			k->out.service == TO_NO_INDEX ? "" : to_service_name(t, k->out.service));
	print_port(e->flow->sport, k->answers_service, "what this edge sends from it answers for",
		   "nothing that this edge sends from it can be an answer from a VIP", t, out);
	print_port(e->flow->dport, k->opens_service, "what this edge opens to it belongs to",
		   "no service of this edge is on the other side's port", t, out);
}

static void print_service(const struct to_explained *e, FILE *out)
{
	const struct to_packet *k = &e->what->packet;
	const struct to_table *t = e->what->table;
	const struct to_service *s;

	if (k->out.verdict == TO_VERDICT_OUT) {
		print_edge_services(e, out);
		return;
	}
	if (k->to.kind != TO_ADDRESS_VIP || k->out.reason == TO_REASON_SPOOF ||
	    k->out.reason == TO_REASON_HAIRPIN)
		return;
	if (k->out.service == TO_NO_INDEX) {
		to_explain_line(out, "service", "none on %s %u of this VIP",
				k->proto == TO_TCP ? "tcp" : "udp", e->flow->dport);
		return;
	}
	s = &to_table_services(t)[k->out.service];
	to_explain_line(out, "service", "%s, of kind %s: it has %s port %u of this VIP",
			to_table_string(t, s->name), kinds[s->kind],
			s->proto == TO_TCP ? "tcp" : "udp", e->flow->dport);
}

/* Where nothing is routed, stages have no say: one line is enough. */
static bool same_in_all(const struct to_explained *e)
{
	for (uint32_t i = 0; i < e->plan->stages; i++)
		if (e->answers[i].routed)
			return false;
	return true;
}

static void print_stage(const struct to_explained *e, uint32_t i, FILE *out)
{
	const struct to_table *t = e->what->table;
	const struct to_stage_answer *a = &e->answers[i];
	char share[8], edge[2 * TO_MAX_NAME + 8] = "-";

	if (a->pool != TO_NO_INDEX)
		snprintf(edge, sizeof(edge), "%s of %s", to_edge_name(t, a->out.edge),
			 to_pool_name(t, a->pool));
	fprintf(out, "%s %-20s %-6s %-9s %-20s %6s %% new, bucket %u%s\n",
		i == e->stage ? " >" : "  ", e->plan->stage[i].name, verdicts[a->out.verdict],
		reasons[a->out.reason], edge, to_share_text(a->share, share), a->bucket,
		a->moves ? "  <- moves" : "");
}

static void print_stages(const struct to_explained *e, FILE *out)
{
	if (same_in_all(e)) {
		fputs("\nthe same in every stage\n", out);
		return;
	}
	fputs("\nthe same flow, if it began in each stage\n", out);
	for (uint32_t i = 0; i < e->plan->stages; i++)
		print_stage(e, i, out);
}

void to_explain_text(const struct to_explained *e, FILE *out)
{
	const struct to_explanation *n = e->what;

	print_question(e, out);
	fputc('\n', out);
	print_verdict(e, out);
	fputc('\n', out);
	print_address(e, "source", &e->flow->src, &n->src, out);
	print_address(e, "destination", &e->flow->dst, &n->dst, out);
	print_service(e, out);
	to_explain_steps(e, out);
	to_explain_leaving(e, out);
	print_stages(e, out);
}
