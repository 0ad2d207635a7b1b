/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is certain of a client's affinity (docs/state.md, section 6). Where several edges have
 * answered a client, which of them has it is a long story, and the test only says which cannot.
 */
#include <turnout/limits.h>

#include "game.h"

static struct affinity_book *book_of(struct game *g, const struct flow *f)
{
	int group = g->w->service[f->service].group;

	if (group == NONE || !f->decided)
		return NULL;
	return &g->affinity[g->w->client[f->client].identity][group];
}

static void extend(struct game *g, struct flow *f, struct affinity_book *a)
{
	if (a->sure < f->hold.expires)
		a->sure = f->hold.expires;
	f->mark = g->now;
}

void affinity_proved(struct game *g, struct flow *f)
{
	struct affinity_book *a = book_of(g, f);

	if (!a)
		return;
	a->edges |= 1u << f->hold.edge;
	if (g->now >= a->sure)
		a->epoch++; /* it may be a new one, which counts from here */
	f->epoch = a->epoch;
	extend(g, f, a);
}

void affinity_packet(struct game *g, struct flow *f)
{
	struct affinity_book *a = book_of(g, f);

	if (a && g->now >= f->mark + TO_AFFINITY_RENEWAL)
		extend(g, f, a);
}

/* Does another open flow of the client count in the same affinity? */
static bool others_live(struct game *g, const struct flow *f, const struct affinity_book *a)
{
	for (int i = 0; i < MAX_FLOWS; i++) {
		struct flow *other = &g->flow[i];

		if (other != f && !other->off && book_of(g, other) == a &&
		    other->epoch == a->epoch && hold_proven(&other->hold, g->now) &&
		    !tcp_closing(&other->tcp) && !other->ended)
			return true;
	}
	return false;
}

/* The last one takes it along; so does one of which the book cannot tell. */
void affinity_closed(struct game *g, struct flow *f)
{
	struct affinity_book *a = book_of(g, f);

	if (!a)
		return;
	if (!others_live(g, f, a))
		a->sure = 0;
	f->mark = g->now;
}

void affinity_retired(struct game *g, int edge)
{
	for (int c = 0; c < g->w->clients; c++)
		for (int group = 0; group < MAX_GROUPS; group++)
			g->affinity[c][group].tainted |= g->affinity[c][group].edges >> edge & 1;
}

void affinity_doubt(struct game *g, int client, int service, int edge)
{
	int group = g->w->service[service].group;
	struct affinity_book *a;

	if (group == NONE)
		return;
	a = &g->affinity[g->w->client[client].identity][group];
	a->edges |= 1u << edge;
	a->tainted = true;
}

static bool takes_clients(const struct game *g, int service, int client, int role)
{
	int share = world_share(g->w, g->stage, service, &g->w->client[client]);
	uint32_t since = g->zero_since[client][service][role];

	if (role == NEW ? share > 0 : share < 10000)
		return true;
	return since && g->now < since + TO_GRACE;
}

static bool could(const struct game *g, int service, int client, int edge)
{
	int role = world_role(g->w, service, edge);

	return g->state[edge] == TO_EDGE_UP && role != NONE &&
	       world_serves(g->w, edge, service, g->w->client[client].family) &&
	       takes_clients(g, service, client, role);
}

int affinity_must(const struct game *g, int service, int client)
{
	int group = g->w->service[service].group;
	const struct affinity_book *a;
	int edge;

	if (group == NONE)
		return NONE;
	a = &g->affinity[g->w->client[client].identity][group];
	if (a->tainted || !a->edges || (a->edges & (a->edges - 1)) || g->now >= a->sure)
		return NONE;
	edge = __builtin_ctz(a->edges);
	return could(g, service, client, edge) ? edge : NONE;
}

bool affinity_may(const struct game *g, int service, int client, int edge)
{
	int group = g->w->service[service].group;

	if (group == NONE || client >= g->w->clients)
		return false;
	return g->affinity[g->w->client[client].identity][group].edges >> edge & 1 &&
	       could(g, service, client, edge);
}
