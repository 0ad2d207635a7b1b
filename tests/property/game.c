/* SPDX-License-Identifier: BSD-3-Clause */
/* Plays a schedule. */
#include <stdlib.h>
#include <string.h>
#include <tests/pipeline/tables.h>
#include <turnout/limits.h>

#include "game.h"

static const char *const states[] = {TO_NAMES(TO_EDGE_STATES)};

/* A frame that waits in the burst, and who wants to know what becomes of it. */
static struct pending {
	struct frame_spec spec;
	struct flow *flow;
	enum event_type type;
	uint32_t dice;
} pending[TO_BURST];
static struct rig_frame frames[TO_BURST];
static unsigned waiting;

static void judge(struct game *g, struct pending *p, const struct outcome *o)
{
	char who[24] = "probe";

	if (p->type == EVENT_OWN)
		snprintf(who, sizeof(who), "own address");
	if (p->type == EVENT_FLOW)
		snprintf(who, sizeof(who), "f%d %s s%d", p->flow->index, p->flow->kind->name,
			 p->flow->service);
	trace_packet(g, who, o);
	if (p->type == EVENT_FLOW)
		p->flow->kind->done(g, p->flow, o);
	else if (p->type == EVENT_PROBE)
		probe_done(g, p->dice, o);
	else
		check_owner(g, o, (int)(p->dice % (uint32_t)g->w->edges));
}

static void flush(struct game *g)
{
	const char *why;

	if (!waiting)
		return;
	why = rig_run(&g->rig, frames, waiting, g->now);
	if (why)
		game_fail(g, "%s", why);
	for (unsigned i = 0; i < waiting && !g->failed; i++) {
		struct outcome o = {.in = &pending[i].spec, .out = &frames[i].out};

		judge(g, &pending[i], &o);
	}
	waiting = 0;
}

/* Somebody outside dials an edge's own address. */
static bool own_step(const struct game *g, uint32_t dice, struct frame_spec *s)
{
	int edge = (int)(dice % (uint32_t)g->w->edges);
	const struct world_client *c = &g->w->client[(dice >> 8) % (uint32_t)g->w->clients];
	union to_addr to = world_edge_addr(g->w, edge, 0, c->family);

	if (!g->w->edge[edge].has[c->family])
		return false;
	frame_init(s, &c->addr, &to, IPPROTO_UDP_, 1234, (uint16_t)(dice >> 16));
	frame_fill_payload(s, 30, dice);
	return true;
}

static bool in_burst(const struct flow *f)
{
	for (unsigned i = 0; i < waiting; i++)
		if (pending[i].type == EVENT_FLOW && pending[i].flow == f)
			return true;
	return false;
}

static void send_one(struct game *g, const struct event *e)
{
	struct flow *f = &g->flow[e->flow];
	struct pending *p;
	bool sent;

	if (waiting == TO_BURST || (e->type == EVENT_FLOW && in_burst(f)))
		flush(g);
	if (e->type == EVENT_FLOW && (f->off || (f->relay && f->relay->off)))
		return;
	p = &pending[waiting];
	p->type = e->type;
	p->flow = f;
	p->dice = e->dice;
	if (e->type == EVENT_FLOW)
		sent = f->kind->step(g, f, e->dice, &p->spec);
	else if (e->type == EVENT_PROBE)
		sent = probe_step(g, e->dice, &p->spec);
	else
		sent = own_step(g, e->dice, &p->spec);
	if (!sent)
		return;
	frames[waiting].len = frame_build(&p->spec, rig_frame_data(&frames[waiting]));
	waiting++;
}

static void note_zeros(struct game *g, int before)
{
	for (int c = 0; c < g->w->clients; c++) {
		for (int s = 0; s < g->w->services; s++) {
			int old = world_share(g->w, before, s, &g->w->client[c]);
			int share = world_share(g->w, g->stage, s, &g->w->client[c]);

			if (share > 0)
				g->zero_since[c][s][NEW] = 0;
			else if (old > 0)
				g->zero_since[c][s][NEW] = g->now;
			if (share < TO_SHARE_ALL)
				g->zero_since[c][s][LEGACY] = 0;
			else if (old < TO_SHARE_ALL)
				g->zero_since[c][s][LEGACY] = g->now;
		}
	}
}

static void switch_stage(struct game *g, uint32_t dice)
{
	int before = g->stage;

	if (dice % 3 == 0)
		g->stage = (int)((dice >> 8) % (uint32_t)g->w->stages);
	else if (dice % 3 == 1)
		g->stage = g->stage + 1 < g->w->stages ? g->stage + 1 : g->stage;
	else
		g->stage = g->stage ? g->stage - 1 : 0;
	trace_event(g, "stage%d", g->stage);
	rig_set_table(&g->rig, g->stage, g->state, g->now);
	note_zeros(g, before);
}

static void retire(struct game *g, int edge)
{
	affinity_retired(g, edge);
	for (int i = 0; i < MAX_FLOWS; i++) {
		struct flow *f = &g->flow[i];

		hold_retire(&f->hold, edge, g->now);
		hold_retire(&f->transaction, edge, g->now);
		hold_retire(&f->owner, edge, g->now);
	}
}

static void readmit(struct game *g, int edge)
{
	for (int i = 0; i < MAX_FLOWS; i++) {
		struct flow *f = &g->flow[i];

		if (hold_haunted(&f->owner, edge, g->now) ||
		    (hold_haunted(&f->hold, edge, g->now) && f->kind != &flow_sip))
			f->off = true;
	}
}

static void change_health(struct game *g, uint32_t dice)
{
	int edge = (int)(dice % (uint32_t)g->w->edges);
	uint32_t what = (dice >> 8) % 16;
	uint8_t before = g->state[edge], after;

	if (before != TO_EDGE_UP && what < 9)
		after = TO_EDGE_UP;
	else if (before == TO_EDGE_RETIRED)
		return;
	else
		after = what < 11   ? TO_EDGE_DOWN
			: what < 13 ? TO_EDGE_DRAINING
			: what < 15 ? TO_EDGE_RESETTING
				    : TO_EDGE_RETIRED;
	if (after == TO_EDGE_RETIRED)
		retire(g, edge);
	if (before == TO_EDGE_RETIRED)
		readmit(g, edge);
	g->state[edge] = after;
	trace_event(g, "e%d is %s, was %s", edge, states[after], states[before]);
	rig_set_table(&g->rig, g->stage, g->state, g->now);
}

static void play(struct game *g, const struct event *e)
{
	const char *why = NULL;

	if (e->wait) {
		flush(g);
		g->now += e->wait;
	}
	if (e->type == EVENT_FLOW || e->type == EVENT_PROBE || e->type == EVENT_OWN) {
		send_one(g, e);
		return;
	}
	flush(g);
	if (g->failed)
		return;
	if (e->type == EVENT_STAGE) {
		switch_stage(g, e->dice);
	} else if (e->type == EVENT_HEALTH) {
		change_health(g, e->dice);
	} else if (e->type == EVENT_RESTART) {
		trace_event(g, "restart");
		why = rig_restart(&g->rig, g->now);
	} else {
		rig_sweep(&g->rig, g->now);
	}
	if (why)
		game_fail(g, "%s", why);
}

static void set_up(struct game *g, const struct schedule *schedule, enum rig_fault fault)
{
	struct random r = {.state = schedule->seed};
	struct rig_options options = {.file = schedule->file,
				      .twin = schedule->twin,
				      .room = schedule->roomy ? 512 : 6,
				      .seed = schedule->seed,
				      .now = schedule->start,
				      .fault = fault};
	const char *why;
	char *yaml = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&yaml, &size);

	if (!out)
		abort();
	g->schedule = schedule;
	g->now = schedule->start;
	g->roomy = schedule->roomy;
	world_generate(g->w, &r);
	flows_generate(g, &r);
	world_print(g->w, out);
	fclose(out);
	if (g->trace)
		fprintf(g->trace, "%s\n", yaml);
	g->plan = tables_plan(yaml);
	free(yaml);
	why = rig_open(&g->rig, &options, g->plan);
	if (why)
		game_fail(g, "%s", why);
	rig_set_table(&g->rig, 0, g->state, g->now);
}

bool game_play(struct game *g, const struct schedule *schedule, enum rig_fault fault, FILE *trace)
{
	static struct world world;

	memset(g, 0, sizeof(*g));
	g->w = &world;
	g->trace = trace;
	waiting = 0;
	set_up(g, schedule, fault);
	for (g->event = 0; g->event < schedule->events && !g->failed; g->event++)
		play(g, &schedule->event[g->event]);
	if (!g->failed)
		flush(g);
	rig_close(&g->rig);
	tables_plan_free(g->plan);
	return !g->failed;
}
