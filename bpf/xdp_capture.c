/* SPDX-License-Identifier: BSD-3-Clause */
#include "xdp_capture.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>

#include "turnout.skel.h"

#define ENOUGH (-ENOBUFS) /* of a callback: the visitor's word */

static struct to_capture *shared(const struct to_xdp_capture *c)
{
	return (struct to_capture *)c->xdp->skel->bss->capture_words;
}

/* As the region numbers them. One that is not ours any more is none of them. */
static uint32_t port_of(const struct to_xdp_capture *c, uint32_t ifindex)
{
	for (uint32_t i = 0; i < c->ports->n; i++) {
		if (c->ports->port[i].ifindex == ifindex)
			return i;
	}
	return TO_REGION_PORTS;
}

/* What an earlier capture, or an earlier process, has left in the ring is passed over. */
static int take(void *arg, void *data, size_t size)
{
	const size_t head = offsetof(struct to_bpf_captured, bytes);
	struct to_xdp_capture *c = arg;
	const struct to_bpf_captured *p = data;
	struct to_captured is;

	if (size < head || !c->visit || p->serial != c->serial || p->is.captured > size - head)
		return 0;
	is = p->is;
	is.port = port_of(c, is.port);
	return c->visit(c->visit_arg, &is, p->bytes) ? ENOUGH : 0;
}

int to_xdp_capture_open(struct to_xdp_capture *c, struct to_xdp *xdp,
			const struct to_xdp_ports *ports)
{
	*c = (struct to_xdp_capture){.xdp = xdp, .ports = ports};
	c->ring = ring_buffer__new(bpf_map__fd(xdp->skel->maps.captured), take, c, NULL);
	return c->ring ? 0 : -errno;
}

void to_xdp_capture_close(struct to_xdp_capture *c)
{
	ring_buffer__free(c->ring);
	c->ring = NULL;
}

void to_xdp_capture_begin(struct to_xdp_capture *c, const struct to_capture *what)
{
	struct to_capture *to = shared(c);
	struct to_capture next = *what;

	to_xdp_capture_drain(c, NULL, NULL);
	next.serial = 0;
	*to = next;
	c->serial = what->serial;
	__atomic_store_n(&to->serial, what->serial, __ATOMIC_RELEASE);
}

bool to_xdp_capture_drain(struct to_xdp_capture *c, to_capture_visit visit, void *visit_arg)
{
	bool more;

	c->visit = visit;
	c->visit_arg = visit_arg;
	more = ring_buffer__consume(c->ring) == ENOUGH;
	c->visit = NULL;
	return more;
}

void to_xdp_capture_count(const struct to_xdp_capture *c, struct to_capture_counts *counts)
{
	const struct bpf_map *map = c->xdp->skel->maps.capture_room;
	size_t each = sizeof(struct to_bpf_capture_room), all = (size_t)c->xdp->cpus * each;
	struct to_bpf_capture_room *r = malloc(all);
	uint32_t zero = 0;

	if (r && bpf_map__lookup_elem(map, &zero, sizeof(zero), r, all, 0) == 0) {
		for (int cpu = 0; cpu < c->xdp->cpus; cpu++) {
			const struct to_capture_turn *t = &r[cpu].turn;

			if (t->serial != c->serial)
				continue;
			counts->taken += t->count.taken;
			counts->over_rate += t->count.over_rate;
			counts->full += t->count.full;
		}
	}
	free(r);
}

void to_xdp_capture_stop(struct to_xdp_capture *c)
{
	__atomic_store_n(&shared(c)->serial, 0, __ATOMIC_RELEASE);
}
