/* SPDX-License-Identifier: BSD-3-Clause */
#include "complete.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "live.h"
#include "plan.h"

#define PATIENCE_MS 500 /* somebody waits for it with a finger on the key */
#define USUAL_PLAN  "/etc/turnout/plan.yaml"

struct wanted {
	const char *kind;
	const char *prefix;
};

static bool wants(const struct wanted *w, const char *kind)
{
	size_t n = strlen(kind);

	for (const char *p = w->kind; *p; p += strcspn(p, "|"), p += *p == '|')
		if (strcspn(p, "|") == n && !strncmp(p, kind, n))
			return true;
	return false;
}

static void offer(const struct wanted *w, const char *name)
{
	if (name && !strncmp(name, w->prefix, strlen(w->prefix)))
		puts(name);
}

static void offer_each(const struct wanted *w, const char *kind, const json_t *array)
{
	json_t *one;
	size_t i;

	if (!wants(w, kind))
		return;
	json_array_foreach(array, i, one)
	{
		offer(w, to_json_text(one, "name"));
	}
}

/* What a gate waits for a person's word on. */
static void offer_gate(const struct wanted *w, const struct to_plan_gate *gate)
{
	if (gate->kind == TO_GATE_ACK)
		offer(w, gate->ack);
	for (uint32_t i = 0; gate->kind == TO_GATE_PREFLIGHT && i < gate->items; i++)
		offer(w, to_preflight_names[gate->item[i]]);
}

static void offer_acks(const struct wanted *w, const struct to_plan *plan)
{
	for (uint32_t s = 0; s < plan->stages; s++)
		for (uint32_t g = 0; g < plan->stage[s].gates; g++)
			offer_gate(w, &plan->stage[s].gate[g]);
}

static bool offer_plan(const struct wanted *w, const char *path)
{
	struct to_report report = {0};
	struct to_plan *plan;
	bool there = to_plan_load(path, &report, &plan) == 0;

	to_report_free(&report);
	if (!there)
		return false;
	for (uint32_t i = 0; wants(w, "STAGE") && i < plan->stages; i++)
		offer(w, plan->stage[i].name);
	for (uint32_t i = 0; wants(w, "EDGE") && i < plan->edges; i++)
		offer(w, plan->edge[i].name);
	for (uint32_t i = 0; wants(w, "POOL") && i < plan->pools; i++)
		offer(w, plan->pool[i].name);
	for (uint32_t i = 0; wants(w, "SERVICE") && i < plan->services; i++)
		offer(w, plan->service[i].name);
	if (wants(w, "ACK"))
		offer_acks(w, plan);
	to_plan_free(plan);
	return true;
}

static json_t *ask(struct to_client *c, const char *what)
{
	json_t *answer = NULL;

	if (to_client_ask(c, json_pack("{s:s}", "do", what), PATIENCE_MS, &answer) == 0)
		to_client_clean(answer, false);
	return answer;
}

/* False: there is no turnoutd, or it says nothing of use. */
static bool offer_live(const struct wanted *w, const char *socket)
{
	struct to_client c;
	json_t *status, *stages = NULL;
	bool there;

	if (to_client_open(&c, socket) < 0)
		return false;
	status = ask(&c, "status");
	there = to_client_ok(status);
	if (there && wants(w, "STAGE"))
		stages = ask(&c, "stages");
	offer_each(w, "STAGE", json_object_get(stages, "stages"));
	offer_each(w, "EDGE", json_object_get(status, "edges"));
	offer_each(w, "POOL", json_object_get(status, "pools"));
	offer_each(w, "SERVICE", json_object_get(status, "services"));
	/* gates are told in sentences: the plan has the names */
	if (there && wants(w, "ACK"))
		there = offer_plan(w, to_json_text(status, "plan") ?: USUAL_PLAN);
	json_decref(stages);
	json_decref(status);
	to_client_close(&c);
	return there;
}

void to_complete_names(const char *kind, const char *prefix, const char *plan, const char *socket)
{
	struct wanted w = {.kind = kind, .prefix = prefix};

	for (const char *p = kind; *p; p += strcspn(p, "|"), p += *p == '|') {
		char word[32];

		snprintf(word, sizeof(word), "%.*s", (int)strcspn(p, "|"), p);
		if (*word >= 'a' && *word <= 'z')
			offer(&w, word);
	}
	if (!wants(&w, "STAGE") && !wants(&w, "EDGE") && !wants(&w, "POOL") &&
	    !wants(&w, "SERVICE") && !wants(&w, "ACK"))
		return;
	if (plan)
		offer_plan(&w, plan);
	else if (!offer_live(&w, socket))
		offer_plan(&w, USUAL_PLAN);
}
