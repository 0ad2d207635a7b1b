/* SPDX-License-Identifier: BSD-3-Clause */
#include "capture_ring.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MEMORY (2u << 20) /* of a worker: some hundred whole frames, thousands of headers */

struct to_capture_ring *to_capture_ring_new(const struct to_capture *what, uint16_t worker)
{
	struct to_capture_ring *r = aligned_alloc(_Alignof(struct to_capture_ring), sizeof(*r));

	if (!r)
		return NULL;
	*r = (struct to_capture_ring){.what = *what, .worker = worker, .places = 1};
	r->size = (uint32_t)(sizeof(struct to_captured) + what->snap + 7) / 8 * 8;
	while (r->places * 2 * r->size <= MEMORY)
		r->places *= 2;
	r->memory = aligned_alloc(64, ((size_t)r->places * r->size + 63) & ~(size_t)63);
	if (!r->memory) {
		free(r);
		return NULL;
	}
	/* not left to a worker's page faults */
	memset(r->memory, 1, (size_t)r->places * r->size);
	return r;
}

void to_capture_ring_free(struct to_capture_ring *r)
{
	if (r)
		free(r->memory);
	free(r);
}

static struct to_captured *place(const struct to_capture_ring *r, uint32_t i)
{
	return (struct to_captured *)(r->memory + (size_t)(i & (r->places - 1)) * r->size);
}

/* The vDSO's, and once a burst. */
void to_capture_ring_burst(struct to_capture_ring *r)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	r->time_ns = (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

void to_capture_ring_take(struct to_capture_ring *r, const struct to_packet *k,
			  const struct to_frame *f, uint64_t generation)
{
	uint32_t at = r->written;
	struct to_captured *p = place(r, at);

	if (!to_capture_wants(&r->what, &r->turn, k))
		return;
	if (at - __atomic_load_n(&r->read, __ATOMIC_ACQUIRE) == r->places) {
		r->turn.count.full++;
		return;
	}
	to_capture_tell(p, &r->what, k, f->len);
	p->time_ns = r->time_ns;
	p->generation = generation;
	p->port = f->port;
	p->worker = r->worker;
	memcpy(p + 1, f->data, p->captured);
	r->turn.count.taken++;
	__atomic_store_n(&r->written, at + 1, __ATOMIC_RELEASE);
}

const struct to_captured *to_capture_ring_first(const struct to_capture_ring *r)
{
	return r->read == __atomic_load_n(&r->written, __ATOMIC_ACQUIRE) ? NULL : place(r, r->read);
}

void to_capture_ring_let_go(struct to_capture_ring *r)
{
	__atomic_store_n(&r->read, r->read + 1, __ATOMIC_RELEASE);
}

void to_capture_ring_count(const struct to_capture_ring *r, struct to_capture_counts *counts)
{
	const struct to_capture_counts *c = &r->turn.count;

	counts->taken += __atomic_load_n(&c->taken, __ATOMIC_RELAXED);
	counts->over_rate += __atomic_load_n(&c->over_rate, __ATOMIC_RELAXED);
	counts->full += __atomic_load_n(&c->full, __ATOMIC_RELAXED);
}
