/* SPDX-License-Identifier: BSD-3-Clause */
#include "partners.h"

#include <stdio.h>
#include <string.h>

#include "daemon.h"
#include "gate_question.h"
#include "gates.h"

#define PAGES 1000 /* of a listing; a prefix with more flows is looked through in part */

static bool is_seen(const struct to_daemon *d, uint32_t partner)
{
	return json_object_get(d->past.seen, d->plan->plan->partner[partner].name);
}

static bool gate_wants(const struct to_plan_gate *g, uint32_t partner)
{
	if (g->kind != TO_GATE_PARTNERS_SEEN)
		return false;
	for (uint32_t i = 0; i < g->items && !g->all; i++)
		if (g->item[i] == partner)
			return true;
	return g->all;
}

static bool is_wanted(const struct to_daemon *d, const struct to_plan_stage *stage,
		      uint32_t partner)
{
	bool wanted = false;

	for (uint32_t i = 0; i < stage->gates && !wanted; i++)
		wanted = gate_wants(&stage->gate[i], partner);
	return wanted && !is_seen(d, partner);
}

/* Goes on to the next prefix that is wanted, round and round. */
static bool next_prefix(const struct to_daemon *d, const struct to_plan_stage *stage,
			struct to_partner_watch *w)
{
	const struct to_plan *plan = d->plan->plan;

	if (w->partner < plan->partners && is_wanted(d, stage, w->partner) &&
	    ++w->prefix < plan->partner[w->partner].prefixes)
		return true;
	for (uint32_t i = 1; i <= plan->partners; i++) {
		uint32_t partner = (w->partner % plan->partners + i) % plan->partners;

		if (!is_wanted(d, stage, partner) || !plan->partner[partner].prefixes)
			continue;
		w->partner = partner;
		w->prefix = 0;
		return true;
	}
	return false;
}

static uint16_t share_of(const struct to_plan_route *route, uint32_t partner)
{
	for (uint32_t i = 0; i < route->exceptions; i++)
		if (route->exception[i].partner == partner)
			return route->exception[i].share;
	return route->share;
}

/* Partners come as federation or XMPP; a plan that has neither means whatever it has. */
static bool is_partners(const struct to_plan *plan, uint32_t service)
{
	bool some = false;

	for (uint32_t i = 0; i < plan->services; i++)
		some |= plan->service[i].kind == TO_KIND_FEDERATION ||
			plan->service[i].kind == TO_KIND_XMPP;
	return !some || plan->service[service].kind == TO_KIND_FEDERATION ||
	       plan->service[service].kind == TO_KIND_XMPP;
}

/* A flow that the partner opened, and that is where the stage sends it. */
static bool shows(const struct to_plan *plan, const struct to_plan_stage *stage, uint32_t partner,
		  const struct to_flow *f)
{
	const struct to_plan_service *s;
	uint16_t share;
	uint8_t pool;

	if (!f->proven || f->flags & TO_ENTRY_EDGE_OPENED || f->service >= plan->services ||
	    f->edge >= plan->edges || !is_partners(plan, f->service))
		return false;
	s = &plan->service[f->service];
	share = share_of(&stage->route[f->service], partner);
	pool = plan->edge[f->edge].pool;
	return (share && pool == s->pool[TO_NEW]) || (share < 10000 && pool == s->pool[TO_LEGACY]);
}

static void note(struct to_daemon *d, const struct to_plan_stage *stage, uint32_t partner,
		 const struct to_flow *f)
{
	const struct to_plan *plan = d->plan->plan;

	to_journal_note(&d->journal,
			json_pack("{s:s, s:s, s:s, s:s, s:s}", "what", "partner-seen", "partner",
				  plan->partner[partner].name, "stage", stage->name, "service",
				  plan->service[f->service].name, "edge",
				  plan->edge[f->edge].name));
	to_daemon_watch_journal(d);
}

static void ask_page(struct to_daemon *d);

static void on_page(void *context, const union to_message *m, int fd)
{
	struct to_daemon *d = context;
	struct to_partner_watch *w = &d->partners;
	int stage = to_live_stage(d);

	(void)fd;
	w->asked = false;
	if (!m || m->head.type == TO_MSG_REFUSED || d->engine != TO_ENGINE_OURS || stage < 0 ||
	    w->generation != to_live_generation(d))
		return;
	for (uint32_t i = 0; i < m->page.count; i++) {
		if (!shows(d->plan->plan, &d->plan->plan->stage[stage], w->partner,
			   &m->page.flow[i]))
			continue;
		note(d, &d->plan->plan->stage[stage], w->partner, &m->page.flow[i]);
		return;
	}
	w->ask.cursor = m->page.cursor;
	if (m->page.more && ++w->pages < PAGES)
		ask_page(d);
}

static void ask_page(struct to_daemon *d)
{
	struct to_partner_watch *w = &d->partners;

	w->asked = to_link_ask(d->link, &w->ask, -1, on_page, d) == 0;
}

static void set_filter(struct to_flow_filter *f, const struct to_plan_prefix *prefix)
{
	*f = (struct to_flow_filter){.kinds = 1u << TO_PIN4 | 1u << TO_PIN6,
				     .edge = TO_NO_INDEX,
				     .service = TO_NO_INDEX,
				     .proven = 1,
				     .prefix = prefix->length};
	if (prefix->family == TO_IP4) {
		f->client = to_addr_v4(to_net32((uint32_t)prefix->first));
		f->prefix = (uint8_t)(prefix->length + 96);
		return;
	}
	for (int i = 0; i < 8; i++)
		f->client.b[i] = (uint8_t)(prefix->first >> (56 - 8 * i));
}

void to_partners_tick(struct to_daemon *d)
{
	struct to_partner_watch *w = &d->partners;
	int stage = to_live_stage(d);

	/* while a generation is on its way, the engine has better to do */
	if (d->engine != TO_ENGINE_OURS || stage < 0 || w->asked ||
	    d->publisher.step > TO_STEP_COMPILE || !d->plan->plan->partners ||
	    !next_prefix(d, &d->plan->plan->stage[stage], w))
		return;
	w->generation = to_live_generation(d);
	w->pages = 0;
	w->ask = (struct to_msg_flows){.head.type = TO_MSG_FLOWS, .limit = TO_PROTOCOL_FLOWS};
	set_filter(&w->ask.filter, &d->plan->plan->partner[w->partner].prefix[w->prefix]);
	ask_page(d);
}

void to_partners_lost(struct to_daemon *d)
{
	d->partners = (struct to_partner_watch){0};
}

/* One that was seen by the engine, in this stage, or of which a person says so. */
static bool one_seen(struct to_question *q, uint32_t partner)
{
	const char *name = q->d->plan->plan->partner[partner].name;
	char ack[sizeof(TO_ACK_PARTNER) + TO_MAX_NAME];

	snprintf(ack, sizeof(ack), TO_ACK_PARTNER "%s", name);
	if (json_object_get(q->d->past.acks, ack) || (!q->closed && is_seen(q->d, partner)))
		return true;
	to_say(&q->now, "%s%s",
	       q->now.used ? ", " : "not seen, and not acknowledged: " TO_ACK_PARTNER, name);
	return false;
}

bool to_gate_partners_seen(struct to_question *q)
{
	const struct to_plan_gate *g = q->gate;
	uint32_t count = g->all ? q->d->plan->plan->partners : g->items;
	bool all = true;

	for (uint32_t i = 0; i < count; i++)
		all &= one_seen(q, g->all ? i : g->item[i]);
	if (all)
		to_say(&q->now, "seen or acknowledged");
	return all;
}
