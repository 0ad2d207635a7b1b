/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Runs the health checks of a plan and says what they say, a JSON object a line, until its input
 * ends:
 *
 *   health_watch PLAN [--source ADDRESS] [--sockets N] [--trust FILE]
 *
 * {"changed": CHECK} at each change. A line of input asks for more: "checks", "edges",
 * "certificates"; "plan FILE" gives it another plan. Each has one answer, under its own name.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <jansson.h>

#include "health.h"
#include "plan.h"

struct watch {
	struct event_base *base;
	struct to_plan *plan;
	struct to_health *health;
	const char *trust;
};

static const char *const states[] = {"unknown", "up", "down"};

static void say(const char *what, json_t *value)
{
	json_t *line = json_pack("{s:o}", what, value);

	json_dumpf(line, stdout, JSON_COMPACT);
	putchar('\n');
	fflush(stdout);
	json_decref(line);
}

static struct to_plan *load(const char *path)
{
	struct to_report report = {0};
	struct to_plan *plan;

	if (to_plan_load(path, &report, &plan))
		to_report_print(&report, path, stderr);
	to_report_free(&report);
	return plan;
}

static json_t *check_json(const struct watch *w, const struct to_health_check *check)
{
	return json_pack("{s:s, s:s, s:s, s:I, s:s, s:s}", "edge", w->plan->edge[check->edge].name,
			 "service", w->plan->service[check->service].name, "state",
			 states[check->state], "at", (json_int_t)check->at, "kind", check->kind,
			 "message", check->message);
}

static void on_changed(void *context, const struct to_health_check *check)
{
	say("changed", check_json(context, check));
}

static void say_checks(const struct watch *w)
{
	json_t *all = json_array();

	for (unsigned i = 0; i < to_health_count(w->health); i++) {
		struct to_health_check check;

		to_health_get(w->health, i, &check);
		json_array_append_new(all, check_json(w, &check));
	}
	say("checks", all);
}

static void say_edges(const struct watch *w)
{
	json_t *all = json_object();
	char message[512];

	for (unsigned i = 0; i < w->plan->edges; i++) {
		uint8_t state = to_health_edge(w->health, i, message, sizeof(message));

		json_object_set_new(
			all, w->plan->edge[i].name,
			json_pack("{s:s, s:s}", "state", states[state], "message", message));
	}
	say("edges", all);
}

static json_t *certificate_json(const struct watch *w, unsigned edge, unsigned service,
				const struct to_health_certificate *c)
{
	char sha256[65];

	for (size_t i = 0; i < sizeof(c->sha256); i++)
		snprintf(sha256 + 2 * i, 3, "%02x", c->sha256[i]);
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:b, s:b, s:s}", "edge",
			 w->plan->edge[edge].name, "service", w->plan->service[service].name,
			 "sha256", sha256, "address", c->address, "subject", c->subject, "names",
			 c->names, "not_before", (json_int_t)c->not_before, "not_after",
			 (json_int_t)c->not_after, "named", c->named, "trusted", c->trusted,
			 "trouble", c->trouble);
}

static void say_certificates(const struct watch *w)
{
	json_t *all = json_array();

	for (unsigned i = 0; i < w->plan->edges * w->plan->services; i++) {
		unsigned edge = i / w->plan->services, service = i % w->plan->services;
		const struct to_health_certificate *c;
		int err = 0;

		for (unsigned n = 0; err != -ENOENT; n++) {
			err = to_health_certificate(w->health, edge, service, n, &c);
			if (!err)
				json_array_append_new(all, certificate_json(w, edge, service, c));
		}
	}
	say("certificates", all);
}

static void take_plan(struct watch *w, const char *path)
{
	struct to_plan *old = w->plan;

	w->plan = load(path);
	if (!w->plan || to_health_plan(w->health, w->plan)) {
		say("plan", json_false());
		to_plan_free(w->plan);
		w->plan = old;
		return;
	}
	to_plan_free(old);
	say("plan", json_true());
}

static void obey(struct watch *w, const char *line)
{
	if (!strcmp(line, "checks"))
		say_checks(w);
	else if (!strcmp(line, "edges"))
		say_edges(w);
	else if (!strcmp(line, "certificates"))
		say_certificates(w);
	else if (!strncmp(line, "plan ", 5))
		take_plan(w, line + 5);
	else
		say("what", json_string(line));
}

static void on_input(struct bufferevent *in, void *context)
{
	char *line;

	while ((line = evbuffer_readln(bufferevent_get_input(in), NULL, EVBUFFER_EOL_LF))) {
		obey(context, line);
		free(line);
	}
}

static void on_end(struct bufferevent *in, short what, void *context)
{
	struct watch *w = context;

	(void)in;
	(void)what;
	event_base_loopbreak(w->base);
}

static void set_source(struct watch *w, const char *text)
{
	struct in_addr v4;
	union to_addr addr;

	if (inet_pton(AF_INET, text, &v4) == 1)
		addr = to_addr_v4((to_be32){v4.s_addr});
	else if (inet_pton(AF_INET6, text, &addr) != 1)
		exit(2);
	to_health_source(w->health, &addr);
}

static int run(struct watch *w, int argc, char **argv)
{
	static const struct option options[] = {{"source", required_argument, NULL, 's'},
						{"sockets", required_argument, NULL, 'n'},
						{"trust", required_argument, NULL, 't'},
						{NULL, 0, NULL, 0}};
	struct bufferevent *in;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 's')
			set_source(w, optarg);
		else if (option == 'n')
			to_health_sockets(w->health, (unsigned)strtoul(optarg, NULL, 10));
		else if (option == 't' && !to_health_trust(w->health, optarg))
			w->trust = optarg;
		else
			return 2;
	}
	in = bufferevent_socket_new(w->base, 0, 0);
	if (!in)
		return 1;
	bufferevent_setcb(in, on_input, NULL, on_end, w);
	bufferevent_enable(in, EV_READ);
	event_base_dispatch(w->base);
	bufferevent_free(in);
	return 0;
}

int main(int argc, char **argv)
{
	struct watch w = {.base = event_base_new()};
	int status = 2;

	signal(SIGPIPE, SIG_IGN);
	w.plan = argc > 1 ? load(argv[1]) : NULL;
	if (w.plan && w.base && !to_health_open(w.base, w.plan, on_changed, &w, &w.health))
		status = run(&w, argc - 1, argv + 1);
	to_health_close(w.health);
	to_plan_free(w.plan);
	if (w.base)
		event_base_free(w.base);
	return status;
}
