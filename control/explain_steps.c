/* SPDX-License-Identifier: BSD-3-Clause */
/* The steps that look for state, and those that decide without. */
#include <arpa/inet.h>

#include <turnout/table_read.h>

#include "cli.h"
#include "explain.h"
#include "explain_text.h"
#include "show.h"

static const char *const reasons[] = {TO_NAMES(TO_REASONS)};
static const char *const states[] = {TO_NAMES(TO_EDGE_STATES)};

static const struct to_service *service_of(const struct to_explained *e)
{
	return &to_table_services(e->what->table)[e->what->packet.out.service];
}

/* What the entry would have said, had there been one. */
static void print_asked(const struct to_explained *e, uint32_t index, FILE *out)
{
	const struct to_explanation *n = e->what;
	uint8_t kind = n->asked[index];
	char label[24];

	snprintf(label, sizeof(label), "%u %s", index + 1, to_entry_kind_names[kind]);
	fprintf(out, "%15s%-15s", "", label);
	if (n->packet.out.verdict == TO_VERDICT_OUT ||
	    n->packet.out.reason == TO_REASON_PORT_CONFLICT) {
		fputs("then it is an answer: reply, its source becomes the VIP\n", out);
		return;
	}
	switch (kind) {
	case TO_PIN4:
	case TO_PIN6:
		fputs(n->packet.flags & TO_PKT_SIP
			      ? "of these addresses and ports (SIP over UDP makes none)\n"
			      : "of these addresses and ports: its edge, healthy or not\n",
		      out);
		break;
	case TO_DIALOG:
		fputs("of this Call-ID: its edge, where that serves this service\n", out);
		break;
	case TO_TRANSACTION:
		fputs("of this Via branch: its edge, likewise\n", out);
		break;
	case TO_OWNER:
		fprintf(out, "of port %u of this VIP: the edge that claimed it\n", e->flow->dport);
		break;
	case TO_AFFINITY:
		fprintf(out, "of this client in group %s: its edge, while that is up;\n",
			e->plan->group[service_of(e)->group]);
		fprintf(out, "%30sits pool takes clients on this route: legacy %s, new %s\n", "",
			n->takes_clients[0] ? "yes" : "no", n->takes_clients[1] ? "yes" : "no");
		if (!n->takes_clients[0] || !n->takes_clients[1])
			fprintf(out, "%30s(one that ceased to goes on for %u s)\n", "",
				n->table->grace);
		break;
	}
}

static void print_state(const struct to_explained *e, FILE *out)
{
	const struct to_explanation *n = e->what;

	/* what an edge or a VIP sends to a VIP is refused: no pin of it can ever be made */
	if (!n->asks || n->packet.out.reason == TO_REASON_SPOOF ||
	    n->packet.out.reason == TO_REASON_HAIRPIN) {
		to_explain_line(out, "state", "no entry has a say here");
		return;
	}
	to_explain_line(out, "state",
			"none is assumed; an entry would decide first, in this order:");
	for (uint32_t i = 0; i < n->asks; i++)
		print_asked(e, i, out);
	if (n->routed && service_of(e)->group == TO_NO_INDEX)
		to_explain_line(out, "", "no affinity: the service has no group");
}

static void print_midflow(const struct to_explained *e, FILE *out)
{
	const struct to_explanation *n = e->what;
	const struct to_table *t = n->table;
	const struct to_decision *d = &n->midflow;

	if (n->packet.to.kind != TO_ADDRESS_VIP || n->packet.out.service == TO_NO_INDEX)
		return;
	if (!n->has_midflow) {
		to_explain_line(out, "mid-flow", "every packet can begin a flow on this service");
		return;
	}
	to_explain_line(out, "mid-flow", "this packet can begin a flow; without state, %s",
			to_cargo_names[n->midflow_cargo]);
	if (d->edge == TO_NO_INDEX)
		to_explain_line(out, "", "would be dropped: %s (the rule here: %s)",
				reasons[d->reason], to_midflow_rule(service_of(e)));
	else
		to_explain_line(out, "", "would go to %s of pool %s: %s (the rule here: %s)",
				to_edge_name(t, d->edge),
				to_pool_name(t, to_pool_of_edge(t, d->edge)), reasons[d->reason],
				to_midflow_rule(service_of(e)));
}

static void print_route(const struct to_explained *e, FILE *out)
{
	const struct to_explanation *n = e->what;
	char share[8], prefix[TO_RANGE_TEXT], client[TO_RANGE_TEXT];
	const char *partner = to_table_string(n->table, n->route->partner);
	uint8_t pool = n->choice[0].pool;

	to_share_text(n->route->share, share);
	if (*partner)
		to_explain_line(out, "route", "partner %s, %s: %s %% of its clients go new",
				partner, to_route_prefix(e, prefix), share);
	else
		to_explain_line(out, "route",
				"everyone (no exception holds the client): %s %% of clients go new",
				share);
	to_explain_line(out, "", "client %s has bucket %u of %u: %u %s %u (%s %%), so %s: pool %s",
			to_client_text(&e->flow->src, client), n->bucket, TO_SHARE_ALL, n->bucket,
			n->bucket < n->route->share ? "<" : ">=", n->route->share, share,
			to_pool_role(n->table, pool), to_pool_name(n->table, pool));
}

static const char *why_not(const struct to_explained *e, const struct to_candidate *c)
{
	bool v4 = e->what->packet.family == TO_IP4;

	if (c->admits && c->serves)
		return "eligible";
	if (c->admits)
		return v4 ? "no IPv4 address for it" : "no IPv6 address for it";
	return "takes no new flows";
}

static const char *balance_text(const struct to_explained *e)
{
	if (!(service_of(e)->flags & TO_SERVICE_BALANCE_FLOW))
		return "client";
	return e->what->packet.flags & TO_PKT_SIP ? "flow: the Call-ID"
						  : "flow: client, its port, the VIP's port";
}

static void print_choice(const struct to_explained *e, const struct to_choice *c, const char *label,
			 FILE *out)
{
	const struct to_table *t = e->what->table;

	to_explain_line(out, label, "in pool %s, by %s; the eligible edge with the highest score",
			to_pool_name(t, c->pool), balance_text(e));
	for (uint32_t i = 0; i < c->count; i++) {
		const struct to_candidate *at = &c->at[i];

		fprintf(out, "%15s%-15s %-9s %-22s %016llx%s\n", "", to_edge_name(t, at->edge),
			states[to_table_edges(t)[at->edge].state], why_not(e, at),
			(unsigned long long)at->score, at->edge == c->edge ? "  <-" : "");
	}
	if (c->edge == TO_NO_INDEX)
		to_explain_line(out, "", "none is eligible");
}

static void print_choices(const struct to_explained *e, FILE *out)
{
	const struct to_explanation *n = e->what;
	bool other = service_of(e)->flags & TO_SERVICE_FALLBACK_OTHER;

	print_choice(e, &n->choice[0], "edge", out);
	if (n->choices == 2)
		print_choice(e, &n->choice[1], "fallback", out);
	else if (n->choice[0].edge == TO_NO_INDEX)
		to_explain_line(out, "fallback", "drop");
	else
		to_explain_line(out, "fallback", "not needed; with no eligible edge: %s",
				other ? "the other pool" : "drop");
}

void to_explain_steps(const struct to_explained *e, FILE *out)
{
	print_state(e, out);
	print_midflow(e, out);
	if (!e->what->routed)
		return;
	print_route(e, out);
	print_choices(e, out);
}
