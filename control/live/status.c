/* SPDX-License-Identifier: BSD-3-Clause */
#include "status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "summary.h"
#include "words.h"

#define SILENT_MS 2000 /* a worker that is alive says so each second */

struct problems {
	struct to_problem *at;
	size_t count, room;
	size_t alarms; /* of these are turnoutd's own */
	time_t now;
};

/* turnoutd says so itself. */
static bool is_known(const struct problems *p, const char *name)
{
	for (size_t i = 0; i < p->alarms; i++)
		if (!strcmp(p->at[i].name, name))
			return true;
	return false;
}

static void add(struct problems *p, const char *name, const json_t *since, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

static void add(struct problems *p, const char *name, const json_t *since, const char *format, ...)
{
	struct to_problem *one;
	double when;
	va_list args;

	if (p->count == p->room || is_known(p, name))
		return;
	one = &p->at[p->count++];
	*one = (struct to_problem){0};
	snprintf(one->name, sizeof(one->name), "%s", name);
	if (to_when(since, &when)) {
		char span[TO_WORDS];

		snprintf(one->since, sizeof(one->since), "%.31s",
			 to_span_words((double)p->now - when, span));
	}
	va_start(args, format);
	vsnprintf(one->text, sizeof(one->text), format, args);
	va_end(args);
}

static void worker_problems(struct problems *p, const json_t *status, const json_t *engine)
{
	json_int_t generation = to_json_int(status, "generation");
	json_t *worker;
	size_t i;

	json_array_foreach(json_object_get(engine, "workers"), i, worker)
	{
		json_int_t silent = to_json_int(worker, "silent_ms");
		char took[TO_WORDS];

		if (silent > SILENT_MS)
			add(p, "worker", NULL, "worker %zu has been silent for %s", i,
			    to_took_words((double)silent * 1000, took));
		if (generation && to_json_int(worker, "generation") != generation)
			add(p, "worker", NULL, "worker %zu decides by generation %lld, not %lld", i,
			    (long long)to_json_int(worker, "generation"), (long long)generation);
	}
}

static void engine_problems(struct problems *p, const json_t *status)
{
	const json_t *engine = json_object_get(status, "engine");
	json_t *port;
	size_t i;

	if (!json_is_object(engine)) {
		add(p, "engine", NULL,
		    "no engine is connected: nothing can be changed; what it "
		    "decides by, if it runs, goes on");
		return;
	}
	worker_problems(p, status, engine);
	json_array_foreach(json_object_get(engine, "ports"), i, port)
	{
		if (json_is_false(json_object_get(port, "up")))
			add(p, "port", NULL, "port %s (%s) is down", to_word(port, "name"),
			    to_word(port, "zone"));
	}
}

size_t to_status_problems(const json_t *status, time_t now, struct to_problem *out, size_t room)
{
	struct problems p = {.at = out, .room = room, .now = now};
	const json_t *switching = json_object_get(status, "switching");
	const json_t *journal = json_object_get(status, "journal");
	json_t *alarm;
	size_t i;

	json_array_foreach(json_object_get(status, "alarms"), i, alarm)
	{
		add(&p, to_word(alarm, "name"), json_object_get(alarm, "since"), "%s",
		    to_word(alarm, "message"));
	}
	p.alarms = p.count;
	engine_problems(&p, status);
	if (json_is_object(switching))
		add(&p, "switching", json_object_get(switching, "since"),
		    "a switch to %s (generation %lld) is under way", to_word(switching, "to"),
		    (long long)to_json_int(switching, "generation"));
	else if (json_is_string(json_object_get(status, "stage")) &&
		 json_is_object(json_object_get(status, "engine")) &&
		 json_is_false(json_object_get(status, "live")))
		add(&p, "not live", NULL, "not every worker has acknowledged the generation");
	if (json_is_false(json_object_get(journal, "ok")))
		add(&p, "journal", NULL, "%s cannot be written: changes are refused",
		    to_word(journal, "path"));
	return p.count;
}

const char *to_status_line(const json_t *status, time_t now, char *out, size_t size)
{
	const char *stage = to_json_text(status, "stage");
	char span[TO_WORDS] = "";
	double since;

	if (!stage) {
		snprintf(out, size, "no stage is live: nothing is steered");
		return out;
	}
	if (to_when(json_object_get(status, "since"), &since))
		to_span_words((double)now - since, span);
	if (!json_is_object(json_object_get(status, "engine")))
		snprintf(out, size, "stage %s was live when an engine was last here", stage);
	else
		snprintf(out, size, "stage %s is %s, generation %lld%s%s", stage,
			 json_is_true(json_object_get(status, "live")) ? "live"
								       : "NOT live on every worker",
			 (long long)to_json_int(status, "generation"), *span ? ", for " : "", span);
	return out;
}

static void append(char *out, size_t size, const char *name, const json_t *share)
{
	size_t used = strlen(out);
	char words[TO_WORDS];

	snprintf(out + used, size - used, "%s%s %s", used ? ", " : "", name,
		 to_percent_words(share, words));
}

const char *to_exceptions_words(const json_t *share, char *out, size_t size)
{
	json_t *one;
	size_t i;

	*out = '\0';
	json_array_foreach(json_object_get(share, "exceptions"), i, one)
		append(out, size, to_word(one, "partner"), json_object_get(one, "share"));
	if (to_json_int(share, "more") > 0)
		snprintf(out + strlen(out), size - strlen(out), ", and %lld more",
			 (long long)to_json_int(share, "more"));
	return out;
}

/* Not for a person: they are there for turnoutd's next start, and in --json. */
static bool is_detail(const char *key, const json_t *value)
{
	static const char *const others[] = {"n",       "time",   "what",     "who",
					     "why",     "plan",   "checksum", "prepare_us",
					     "live_us", "sha256", "cause",    "verb"};

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (!strcmp(others[i], key))
			return false;
	return json_is_string(value) || json_is_integer(value);
}

const char *to_record_words(const json_t *record, char *out, size_t size)
{
	const json_t *live = json_object_get(record, "live_us");
	const char *key;
	char took[TO_WORDS];
	json_t *value;
	size_t used = 0;

	*out = '\0';
	json_object_foreach((json_t *)record, key, value)
	{
		if (!is_detail(key, value) || used + 1 >= size)
			continue;
		if (json_is_string(value))
			snprintf(out + used, size - used, "%s%s %s", used ? ", " : "", key,
				 json_string_value(value));
		else
			snprintf(out + used, size - used, "%s%s %lld", used ? ", " : "", key,
				 (long long)json_integer_value(value));
		used = strlen(out);
	}
	if (json_is_integer(live))
		snprintf(out + used, size - used, ", after %s",
			 to_took_words((double)json_integer_value(live), took));
	return out;
}

const char *to_record_what(const json_t *record)
{
	const char *cause = to_json_text(record, "cause"), *verb = to_json_text(record, "verb");

	return cause ? cause : verb ? verb : to_word(record, "what");
}

enum to_tint to_state_tint(const char *state)
{
	if (!strcmp(state, "up"))
		return TO_GREEN;
	if (!strcmp(state, "down"))
		return TO_RED;
	if (!strcmp(state, "draining") || !strcmp(state, "resetting"))
		return TO_YELLOW;
	return TO_DIM;
}

static void headings(struct to_grid *g, const char *const *names)
{
	for (; *names; names++)
		to_grid_cell(g, TO_DIM, "%s", *names);
	to_grid_rule(g);
}

static void cell_count(struct to_grid *g, const json_t *number)
{
	char words[TO_WORDS];

	to_grid_cell(g, TO_PLAIN, "%s", to_count_words(number, words));
}

struct to_grid *to_pools_grid(const json_t *pools)
{
	static const char *const names[] = {"pool",    "role",      "edges", "up",
					    "entries", "new flows", NULL};
	struct to_grid *g = to_grid_new("llrrrr");
	json_t *pool;
	size_t i;

	headings(g, names);
	json_array_foreach(pools, i, pool)
	{
		json_int_t edges = to_json_int(pool, "edges"), up = to_json_int(pool, "up");

		to_grid_cell(g, TO_PLAIN, "%s", to_word(pool, "name"));
		to_grid_cell(g, TO_PLAIN, "%s", to_word(pool, "role"));
		to_grid_cell(g, TO_PLAIN, "%lld", (long long)edges);
		to_grid_cell(g, up < edges ? TO_RED : TO_GREEN, "%lld", (long long)up);
		cell_count(g, json_object_get(pool, "entries"));
		cell_count(g, json_object_get(pool, "new_flows"));
	}
	return g;
}

static void cell_pair(struct to_grid *g, const json_t *pair)
{
	cell_count(g, json_object_get(pair, "legacy"));
	cell_count(g, json_object_get(pair, "new"));
}

struct to_grid *to_services_grid(const json_t *services)
{
	static const char *const names[] = {"service",    "kind",       "new gets",
					    "flows: old", "new",        "entries: old",
					    "new",        "exceptions", NULL};
	struct to_grid *g = to_grid_new("llrrrrrl");
	json_t *service;
	size_t i;

	headings(g, names);
	json_array_foreach(services, i, service)
	{
		const json_t *share = json_object_get(service, "share");
		char words[TO_WORDS], text[256];

		to_grid_cell(g, TO_PLAIN, "%s", to_word(service, "name"));
		to_grid_cell(g, TO_DIM, "%s", to_word(service, "kind"));
		to_grid_cell(g, TO_BOLD, "%s",
			     to_percent_words(json_object_get(share, "default"), words));
		cell_pair(g, json_object_get(service, "new_flows"));
		cell_pair(g, json_object_get(service, "entries"));
		to_grid_cell(g, TO_PLAIN, "%s", to_exceptions_words(share, text, sizeof(text)));
	}
	return g;
}

static bool is_draining(const json_t *edge)
{
	const char *state = to_word(edge, "state");

	return !strcmp(state, "draining") || !strcmp(state, "resetting");
}

/* What else a person wants to know of the edge, in one cell. */
static void cell_remark(struct to_grid *g, const json_t *edge, time_t now)
{
	char words[TO_WORDS];
	double since;
	json_t *check;
	size_t i;

	json_array_foreach(json_object_get(edge, "checks"), i, check)
	{
		if (strcmp(to_word(check, "state"), "down") == 0) {
			to_grid_cell(g, TO_RED, "%s: %s", to_word(check, "service"),
				     to_word(check, "message"));
			return;
		}
	}
	if (json_is_false(json_object_get(edge, "next_hop")))
		to_grid_cell(g, TO_RED, "no next hop");
	else if (json_is_true(json_object_get(edge, "safe_to_stop")))
		to_grid_cell(g, TO_GREEN, "safe to stop");
	else if (json_is_true(json_object_get(edge, "overdue")) &&
		 to_when(json_object_get(edge, "deadline"), &since))
		to_grid_cell(g, TO_RED, "%s past its deadline",
			     to_span_words((double)now - since, words));
	else if (is_draining(edge) && to_when(json_object_get(edge, "deadline"), &since))
		to_grid_cell(g, TO_YELLOW, "%s to its deadline",
			     to_span_words(since - (double)now, words));
	else if (is_draining(edge) && to_when(json_object_get(edge, "drained_since"), &since))
		to_grid_cell(g, TO_YELLOW, "for %s", to_span_words((double)now - since, words));
	else
		to_grid_cell(g, TO_PLAIN, "%s", "");
}

struct to_grid *to_edges_grid(const json_t *edges, time_t now)
{
	static const char *const names[] = {"edge",   "pool", "mode", "state", "asked",
					    "health", "live", "",     NULL};
	struct to_grid *g = to_grid_new("llllllrl");
	json_t *edge;
	size_t i;

	headings(g, names);
	json_array_foreach(edges, i, edge)
	{
		const char *state = to_word(edge, "state"), *health = to_word(edge, "health");

		to_grid_cell(g, TO_PLAIN, "%s", to_word(edge, "name"));
		to_grid_cell(g, TO_PLAIN, "%s", to_word(edge, "pool"));
		to_grid_cell(g, TO_DIM, "%s", to_word(edge, "mode"));
		to_grid_cell(g, to_state_tint(state), "%s", state);
		to_grid_cell(g, TO_PLAIN, "%s",
			     json_is_true(json_object_get(edge, "by_hand"))
				     ? "down"
				     : to_word(edge, "asked"));
		to_grid_cell(g, to_state_tint(health), "%s", health);
		cell_count(g, json_object_get(edge, "total"));
		cell_remark(g, edge, now);
	}
	return g;
}
