/* SPDX-License-Identifier: BSD-3-Clause */
/* What the decision leaves behind, and what becomes of the packet: docs/state.md, section 10. */
#include <arpa/inet.h>

#include <turnout/table_read.h>

#include "cli.h"
#include "explain.h"
#include "explain_text.h"

/* Who proves an unproven entry of this flow. */
static const char *prover(const struct to_explained *e)
{
	const struct to_packet *k = &e->what->packet;
	bool answers = to_table_edges(e->what->table)[k->out.edge].mode == TO_MODE_DNAT;

	return answers ? "the edge's answer" : "the client's next packet (answers are not seen)";
}

static void print_kept(const struct to_explained *e, FILE *out)
{
	const struct to_explanation *n = e->what;

	if (!n->keeps)
		to_explain_line(out, "recorded", "nothing");
	for (uint32_t i = 0; i < n->keeps; i++) {
		const struct to_kept *kept = &n->kept[i];
		uint32_t seconds = kept->entry.expires - n->packet.now;

		if (kept->proven)
			to_explain_line(out, i ? "" : "recorded", "a proven %s, for %u s",
					to_entry_kind_names[kept->kind], seconds);
		else
			to_explain_line(out, i ? "" : "recorded",
					"an unproven %s, for %u s; %s proves it, then %u s idle",
					to_entry_kind_names[kept->kind], seconds, prover(e),
					kept->entry.life);
	}
}

static void print_dnat(const struct to_explained *e, FILE *out)
{
	char from[TO_ENDPOINT_TEXT], to[TO_ENDPOINT_TEXT], src[TO_ENDPOINT_TEXT];
	const struct to_flow *f = e->flow;

	to_endpoint_text(&f->dst, f->dport, from);
	to_explain_line(out, "leaves", "mode dnat: destination %s becomes %s, checksums with it",
			from, to_endpoint_text(&e->what->leaves_to, f->dport, to));
	to_explain_line(out, "", "not rewritten: source %s, both ports, payload; TTL one less",
			to_endpoint_text(&f->src, f->sport, src));
	to_explain_line(out, "", "the edge's answer comes back through here: source %s becomes %s",
			to, from);
}

static void print_tunnel(const struct to_explained *e, FILE *out)
{
	const struct to_explanation *n = e->what;
	char from[INET6_ADDRSTRLEN], to[INET6_ADDRSTRLEN];

	to_explain_line(out, "leaves", "mode ipip: in an IPv%c tunnel from %s to %s",
			to_addr_is_v4(&n->leaves_to) ? '4' : '6',
			to_address_text(&n->leaves_from, from), to_address_text(&n->leaves_to, to));
	to_explain_line(out, "", "%u bytes of header: the packet must fit the MTU less that",
			n->overhead);
	to_explain_line(out, "", "not rewritten: the packet inside, but for its TTL, one less");
	to_explain_line(out, "", "the edge answers the client itself, not through here");
}

static void print_l2(const struct to_explained *e, FILE *out)
{
	char to[INET6_ADDRSTRLEN], vip[INET6_ADDRSTRLEN];

	to_explain_line(out, "leaves", "mode l2: to the MAC of %s",
			to_address_text(&e->what->leaves_to, to));
	to_explain_line(
		out, "",
		"not rewritten: addresses (the edge has %s itself), ports, payload; TTL one "
		"less",
		to_address_text(&e->flow->dst, vip));
	to_explain_line(out, "", "the edge answers the client itself, not through here");
}

static void print_snat(const struct to_explained *e, FILE *out)
{
	char from[TO_ENDPOINT_TEXT], to[TO_ENDPOINT_TEXT];
	const struct to_flow *f = e->flow;

	to_explain_line(out, "leaves", "source %s becomes %s, checksums with it",
			to_endpoint_text(&f->src, f->sport, from),
			to_endpoint_text(&e->what->leaves_from, f->sport, to));
	to_explain_line(out, "", "not rewritten: destination, both ports, payload; TTL one less");
}

void to_explain_leaving(const struct to_explained *e, FILE *out)
{
	const struct to_decision *d = &e->what->packet.out;

	print_kept(e, out);
	switch (d->action) {
	case TO_ACT_DNAT:
		print_dnat(e, out);
		return;
	case TO_ACT_ENCAP:
		print_tunnel(e, out);
		return;
	case TO_ACT_SNAT:
		print_snat(e, out);
		return;
	case TO_ACT_FORWARD:
		if (d->verdict == TO_VERDICT_STEER && d->service != TO_NO_INDEX)
			print_l2(e, out);
		else
			to_explain_line(out, "leaves", "unchanged, but for MACs and TTL, one less");
		return;
	default:
		to_explain_line(out, "leaves", "%s",
				d->verdict == TO_VERDICT_DROP
					? "not at all: dropped, and nothing is sent back"
					: "as the kernel sees fit: it gets the packet untouched");
	}
}
