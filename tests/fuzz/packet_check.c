/* SPDX-License-Identifier: BSD-3-Clause */
#include "packet_check.h"

#include <stdio.h>
#include <stdlib.h>

#include "packet_view.h"

#define CHECK(holds) check(holds, #holds, __LINE__)

static void check(bool holds, const char *what, int line)
{
	if (holds)
		return;
	fprintf(stderr, "packet_check.c:%d: broken: %s\n", line, what);
	abort();
}

void fuzz_mend(uint8_t *data, uint32_t len)
{
	struct fuzz_view v;
	uint8_t *ip = data;
	uint32_t at;
	uint16_t sum;

	if (!view_read(data, len, &v) || v.header < 20 || v.l3 + v.header > len)
		return;
	ip += v.l3;
	if (v.version == 4) {
		ip[10] = ip[11] = 0;
		sum = (uint16_t)~view_fold(view_sum(ip, v.header));
		ip[10] = (uint8_t)(sum >> 8);
		ip[11] = (uint8_t)sum;
	}
	at = view_whole(&v, len) ? view_l4_checksum(&v) : 0;
	if (!at || (v.protocol == 17 && v.version == 4 && !view16(data + at)))
		return;
	data[at] = data[at + 1] = 0;
	sum = (uint16_t)~view_fold(view_l4_sum(data, &v));
	if (v.protocol == 17 && !sum)
		sum = 0xffff;
	data[at] = (uint8_t)(sum >> 8);
	data[at + 1] = (uint8_t)sum;
}

/* A whole packet whose lengths and IPv4 checksum are right. */
static void check_ip(const struct to_frame *f, struct fuzz_view *v)
{
	CHECK(view_read(f->data, f->len, v));
	CHECK(view_whole(v, f->len));
	CHECK(v->l3 + v->l3_len == f->len); /* no Ethernet padding */
	CHECK(v->version != 4 || view_fold(view_sum(f->data + v->l3, v->header)) == 0xffff);
}

static bool l4_right(const uint8_t *data, const struct fuzz_view *v)
{
	uint32_t at = view_l4_checksum(v);

	return at && view_l4_sum(data, v) == 0xffff;
}

/* A right transport checksum stays right, and UDP without one stays without. */
static void check_l4(const struct fuzz_original *in, const struct fuzz_view *was,
		     const struct to_frame *f, const struct fuzz_view *is)
{
	uint32_t at = view_l4_checksum(was);
	bool none = at && was->version == 4 && was->protocol == 17 && !view16(in->data + at);

	CHECK(was->protocol == is->protocol && was->fragment == is->fragment);
	CHECK(was->header == is->header && was->l3_len == is->l3_len);
	CHECK(is->ttl == was->ttl - 1);
	if (none)
		CHECK(!view16(f->data + view_l4_checksum(is)));
	else if (l4_right(in->data, was))
		CHECK(l4_right(f->data, is));
}

static bool is_addr(const uint8_t *bytes, const struct fuzz_view *v, const union to_addr *a)
{
	return v->version == 4 ? to_addr_is_v4(a) && !memcmp(bytes, a->b + 12, 4)
			       : !memcmp(bytes, a->b, 16);
}

static const void *element(const struct to_table *t, enum to_section s, uint32_t i, size_t size)
{
	CHECK(i < t->section[s].count);
	return (const uint8_t *)t + t->section[s].offset + i * size;
}

static const struct to_target *target(const struct to_table *t, const struct to_decision *d)
{
	uint32_t edges = t->section[TO_SECTION_EDGES].count;

	CHECK(d->edge < edges);
	return element(t, TO_SECTION_TARGETS, d->service * edges + d->edge,
		       sizeof(struct to_target));
}

static void check_destination(const struct to_table *t, const struct to_decision *d,
			      const struct fuzz_view *v)
{
	const struct to_target *g = target(t, d);

	CHECK(g->mode == TO_MODE_DNAT);
	if (v->version == 4)
		CHECK(g->has4 && !memcmp(v->dst, &g->v4.raw, 4));
	else
		CHECK(g->has6 && !memcmp(v->dst, g->v6.b, 16));
}

/* The frame inside the tunnel is the one that came in, but for TTL and checksum. */
static void check_tunnel(const struct to_table *t, const struct fuzz_original *in,
			 const struct fuzz_view *was, const struct to_frame *f,
			 const struct fuzz_view *is)
{
	const struct to_target *g = target(t, &f->decision);
	uint8_t inner = was->version == 4 ? 4 : 41; /* RFC 2003, RFC 4213 and RFC 2473 */
	uint32_t at = is->l3 + is->header;

	CHECK(g->mode == TO_MODE_IPIP);
	CHECK(is->protocol == inner && is->ttl == 64 && !is->fragment);
	CHECK(is->l3_len == is->header + was->l3_len);
	CHECK(is->version == 4 ? !memcmp(is->dst, &g->v4.raw, 4) : !memcmp(is->dst, g->v6.b, 16));
	CHECK(f->data[at] == in->data[was->l3]);
	if (was->version == 4) {
		CHECK(f->data[at + 8] == was->ttl - 1);
		CHECK(view_fold(view_sum(f->data + at, was->header)) == 0xffff);
		CHECK(!memcmp(f->data + at + 12, in->data + was->l3 + 12, was->l3_len - 12));
	} else {
		CHECK(f->data[at + 7] == was->ttl - 1);
		CHECK(!memcmp(f->data + at + 8, in->data + was->l3 + 8, was->l3_len - 8));
	}
}

static void check_same(const struct fuzz_original *in, const struct fuzz_view *was,
		       const struct to_frame *f, const struct fuzz_view *is)
{
	check_l4(in, was, f, is);
	CHECK(!memcmp(was->src, is->src, 16) && !memcmp(was->dst, is->dst, 16));
	CHECK(!memcmp(in->data + was->l3 + was->header, f->data + is->l3 + is->header,
		      was->l3_len - was->header));
}

static void check_forwarded(const struct to_table *t, const struct fuzz_original *in,
			    const struct to_frame *f)
{
	const struct to_decision *d = &f->decision;
	const struct to_vip *vip;
	struct fuzz_view was, is;

	check_ip(f, &is);
	CHECK(view_read(in->data, in->len, &was) && view_whole(&was, in->len));
	CHECK(was.l3 == is.l3);
	CHECK(!memcmp(in->data + 12, f->data + 12, was.l3 - 14)); /* VLAN tags */
	switch (d->action) {
	case TO_ACT_FORWARD:
		check_same(in, &was, f, &is);
		break;
	case TO_ACT_DNAT:
	case TO_ACT_ICMP_DNAT:
		check_l4(in, &was, f, &is);
		check_destination(t, d, &is);
		CHECK(!memcmp(was.src, is.src, 16)); /* I7 */
		break;
	case TO_ACT_SNAT:
		vip = element(t, TO_SECTION_VIPS, d->vip, sizeof(*vip));
		check_l4(in, &was, f, &is);
		CHECK(is_addr(is.src, &is, &vip->addr) && !memcmp(was.dst, is.dst, 16));
		break;
	case TO_ACT_ICMP_SNAT:
		check_l4(in, &was, f, &is);
		CHECK(!memcmp(was.dst, is.dst, 16));
		break;
	case TO_ACT_ENCAP:
		check_tunnel(t, in, &was, f, &is);
		break;
	case TO_ACT_TUNNEL_ERROR:
		CHECK(f->len < in->len && (is.protocol == 1 || is.protocol == 58));
		CHECK(l4_right(f->data, &is));
		break;
	default:
		CHECK(!"an action that forwards");
	}
}

/* The ICMP error that a dropped frame has become. */
static void check_error(const struct fuzz_original *in, const struct to_frame *f)
{
	struct fuzz_view was, is;

	CHECK(f->decision.reason == TO_REASON_TTL || f->decision.reason == TO_REASON_TOO_BIG);
	check_ip(f, &is);
	CHECK(view_read(in->data, in->len, &was) && was.version == is.version);
	CHECK(!memcmp(is.dst, was.src, 16));
	CHECK(is.protocol == (is.version == 4 ? 1 : 58) && l4_right(f->data, &is));
	CHECK(is.l3_len <= (is.version == 4 ? 576 : 1280));
	CHECK(!memcmp(f->data, in->data + 6, 6));
}

/* The RST that a segment to a resetting edge has become. */
static void check_reset(const struct fuzz_original *in, const struct to_frame *f)
{
	struct fuzz_view was, is;

	check_ip(f, &is);
	CHECK(view_read(in->data, in->len, &was) && was.version == is.version);
	CHECK(!memcmp(is.dst, was.src, 16) && !memcmp(is.src, was.dst, 16));
	CHECK(is.protocol == 6 && l4_right(f->data, &is));
	CHECK(is.l3_len == (is.version == 4 ? 40 : 60));
	CHECK(f->data[f->len - 20 + 13] & 4 && !memcmp(f->data, in->data + 6, 6));
}

static void check_edge(const struct to_table *t, const struct to_nexthops *nh,
		       const struct to_frame *f)
{
	const struct to_edge *e = element(t, TO_SECTION_EDGES, f->decision.edge, sizeof(*e));

	CHECK(f->decision.verdict == TO_VERDICT_STEER);
	CHECK(e->state != TO_EDGE_RETIRED); /* I8 */
	CHECK(!memcmp(f->data, nh->edge[f->decision.edge].mac, 6));
	CHECK(!memcmp(f->data + 6, nh->edge[f->decision.edge].own, 6));
	CHECK(f->zone != 0);
}

void fuzz_check_frame(const struct to_table *t, const struct to_nexthops *nh,
		      const struct fuzz_original *in, const struct to_frame *f, const uint8_t *room)
{
	const struct to_decision *d = &f->decision;

	CHECK(d->verdict < TO_VERDICT_COUNT && d->reason < TO_REASON_COUNT);
	CHECK(d->class < TO_CLASS_COUNT);
	CHECK(d->service == TO_NO_INDEX || d->service < t->section[TO_SECTION_SERVICES].count);
	CHECK(d->edge == TO_NO_INDEX || d->edge < t->section[TO_SECTION_EDGES].count);
	CHECK(f->data >= room && f->data + f->len <= room + TO_FRAME_HEADROOM + in->len);
	switch (f->egress) {
	case TO_EGRESS_NONE:
		CHECK(d->verdict == TO_VERDICT_DROP);
		break;
	case TO_EGRESS_KERNEL:
		CHECK(d->verdict == TO_VERDICT_KERNEL);
		CHECK(f->len == in->len && !memcmp(f->data, in->data, in->len));
		break;
	case TO_EGRESS_EDGE:
		check_edge(t, nh, f);
		check_forwarded(t, in, f);
		break;
	case TO_EGRESS_OUT:
		CHECK(d->verdict == TO_VERDICT_REPLY || d->verdict == TO_VERDICT_OUT);
		CHECK(!memcmp(f->data, nh->outside4.mac, 6));
		check_forwarded(t, in, f);
		break;
	case TO_EGRESS_SENDER:
		CHECK(d->verdict == TO_VERDICT_DROP);
		if (d->reason == TO_REASON_RESET)
			check_reset(in, f);
		else
			check_error(in, f);
		break;
	default:
		CHECK(!"an egress");
	}
}
