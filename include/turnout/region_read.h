/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The reader's side of the region (region.h): it is mapped for reading, and copied while its writer
 * may be writing. Whatever the writer does, the reader neither faults nor reads beyond the copy.
 */
#ifndef TURNOUT_REGION_READ_H
#define TURNOUT_REGION_READ_H

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "region.h"

#define TO_REGION_TRIES 100 /* a copy takes some 50 us, a writer likewise, once a second */

/*
 * Maps the region of a descriptor that came with a WELCOME. The descriptor is the caller's still.
 * Returns 0, or -EPROTO: it may shrink (whoever reads it would be killed), or is of another size or
 * version; or what mmap() says. To be unmapped by to_region_close().
 */
static inline int to_region_open(int fd, const struct to_region **out)
{
	const int wanted = F_SEAL_SHRINK | F_SEAL_GROW;
	int seals = fcntl(fd, F_GET_SEALS);
	const struct to_region *r;
	struct stat st;

	if (seals < 0 || (seals & wanted) != wanted || fstat(fd, &st) < 0 ||
	    st.st_size != sizeof(*r))
		return -EPROTO;
	r = (const struct to_region *)mmap(NULL, sizeof(*r), PROT_READ, MAP_SHARED, fd, 0);
	if (r == MAP_FAILED)
		return -errno;
	if (r->magic != TO_REGION_MAGIC || r->version != TO_REGION_VERSION ||
	    r->size != sizeof(*r)) {
		munmap((void *)(uintptr_t)r, sizeof(*r));
		return -EPROTO;
	}
	*out = r;
	return 0;
}

static inline void to_region_close(const struct to_region *r)
{
	if (r)
		munmap((void *)(uintptr_t)r, sizeof(*r));
}

/* Words that another process may be writing. `size` is a multiple of 8. */
static inline void to_region_copy(void *to, const void *from, size_t size)
{
	const uint64_t *f = (const uint64_t *)from;
	uint64_t *t = (uint64_t *)to;

	for (size_t i = 0; i < size / sizeof(*t); i++)
		t[i] = __atomic_load_n(&f[i], __ATOMIC_RELAXED);
}

/* Whatever was copied: nothing in it counts more than there is room for, and texts end. */
static inline void to_region_bound(struct to_region *r)
{
	r->magic = TO_REGION_MAGIC;
	r->version = TO_REGION_VERSION;
	r->size = sizeof(*r);
	if (r->workers > TO_PROTOCOL_WORKERS)
		r->workers = TO_PROTOCOL_WORKERS;
	if (r->ports > TO_REGION_PORTS)
		r->ports = TO_REGION_PORTS;
	if (r->named_count > TO_REGION_NAMED)
		r->named_count = TO_REGION_NAMED;
	if (r->rows > TO_REGION_ROWS)
		r->rows = TO_REGION_ROWS;
	if (r->lives > TO_REGION_LIVE)
		r->lives = TO_REGION_LIVE;
	r->stage[sizeof(r->stage) - 1] = '\0';
	for (uint32_t i = 0; i < TO_REGION_PORTS; i++)
		r->port[i].name[sizeof(r->port[i].name) - 1] = '\0';
	for (uint32_t i = 0; i < TO_REGION_NAMED; i++)
		r->named[i].name[sizeof(r->named[i].name) - 1] = '\0';
}

/* An index within its bounds, or none: readers use them for arrays of their own. */
static inline bool to_region_indexes_are_good(const struct to_region *r)
{
	for (uint32_t i = 0; i < r->rows; i++) {
		const struct to_region_row *w = &r->row[i];

		if ((w->service >= TO_MAX_SERVICES && w->service != TO_NO_INDEX) ||
		    (w->edge >= TO_MAX_EDGES && w->edge != TO_NO_INDEX) ||
		    w->class >= TO_CLASS_COUNT || w->reason >= TO_REASON_COUNT)
			return false;
	}
	for (uint32_t i = 0; i < r->lives; i++) {
		const struct to_region_live *l = &r->alive[i];

		if ((l->service >= TO_MAX_SERVICES && l->service != TO_NO_INDEX) ||
		    l->edge >= TO_MAX_EDGES || l->kind >= TO_ENTRY_KIND_COUNT ||
		    l->life >= TO_LIFE_COUNT)
			return false;
	}
	return true;
}

/*
 * Copies the region as it was at one moment; rows and living entries as many as there are, what is
 * behind them in `copy` stays as it was. Counts are within their arrays, texts end, and indexes are
 * in their bounds. Returns 0; -EAGAIN: it was being written all the time, or its writer has died
 * while it wrote: try again later; -EBADMSG: there are indexes in it that cannot be.
 */
static inline int to_region_read(const struct to_region *from, struct to_region *copy)
{
	const size_t fixed = offsetof(struct to_region, row);

	for (int tries = 0; tries < TO_REGION_TRIES; tries++) {
		uint64_t before;

		if (tries)
			sched_yield();
		before = __atomic_load_n(&from->sequence, __ATOMIC_ACQUIRE);
		if (before & 1)
			continue;
		to_region_copy(copy, from, fixed);
		to_region_bound(copy);
		to_region_copy(copy->row, from->row, copy->rows * sizeof(copy->row[0]));
		to_region_copy(copy->alive, from->alive, copy->lives * sizeof(copy->alive[0]));
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (__atomic_load_n(&from->sequence, __ATOMIC_RELAXED) != before)
			continue;
		copy->sequence = before;
		return to_region_indexes_are_good(copy) ? 0 : -EBADMSG;
	}
	return -EAGAIN;
}

#endif
