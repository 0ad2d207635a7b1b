/* SPDX-License-Identifier: BSD-3-Clause */
#include "view.h"

#include <stdlib.h>

#include "clock.h"
#include "plain.h"

/* A census that began so long after the one before breaks the row: between them anything may have
 * come and gone. */
#define CENSUS_GAP (15 * TO_NS)

int to_view_init(struct to_view *v)
{
	*v = (struct to_view){0};
	v->copy = calloc(1, sizeof(*v->copy));
	v->samples = calloc(TO_VIEW_SAMPLES, sizeof(*v->samples));
	return v->copy && v->samples ? 0 : -ENOMEM;
}

void to_view_free(struct to_view *v)
{
	to_view_detach(v);
	free(v->copy);
	free(v->samples);
}

int to_view_attach(struct to_view *v, int fd)
{
	int err = to_region_open(fd, &v->region);

	v->copied = 0;
	return err ? err : to_view_refresh(v, 0);
}

void to_view_detach(struct to_view *v)
{
	to_region_close(v->region);
	v->region = NULL;
	v->fresh = false;
	v->census = 0;
	memset(v->flows, 0, sizeof(v->flows));
	memset(v->pins, 0, sizeof(v->pins));
	memset(v->quiet_since, 0, sizeof(v->quiet_since));
	for (unsigned i = 0; v->samples && i < TO_VIEW_SAMPLES; i++)
		v->samples[i].at = 0;
}

/* An affinity is a memory, a fragment is gone before anybody could wait for it, and a transaction
 * is a call's, or over in seconds. */
static bool is_flow(uint8_t kind)
{
	return kind == TO_PIN4 || kind == TO_PIN6 || kind == TO_DIALOG || kind == TO_OWNER;
}

static void count_flows(struct to_view *v)
{
	const struct to_region *r = v->copy;

	memset(v->flows, 0, sizeof(v->flows));
	memset(v->unanswered, 0, sizeof(v->unanswered));
	memset(v->pins, 0, sizeof(v->pins));
	for (uint32_t i = 0; i < r->lives; i++) {
		const struct to_region_live *l = &r->alive[i];
		uint8_t service = l->service == TO_NO_INDEX ? TO_VIEW_NONE : l->service;

		if (l->life == TO_LIFE_OVER || !is_flow(l->kind))
			continue;
		v->flows[l->edge][service][l->life] += l->count;
		if (l->kind == TO_PIN4 || l->kind == TO_PIN6)
			v->pins[l->edge][service] += l->count;
		if (l->life == TO_LIFE_UNPROVEN && service != TO_VIEW_NONE && l->kind != TO_OWNER)
			v->unanswered[service][l->edge] += l->count;
	}
}

static void take_census(struct to_view *v)
{
	const struct to_region *r = v->copy;
	bool broken = !v->census || r->census_ns > v->census + CENSUS_GAP;

	if (!r->census_ns || r->census_ns == v->census || r->census_ns > to_boot_ns())
		return;
	count_flows(v);
	v->census = r->census_ns;
	v->cut = r->lives_lost != 0;
	for (int e = 0; e < TO_MAX_EDGES; e++) {
		for (int s = 0; s < TO_VIEW_SERVICES; s++) {
			uint64_t *since = &v->quiet_since[e][s];

			if (v->flows[e][s][0] || v->flows[e][s][1] || v->cut)
				*since = 0;
			else if (!*since || broken)
				*since = v->census;
		}
	}
}

/* Each first packet of a flow, once it has been decided; what is repeated finds its entry. */
static bool is_new(uint8_t reason)
{
	return reason == TO_REASON_ROUTE || reason == TO_REASON_AFFINITY ||
	       reason == TO_REASON_FALLBACK;
}

static bool is_tried(uint8_t reason)
{
	return is_new(reason) || reason == TO_REASON_MIDFLOW || reason == TO_REASON_LEARNED_OWNER;
}

static void count_new(struct to_view *v)
{
	const struct to_region *r = v->copy;

	memset(v->new_flows, 0, sizeof(v->new_flows));
	memset(v->tried, 0, sizeof(v->tried));
	for (uint32_t i = 0; i < r->rows; i++) {
		const struct to_region_row *w = &r->row[i];

		if (w->service == TO_NO_INDEX || w->edge == TO_NO_INDEX)
			continue;
		if (is_new(w->reason))
			v->new_flows[w->service][w->edge] += w->packets;
		if (is_tried(w->reason))
			v->tried[w->service][w->edge] += w->packets;
	}
}

int to_view_refresh(struct to_view *v, uint64_t age)
{
	uint64_t now = to_boot_ns();

	if (!v->region)
		return -ENOTCONN;
	if (v->fresh && now - v->copied < age)
		return 0;
	v->error = to_region_read(v->region, v->copy);
	if (v->error)
		return v->error;
	to_make_plain(v->copy->stage);
	for (uint32_t i = 0; i < v->copy->ports; i++)
		to_make_plain(v->copy->port[i].name);
	for (uint32_t i = 0; i < v->copy->named_count; i++)
		to_make_plain(v->copy->named[i].name);
	v->copied = now;
	v->fresh = true;
	count_new(v);
	take_census(v);
	return 0;
}

uint64_t to_view_census_age(const struct to_view *v)
{
	return v->region && v->census ? (to_boot_ns() - v->census) / TO_NS : UINT64_MAX;
}

void to_view_sample(struct to_view *v)
{
	struct to_sample *s = &v->samples[v->next_sample];

	if (!v->fresh)
		return;
	s->at = v->copied;
	memcpy(s->new_flows, v->new_flows, sizeof(s->new_flows));
	v->next_sample = (v->next_sample + 1) % TO_VIEW_SAMPLES;
}

bool to_view_new_since(const struct to_view *v, uint64_t ns, uint8_t service, uint8_t edge,
		       uint64_t *count)
{
	const struct to_sample *best = NULL;
	uint64_t now = to_boot_ns();

	for (unsigned i = 0; i < TO_VIEW_SAMPLES; i++) {
		const struct to_sample *s = &v->samples[i];

		if (s->at && now - s->at >= ns && (!best || s->at > best->at))
			best = s;
	}
	if (!v->fresh || !best || v->new_flows[service][edge] < best->new_flows[service][edge])
		return false;
	*count = v->new_flows[service][edge] - best->new_flows[service][edge];
	return true;
}
