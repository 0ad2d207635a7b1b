/* SPDX-License-Identifier: BSD-3-Clause */
/* A region in the address space of a process: the mapping, and where each table lies in it. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "state_tables.h"

#define HUGE_PAGE (2ull << 20)
/* At most 0.6 of the cells are ever used: searches stay short, see docs/state-tables.md. */
#define LOAD_NUMERATOR   3
#define LOAD_DENOMINATOR 5

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* Linux 5.14 */
#endif

uint64_t to_state_region_buckets(uint32_t kind, uint32_t entries)
{
	uint64_t n = 1;

	while (n * to_cells_per_bucket(kind == TO_PIN6) * LOAD_NUMERATOR / LOAD_DENOMINATOR <
	       entries)
		n *= 2;
	return n;
}

uint32_t to_state_region_capacity(const struct to_state_region *r, uint32_t kind, bool proven)
{
	return proven ? r->size[kind].proven : r->size[kind].unproven;
}

static void describe(struct to_cells *t, const struct to_state_region *r, uint32_t kind,
		     bool proven, union to_bucket *bucket)
{
	t->capacity = to_state_region_capacity(r, kind, proven);
	t->view.bucket = bucket;
	t->view.mask = to_state_region_buckets(kind, t->capacity) - 1;
	t->seed = &r->seed[kind];
	t->oldest = TO_NO_CELL;
	t->newest = TO_NO_CELL;
	t->kind = (uint8_t)kind;
	t->proven = proven;
	t->wide = kind == TO_PIN6;
	t->shared = to_state_is_shared(kind, proven);
}

/* On lines of their own. */
static struct to_link *new_links(uint64_t count)
{
	uint64_t bytes = (count * sizeof(struct to_link) + 63) & ~(uint64_t)63;
	struct to_link *link = aligned_alloc(64, bytes);

	if (link)
		memset(link, 0, bytes);
	return link;
}

/* Where each table of one worker lies; `*at` goes on. */
static int describe_worker(struct to_state *st, uint32_t w, uint8_t **at)
{
	struct to_worker_state *ws = &st->worker[w];

	ws->state = st;
	ws->worker = w;
	memcpy(ws->seed, st->region->seed, sizeof(ws->seed));
	for (uint32_t i = 0; i < TO_ENTRY_KIND_COUNT * 2; i++) {
		uint32_t kind = i / 2;
		bool proven = i % 2;
		struct to_cells *t = &st->cells[w * TO_ENTRY_KIND_COUNT * 2 + i];

		ws->view[kind][proven].bucket = &st->none;
		if (!to_state_region_capacity(st->region, kind, proven))
			continue;
		if (w && to_state_is_shared(kind, proven)) {
			t = st->worker[0].cells[kind][proven];
		} else {
			describe(t, st->region, kind, proven, (union to_bucket *)*at);
			*at += (t->view.mask + 1) * sizeof(union to_bucket);
			if (!proven) {
				t->link = new_links(to_cells_count(t));
				if (!t->link)
					return -ENOMEM;
			}
		}
		ws->cells[kind][proven] = t;
		ws->view[kind][proven] = t->view;
	}
	return 0;
}

void to_state_detach(struct to_state *st)
{
	if (st->cells)
		for (uint32_t i = 0; i < st->region->workers * TO_ENTRY_KIND_COUNT * 2; i++)
			free(st->cells[i].link);
	free(st->cells);
	free(st->worker);
	if (st->region)
		munmap(st->region, st->bytes);
	free(st);
}

/* Aligned to huge pages, so that the kernel can use them for a mapping of any file. */
static void *map(int fd, uint64_t bytes)
{
	int flags = fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
	uint64_t room = bytes + HUGE_PAGE;
	uint8_t *hole = mmap(NULL, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint8_t *at;
	uint8_t *end;
	void *p;

	if (hole == MAP_FAILED)
		return MAP_FAILED;
	at = (uint8_t *)(((uintptr_t)hole + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1));
	end = at + bytes;
	p = mmap(at, bytes, PROT_READ | PROT_WRITE, flags | MAP_FIXED, fd, 0);
	if (p == MAP_FAILED) {
		munmap(hole, room);
		return MAP_FAILED;
	}
	if (at > hole)
		munmap(hole, (size_t)(at - hole));
	end = (uint8_t *)(((uintptr_t)end + 4095) & ~(uintptr_t)4095);
	if (end < hole + room)
		munmap(end, (size_t)(hole + room - end));
	/* Best effort: without huge pages everything works, a look-up costs a TLB miss more. */
	madvise(p, bytes, MADV_HUGEPAGE);
	return p;
}

/* A full file system must say so here, not by SIGBUS under a worker. By way of the mapping, so that
 * its pages become huge ones. */
static int populate(int fd, void *region, uint64_t bytes)
{
	if (!madvise(region, bytes, MADV_POPULATE_WRITE))
		return 0;
	return errno == EINVAL ? -posix_fallocate(fd, 0, (off_t)bytes) : -ENOSPC;
}

/* All of the process's side of a mapped region whose header is checked or is `header`. */
int to_state_attach(int fd, uint64_t bytes, const struct to_state_region *header,
		    struct to_state **out)
{
	struct to_state *st = aligned_alloc(64, sizeof(*st));
	uint8_t *at;
	int rc = 0;

	if (!st)
		return -ENOMEM;
	memset(st, 0, sizeof(*st));
	st->lock = -1;
	st->bytes = bytes;
	st->region = map(fd, bytes);
	if (st->region == MAP_FAILED) {
		rc = -errno;
		free(st);
		return rc;
	}
	if (fd >= 0)
		rc = populate(fd, st->region, bytes);
	if (!rc && header)
		*st->region = *header;
	if (!rc) {
		size_t n = st->region->workers;

		st->worker = aligned_alloc(64, n * sizeof(*st->worker));
		st->cells = aligned_alloc(64, n * TO_ENTRY_KIND_COUNT * 2 * sizeof(*st->cells));
		if (!st->worker || !st->cells)
			rc = -ENOMEM;
		if (st->worker)
			memset(st->worker, 0, n * sizeof(*st->worker));
		if (st->cells)
			memset(st->cells, 0, n * TO_ENTRY_KIND_COUNT * 2 * sizeof(*st->cells));
	}
	at = (uint8_t *)st->region + TO_STATE_REGION_HEADER;
	for (uint32_t w = 0; !rc && w < st->region->workers; w++)
		rc = describe_worker(st, w, &at);
	if (rc) {
		to_state_detach(st);
		return rc;
	}
	*out = st;
	return 0;
}
