/* SPDX-License-Identifier: BSD-3-Clause */
/* Where the packets of a replay went, and why. */
#include <errno.h>
#include <string.h>

#include "pivot.h"
#include "summary.h"

static const struct {
	const char *reason;
	const char *meaning;
} drops[] = {
	{"spoof", "an inside address from outside, or from VIP to VIP"},
	{"hairpin", "an edge that dials a VIP"},
	{"no-service", "to a VIP, but to no service of it"},
	{"no-edge", "no edge of the pool admits new flows"},
	{"edge-retired", "to a retired edge's own address"},
	{"port-conflict", "an edge's flow whose port another edge's flow has"},
	{"fragment-early", "a fragment before its first one"},
	{"icmp-unmatched", "an ICMP error about no known flow"},
	{"ip-header", "malformed: IP header"},
	{"ip-truncated", "malformed: shorter than its IP header says, or captured in part"},
	{"ip-checksum", "malformed: IP header checksum"},
	{"l4-truncated", "malformed: TCP, UDP or ICMP header cut off"},
	{"l4-header", "malformed: TCP or UDP header"},
	{"ttl", "its TTL ended here"},
	{"too-big", "larger than the MTU"},
	{"reset", "of a connection that is reset, for its edge is resetting"},
	{"sip-rate", "a SIP message of a stranger, beyond what may be read"},
	{"midflow", "not the beginning of a flow, and no flow is known"},
	{"fragment", "a fragment of a dropped packet"},
};
#define DROPS (sizeof(drops) / sizeof(drops[0]))

/* Counters do not say the verdict: these two reasons are of steered packets as well, which have an
 * edge. The index in `drops`, or -1: it was not dropped. */
static int drop_of(const json_t *counter)
{
	const char *reason = to_json_text(counter, "reason");

	for (size_t i = 0; i < DROPS; i++) {
		if (!strcmp(drops[i].reason, reason)) {
			if (!strcmp(reason, "midflow") || !strcmp(reason, "fragment"))
				return to_json_text(counter, "edge") ? -1 : (int)i;
			return (int)i;
		}
	}
	return -1;
}

static void title(const char *text, const char *more, const struct to_looks *looks, FILE *out)
{
	fprintf(out, "%s%s%s%s\n", to_tint_on(looks, TO_BOLD), text, to_tint_off(looks, TO_BOLD),
		more);
}

static const char *or_none(const char *text)
{
	return text ? text : "(none)";
}

static int add_row(struct to_pivot *p, const json_t *c)
{
	const char *labels[] = {or_none(to_json_text(c, "service")),
				or_none(to_json_text(c, "pool")), or_none(to_json_text(c, "edge"))};

	return to_pivot_add(p, labels, to_json_text(c, "reason"), to_json_int(c, "packets"));
}

static int print_edges(const json_t *counters, const struct to_looks *looks, FILE *out)
{
	static const char *const headings[] = {"service", "pool", "edge"};
	struct to_pivot *p = to_pivot_new(3);
	int ret = p ? 0 : -ENOMEM;
	size_t i, pass;
	json_t *c;

	/* edge by edge within a service: the array has classes outside of edges */
	for (pass = 0; pass < 2; pass++) {
		json_array_foreach(counters, i, c)
		{
			if (ret == 0 && drop_of(c) < 0 &&
			    (pass == 1) == !to_json_text(c, "service"))
				ret = add_row(p, c);
		}
	}
	if (ret == 0) {
		title("Where it went", ", by the reason of the decision", looks, out);
		ret = to_pivot_print(p, headings, looks, out);
		fputc('\n', out);
	}
	to_pivot_free(p);
	return ret;
}

static int print_classes(const json_t *counters, const struct to_looks *looks, FILE *out)
{
	static const char *const headings[] = {"service"};
	struct to_pivot *p = to_pivot_new(1);
	int ret = p ? 0 : -ENOMEM;
	size_t i;
	json_t *c;

	json_array_foreach(counters, i, c)
	{
		const char *service = to_json_text(c, "service");

		if (ret == 0 && service)
			ret = to_pivot_add(p, &service, to_json_text(c, "class"),
					   to_json_int(c, "packets"));
	}
	if (ret == 0 && !to_pivot_is_empty(p)) {
		title("What it was", ", by the payload's class", looks, out);
		ret = to_pivot_print(p, headings, looks, out);
		fputc('\n', out);
	}
	to_pivot_free(p);
	return ret;
}

int to_summary_traffic(const json_t *summary, const struct to_looks *looks, FILE *out)
{
	const json_t *counters = json_object_get(summary, "counters");
	int ret = print_classes(counters, looks, out);

	return ret < 0 ? ret : print_edges(counters, looks, out);
}

int to_summary_drops(const json_t *summary, const struct to_looks *looks, FILE *out)
{
	json_int_t n[DROPS] = {0}, total = 0;
	struct to_grid *g;
	char text[TO_TEXT];
	size_t i;
	json_t *c;
	int ret;

	json_array_foreach(json_object_get(summary, "counters"), i, c)
	{
		int drop = drop_of(c);

		if (drop >= 0) {
			n[drop] += to_json_int(c, "packets");
			total += to_json_int(c, "packets");
		}
	}
	if (!total)
		return 0;
	g = to_grid_new("rll");
	for (size_t d = 0; d < DROPS; d++) {
		if (!n[d])
			continue;
		to_grid_cell(g, TO_PLAIN, "%s", to_text_count(n[d], text));
		to_grid_cell(g, TO_YELLOW, "%s", drops[d].reason);
		to_grid_cell(g, TO_DIM, "%s", drops[d].meaning);
	}
	title("Dropped", "", looks, out);
	ret = to_grid_print(g, looks, out);
	fputc('\n', out);
	to_grid_free(g);
	return ret;
}
