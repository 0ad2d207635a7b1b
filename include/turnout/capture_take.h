/* SPDX-License-Identifier: BSD-3-Clause */
/* Does this packet take part in the capture? For the workers of both engines. */
#ifndef TURNOUT_CAPTURE_TAKE_H
#define TURNOUT_CAPTURE_TAKE_H

#include "capture.h"
#include "limits.h"
#include "packet.h"

/* What workers read. Only `serial` changes while they may. */
struct to_capture {
	struct to_capture_filter filter;
	union to_addr mask; /* of filter.client */
	uint32_t serial;    /* of the capture, from 1; XDP: 0: there is none */
	uint32_t until;     /* clock seconds: over, whoever forgets to end it */
	uint32_t rate;      /* packets a second, of a worker */
	uint32_t snap;      /* bytes */
};

/* A worker's own. */
struct to_capture_turn {
	struct to_capture_counts count;
	uint32_t serial;
	uint32_t second; /* clock seconds */
	uint32_t taken;  /* in it */
	uint32_t skip;   /* of the sample, until the next that is taken */
};

TO_INLINE union to_addr to_capture_mask(uint8_t prefix)
{
	union to_addr mask = {.d = {0, 0}};

	for (int i = 0; i < 16 && prefix > i * 8; i++)
		mask.b[i] = prefix >= i * 8 + 8 ? 0xff : (uint8_t)(0xff00 >> (prefix - i * 8));
	return mask;
}

TO_INLINE bool to_capture_is_client(const struct to_capture *c, const union to_addr *a)
{
	return !(((a->d[0] ^ c->filter.client.d[0]) & c->mask.d[0]) |
		 ((a->d[1] ^ c->filter.client.d[1]) & c->mask.d[1]));
}

/* By its headers. */
TO_INLINE bool to_capture_takes_flow(const struct to_capture *c, const struct to_packet *k)
{
	const struct to_capture_filter *f = &c->filter;
	bool ports = k->family != TO_NO_FAMILY && k->flags & TO_PKT_PORTS;

	if (f->proto != TO_NO_INDEX && !(ports && k->proto == f->proto))
		return false;
	if (f->port &&
	    !(ports && (to_host16(k->sport) == f->port || to_host16(k->dport) == f->port)))
		return false;
	if (!f->prefix)
		return true;
	if (k->family == TO_NO_FAMILY)
		return false;
	return to_capture_is_client(c, &k->src) || to_capture_is_client(c, &k->dst) ||
	       (k->flags & TO_PKT_EMBEDDED && (to_capture_is_client(c, &k->embedded_src) ||
					       to_capture_is_client(c, &k->embedded_dst)));
}

TO_INLINE bool to_capture_has(uint64_t bits, uint8_t number)
{
	return !bits || (number < 64 && bits >> number & 1);
}

/* By what was decided, and by its headers. */
TO_INLINE bool to_capture_takes(const struct to_capture *c, const struct to_packet *k)
{
	const struct to_capture_filter *f = &c->filter;

	return to_capture_has(f->verdicts, k->out.verdict) &&
	       to_capture_has(f->reasons, k->out.reason) && to_capture_has(f->edges, k->out.edge) &&
	       to_capture_has(f->services, k->out.service) && to_capture_takes_flow(c, k);
}

/* Likewise, and by the sample and the budget; counts what that leaves out. */
TO_INLINE bool to_capture_wants(const struct to_capture *c, struct to_capture_turn *t,
				const struct to_packet *k)
{
	if (k->now >= c->until || !to_capture_takes(c, k))
		return false;
	if (t->skip) {
		t->skip--;
		return false;
	}
	t->skip = c->filter.sample - 1;
	if (t->second != k->now) {
		t->second = k->now;
		t->taken = 0;
	}
	if (t->taken >= c->rate) {
		t->count.over_rate++;
		return false;
	}
	t->taken++;
	return true;
}

/* What is told of it, but for port and worker, which the engine knows. */
TO_INLINE void to_capture_tell(struct to_captured *out, const struct to_capture *c,
			       const struct to_packet *k, uint32_t length)
{
	*out = (struct to_captured){
		.length = length,
		.captured = (uint16_t)(length < c->snap ? length : c->snap),
		.verdict = k->out.verdict,
		.reason = k->out.reason,
		.class = k->out.class,
		.service = k->out.service,
		.edge = k->out.edge,
	};
}

#endif
