/* SPDX-License-Identifier: BSD-3-Clause */
#include "engine_region.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <turnout/table_read.h>
#include <unistd.h>

#include "engine_memfd.h"
#include "pipeline.h"

int to_engine_region_open(struct to_engine_region *r, const struct to_engine *e, uint64_t now_ns)
{
	int ret;

	*r = (struct to_engine_region){.fd = -1};
	r->next = calloc(1, sizeof(*r->next));
	if (!r->next)
		return -ENOMEM;
	ret = to_memfd_region(&r->shown, &r->fd);
	if (ret < 0) {
		free(r->next);
		r->next = NULL;
		return ret;
	}
	r->next->magic = TO_REGION_MAGIC;
	r->next->version = TO_REGION_VERSION;
	r->next->size = sizeof(*r->next);
	r->next->engine = e->kind;
	r->next->workers = e->workers;
	r->next->started_ns = now_ns;
	memcpy(r->shown, r->next, offsetof(struct to_region, sequence));
	return 0;
}

void to_engine_region_close(struct to_engine_region *r)
{
	if (r->shown)
		munmap(r->shown, sizeof(*r->shown));
	if (r->fd >= 0)
		close(r->fd);
	free(r->next);
	*r = (struct to_engine_region){.fd = -1};
}

static void copy_words(void *to, const void *from, size_t size)
{
	const uint64_t *f = (const uint64_t *)from;
	uint64_t *t = (uint64_t *)to;

	for (size_t i = 0; i < size / sizeof(*t); i++)
		__atomic_store_n(&t[i], f[i], __ATOMIC_RELAXED);
}

static void show(struct to_engine_region *r)
{
	const size_t from = offsetof(struct to_region, renewed_ns);
	const size_t fixed = offsetof(struct to_region, row);
	struct to_region *s = r->shown;
	const struct to_region *n = r->next;
	uint64_t sequence = s->sequence;

	__atomic_store_n(&s->sequence, sequence + 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	copy_words((uint8_t *)s + from, (const uint8_t *)n + from, fixed - from);
	copy_words(s->row, n->row, n->rows * sizeof(n->row[0]));
	copy_words(s->alive, n->alive, n->lives * sizeof(n->alive[0]));
	__atomic_store_n(&s->sequence, sequence + 2, __ATOMIC_RELEASE);
}

/* What is counted anew each time begins at zero; the census stays as it is. */
static void clear(struct to_region *n)
{
	memset(n->events, 0, sizeof(n->events));
	memset(n->verdicts, 0, sizeof(n->verdicts));
	memset(n->entries, 0, sizeof(n->entries));
	memset(n->worker, 0, sizeof(n->worker));
	memset(n->port, 0, sizeof(n->port));
	memset(n->hop, 0, sizeof(n->hop));
	memset(n->named, 0, sizeof(n->named));
	n->ports = n->named_count = n->rows = n->rows_lost = 0;
}

void to_engine_region_renew(struct to_engine_region *r, const struct to_engine *e,
			    const struct to_engine_capture *capture, bool live, uint64_t now_ns)
{
	const struct to_table *t = e->ops->running(e->arg);
	struct to_region *n = r->next;

	clear(n);
	n->renewed_ns = now_ns;
	n->generation = t ? t->generation : 0;
	n->live = live;
	snprintf(n->stage, sizeof(n->stage), "%s", t ? to_table_string(t, t->stage_name) : "");
	e->ops->fill(e->arg, n);
	to_engine_capture_fill(capture, e, n);
	to_region_name(n, "provoked", r->provoked);
	show(r);
}

static uint64_t read_once(const uint64_t *p)
{
	return __atomic_load_n(p, __ATOMIC_RELAXED);
}

static void count_cell(struct to_region *r, const struct to_counters *const *workers, unsigned n,
		       struct to_region_row row)
{
	uint32_t cell = to_counters_cell(row.service, row.class, row.edge, row.reason);

	for (unsigned i = 0; i < n; i++) {
		row.packets += read_once(&workers[i]->cell[cell].packets);
		row.bytes += read_once(&workers[i]->cell[cell].bytes);
	}
	if (!row.packets)
		return;
	if (r->rows < TO_REGION_ROWS)
		r->row[r->rows++] = row;
	else
		r->rows_lost++;
}

/* Every class and reason of one pair. */
static void count_pair(struct to_region *r, const struct to_counters *const *workers, unsigned n,
		       uint8_t service, uint8_t edge)
{
	for (uint32_t i = 0; i < TO_CLASS_COUNT * TO_REASON_COUNT; i++)
		count_cell(r, workers, n,
			   (struct to_region_row){.service = service,
						  .edge = edge,
						  .class = (uint8_t)(i / TO_REASON_COUNT),
						  .reason = (uint8_t)(i % TO_REASON_COUNT)});
}

/* Services and edges that the table has, and none. */
static void count_rows(struct to_region *r, const struct to_counters *const *workers, unsigned n,
		       const struct to_table *t)
{
	uint32_t services = t ? to_table_service_count(t) : 0;
	uint32_t edges = t ? to_table_edge_count(t) : 0;

	for (uint32_t s = 0; s <= services; s++)
		for (uint32_t e = 0; e <= edges; e++)
			count_pair(r, workers, n, s < services ? (uint8_t)s : TO_NO_INDEX,
				   e < edges ? (uint8_t)e : TO_NO_INDEX);
}

void to_region_count(struct to_region *r, const struct to_counters *const *workers, unsigned n,
		     const struct to_table *t)
{
	for (unsigned i = 0; i < n; i++) {
		for (int e = 0; e < TO_EVENT_COUNT; e++)
			r->events[e] += read_once(&workers[i]->events[e]);
		for (int v = 0; v < TO_VERDICT_COUNT; v++)
			r->verdicts[v] += read_once(&workers[i]->verdicts[v]);
	}
	count_rows(r, workers, n, t);
}

void to_region_name(struct to_region *r, const char *name, uint64_t value)
{
	struct to_region_named *named = &r->named[r->named_count];

	if (r->named_count == TO_REGION_NAMED)
		return;
	snprintf(named->name, sizeof(named->name), "%s", name);
	for (char *c = strchr(named->name, '_'); c; c = strchr(c, '_'))
		*c = '-';
	named->value = value;
	r->named_count++;
}
