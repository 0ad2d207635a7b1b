/* SPDX-License-Identifier: BSD-3-Clause */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "compile.h"
#include "explain.h"
#include "plan_names.h"

/* The first of the ports that IANA leaves to clients (RFC 6335, section 6). */
#define CHOSEN_PORT 49152

static bool read_endpoint(const struct to_args *args, const char *option, union to_addr *addr,
			  uint16_t *port)
{
	const char *text = to_value(args, option), *why;

	if (!text) {
		to_complain("'explain' needs --%s", option);
		return false;
	}
	why = to_endpoint_parse(text, addr, port);
	if (why)
		to_complain("--%s: '%s' %s", option, text, why);
	return !why;
}

static bool read_proto(const struct to_args *args, uint8_t *proto)
{
	const char *text = to_value(args, "proto");

	if (text && !strcmp(text, "tcp"))
		*proto = TO_TCP;
	else if (text && !strcmp(text, "udp"))
		*proto = TO_UDP;
	else
		to_complain("'explain' needs --proto tcp or --proto udp");
	return text && (!strcmp(text, "tcp") || !strcmp(text, "udp"));
}

static bool read_call_id(const struct to_args *args, struct to_flow *flow)
{
	const char *text = to_value(args, "call-id");
	size_t n = 0;

	flow->call_id = text ? text : "turnout-explain";
	while (flow->call_id[n] && isgraph((unsigned char)flow->call_id[n]))
		n++;
	if (n && n <= TO_SIP_MAX_ID && !flow->call_id[n])
		return true;
	to_complain("--call-id: 1 to %d characters, no blanks", TO_SIP_MAX_ID);
	return false;
}

static bool read_flow(const struct to_args *args, struct to_flow *flow)
{
	if (!read_endpoint(args, "src", &flow->src, &flow->sport) ||
	    !read_endpoint(args, "dst", &flow->dst, &flow->dport) ||
	    !read_proto(args, &flow->proto) || !read_call_id(args, flow))
		return false;
	if (to_addr_is_v4(&flow->src) != to_addr_is_v4(&flow->dst)) {
		to_complain("--src and --dst are of different address families");
		return false;
	}
	if (!flow->dport) {
		to_complain("--dst: '%s' has no port", to_value(args, "dst"));
		return false;
	}
	flow->port_chosen = !flow->sport;
	if (flow->port_chosen)
		flow->sport = CHOSEN_PORT;
	return true;
}

static bool set_state(const struct to_plan *plan, const char *name, enum to_edge_state state,
		      uint8_t *states)
{
	const char *names[TO_MAX_EDGES], *near;
	int edge = to_plan_find_edge(plan, name);

	if (edge >= 0) {
		states[edge] = (uint8_t)state;
		return true;
	}
	for (uint32_t i = 0; i < plan->edges; i++)
		names[i] = plan->edge[i].name;
	near = to_nearest(name, names, plan->edges);
	to_complain("the plan has no edge '%s'%s%s%s", name, near ? "; did you mean '" : "",
		    near ? near : "", near ? "'?" : "");
	return false;
}

/* In the order given: the last word on an edge counts. */
static bool read_states(const struct to_args *args, const struct to_plan *plan, uint8_t *states)
{
	static const struct {
		const char *option;
		enum to_edge_state state;
	} verbs[] = {
		{"down", TO_EDGE_DOWN},
		{"drain", TO_EDGE_DRAINING},
		{"retire", TO_EDGE_RETIRED},
	};

	memset(states, TO_EDGE_UP, TO_MAX_EDGES);
	for (int i = 0; i < args->given_count; i++)
		for (size_t v = 0; v < sizeof(verbs) / sizeof(verbs[0]); v++)
			if (!strcmp(args->given[2 * i], verbs[v].option) &&
			    !set_state(plan, args->given[2 * i + 1], verbs[v].state, states))
				return false;
	return true;
}

/* A Call-ID that has no part in the decision would be one that misleads. */
static bool fits(const struct to_args *args, const struct to_explanation *what)
{
	if (!to_has(args, "call-id") || what->cargo == TO_CARGO_INVITE)
		return true;
	to_complain("--call-id: this flow is not SIP over UDP");
	return false;
}

static enum to_exit print(const struct to_args *args, const struct to_explained *e)
{
	enum to_exit code =
		e->what->packet.out.verdict == TO_VERDICT_DROP ? TO_EXIT_NO : TO_EXIT_DONE;

	if (to_has(args, "json"))
		return to_print_json(to_explain_json(e), code);
	to_explain_text(e, stdout);
	return code;
}

static enum to_exit explain(const struct to_args *args, struct to_explained *e,
			    const struct to_table *table)
{
	struct to_explanation *what = calloc(1, sizeof(*what));
	struct to_stage_answer *answers = calloc(e->plan->stages, sizeof(*answers));
	enum to_exit code = TO_EXIT_USAGE;
	int err = what && answers ? 0 : -ENOMEM;

	e->what = what;
	e->answers = answers;
	if (!err)
		err = to_explain_stages(e->plan, e->edge_states, e->flow, answers);
	if (err) {
		to_complain("cannot explain: %s", strerror(-err));
	} else {
		to_explain(table, e->flow, what);
		if (fits(args, what))
			code = print(args, e);
	}
	free(answers);
	free(what);
	return code;
}

/* With a plan that is good. */
static enum to_exit explain_plan(const struct to_args *args, const struct to_plan *plan,
				 const struct to_flow *flow)
{
	uint8_t states[TO_MAX_EDGES];
	struct to_explained e = {
		.path = args->positional[0], .plan = plan, .edge_states = states, .flow = flow};
	struct to_compile_input input = {.edge_states = states, .generation = 1};
	struct to_image image = {0};
	int stage = to_open_stage(plan, to_value(args, "stage"));
	enum to_exit code = TO_EXIT_USAGE;
	int err;

	if (stage < 0 || !read_states(args, plan, states))
		return TO_EXIT_USAGE;
	input.stage = e.stage = (uint32_t)stage;
	err = to_compile(plan, &input, &image);
	if (err)
		to_complain("cannot compile the stage: %s", strerror(-err));
	else
		code = explain(args, &e, image.data);
	to_image_free(&image);
	return code;
}

static enum to_exit run(const struct to_args *args)
{
	struct to_flow flow = {0};
	struct to_plan *plan;
	enum to_exit code;

	if (!read_flow(args, &flow))
		return TO_EXIT_USAGE;
	if (!to_open_plan(args->positional[0], &plan, &code))
		return TO_EXIT_USAGE; /* 1 says that the flow would be dropped */
	code = explain_plan(args, plan, &flow);
	to_plan_free(plan);
	return code;
}

static const struct to_option options[] = {
	{"stage", "STAGE", "the stage that decides (default: the first)"},
	{"src", "A[:P]", "source; IPv6 with a port: [A]:P; without a port one is chosen"},
	{"dst", "A:P", "destination"},
	{"proto", "tcp|udp", "protocol"},
	{"call-id", "ID", "SIP over UDP: the call (default: one is chosen)"},
	{"down", "EDGE", "as if this edge were down; may come several times, as those below"},
	{"drain", "EDGE", "as if it were draining"},
	{"retire", "EDGE", "as if it were retired"},
	TO_OPTION_JSON,
	TO_OPTION_END,
};

const struct to_command to_cmd_explain = {
	.words = "explain",
	.arguments = "PLAN",
	.summary = "The decision for one new flow, step by step; exit code 1: it would be dropped.",
	.options = options,
	.run = run,
};
