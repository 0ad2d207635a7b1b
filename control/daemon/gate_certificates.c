/* SPDX-License-Identifier: BSD-3-Clause */
/* S17: every edge of both pools presents the same certificate for signalling, and a good one. */
#include <string.h>

#include "clock.h"
#include "daemon.h"
#include "gate_question.h"

struct look {
	struct to_question *q;
	struct to_health_certificate first; /* that the others must be */
	unsigned seen;
	unsigned unasked; /* edges that no check asks by TLS */
	bool good;
};

/* XMPP begins in the clear, and media has certificates of its own. */
static bool presents_it(const struct to_plan_service *s)
{
	return s->kind == TO_KIND_SIP_TLS || s->kind == TO_KIND_FEDERATION;
}

static void fault(struct look *l, const char *who, const char *what, const char *more)
{
	to_say(&l->q->now, "%s%s %s%s", l->q->now.used ? "; " : "", who, what, more);
	l->good = false;
}

static void compare(struct look *l, const struct to_health_certificate *c)
{
	char until[TO_TIME_TEXT];
	int64_t today = to_today();

	if (!l->seen++)
		l->first = *c;
	else if (memcmp(c->sha256, l->first.sha256, sizeof(c->sha256)) != 0)
		fault(l, c->address, "presents another one than ", l->first.address);
	if (today < c->not_before)
		fault(l, c->address, "presents one that is good from ",
		      to_time_text(c->not_before, until));
	if (today >= c->not_after)
		fault(l, c->address, "presents one that was good until ",
		      to_time_text(c->not_after, until));
	if (*c->fqdn && !c->named)
		fault(l, c->address, "presents one that does not name ", c->fqdn);
}

/* False: it is not asked by TLS. */
static bool look_at(struct look *l, uint32_t edge, uint32_t service)
{
	const struct to_plan *plan = l->q->d->plan->plan;
	const struct to_health_certificate *c;
	int err;

	for (unsigned n = 0;; n++) {
		err = to_health_certificate(l->q->d->health, edge, service, n, &c);
		if (err == -EAGAIN)
			fault(l, plan->edge[edge].name, "has shown none for ",
			      plan->service[service].name);
		if (!err)
			compare(l, c);
		if (err && err != -EAGAIN)
			return n;
	}
}

static bool serves(const struct to_plan *plan, uint32_t edge, uint32_t service)
{
	uint8_t pool = plan->edge[edge].pool;

	return presents_it(&plan->service[service]) &&
	       (plan->service[service].pool[TO_LEGACY] == pool ||
		plan->service[service].pool[TO_NEW] == pool);
}

static void look_at_edge(struct look *l, uint32_t edge)
{
	const struct to_plan *plan = l->q->d->plan->plan;
	bool wanted = false, asked = false;

	if (l->q->d->asked.state[edge] == TO_EDGE_RETIRED)
		return;
	for (uint32_t s = 0; s < plan->services; s++) {
		if (!serves(plan, edge, s))
			continue;
		wanted = true;
		asked |= to_health_count(l->q->d->health) && look_at(l, edge, s);
	}
	l->unasked += wanted && !asked;
}

bool to_gate_access_certificate(struct to_question *q)
{
	static struct look l; /* too large for a stack; one thread */
	const struct to_plan *plan = q->d->plan->plan;
	size_t before = q->now.used;
	char until[TO_TIME_TEXT];

	l = (struct look){.q = q, .good = true};
	for (uint32_t e = 0; e < plan->edges; e++)
		look_at_edge(&l, e);
	/* what was seen and is wrong is so whatever a person says of the rest */
	if (l.unasked || !l.seen)
		l.good &= to_acknowledged(q, to_preflight_names[TO_PREFLIGHT_ACCESS_CERTIFICATE],
					  "not every edge is asked by TLS");
	if (l.good && l.seen)
		to_say(&q->now, "%sone certificate at %u addresses, %s, until %s",
		       before ? "; " : "", l.seen, l.first.subject,
		       to_time_text(l.first.not_after, until));
	return l.good;
}
