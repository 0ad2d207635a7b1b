/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Whether a table image may be believed. Everything that an engine takes for granted when it reads
 * a table is asked here, once, before the table is used: bounds, indices, enum values, order,
 * padding, and that its parts agree. Each fault has a message of its own.
 */
#ifndef TURNOUT_TABLE_CHECK_H
#define TURNOUT_TABLE_CHECK_H

#include <errno.h>
#include <string.h>

#include "table_read.h"

/* Every step is a bijection of the state for a given word, and of the word for a given state: two
 * images that differ in one word never have the same checksum. */
static inline uint64_t to_checksum_words(uint64_t h, const uint8_t *p, size_t bytes)
{
	for (size_t i = 0; i + 8 <= bytes; i += 8) {
		uint64_t word;

		memcpy(&word, p + i, sizeof(word));
		h = (h ^ word) * 0x9e3779b97f4a7c15ULL;
		h ^= h >> 32;
	}
	return h;
}

/* Of everything but the checksum itself. `size` is a multiple of 8, at least the header's. */
static inline uint64_t to_table_checksum(const void *image, size_t size)
{
	const size_t before = offsetof(struct to_table, checksum);
	const size_t after = before + sizeof(uint64_t);
	const uint8_t *p = image;
	uint64_t h = to_checksum_words(TO_TABLE_MAGIC ^ size, p, before);

	return to_checksum_words(h, p + after, size - after);
}

/* In the checks below: the first fault is the answer. */
#define TO_REFUSE(fault, message)                                                                  \
	do {                                                                                       \
		if (fault)                                                                         \
			return message;                                                            \
	} while (0)

static inline bool to_all_zero(const void *p, size_t size)
{
	const uint8_t *b = p;

	for (size_t i = 0; i < size; i++)
		if (b[i])
			return false;
	return true;
}

static inline const char *to_check_header(const struct to_table *t, size_t size)
{
	TO_REFUSE(t->magic != TO_TABLE_MAGIC, "not a table image: wrong magic");
	TO_REFUSE(t->layout != TO_TABLE_LAYOUT, "table layout of another version");
	TO_REFUSE(t->size != size, "size in the header is not the image's");
	TO_REFUSE(size > TO_TABLE_MAX_BYTES, "image too large");
	TO_REFUSE(size % TO_TABLE_ALIGN, "size is not a multiple of the alignment");
	return NULL;
}

/* The sections follow each other without gaps but for the padding, which is zero. */
static inline const char *to_check_sections(const struct to_table *t, size_t size)
{
	uint64_t at = sizeof(*t);

	for (int i = 0; i < TO_SECTION_COUNT; i++) {
		uint64_t end = at + (uint64_t)t->section[i].count * to_section_size[i];
		uint64_t next = (end + TO_TABLE_ALIGN - 1) & ~(uint64_t)(TO_TABLE_ALIGN - 1);

		TO_REFUSE(t->section[i].offset != at, "section does not begin where it should");
		TO_REFUSE(next > size, "section reaches beyond the image");
		TO_REFUSE(!to_all_zero((const uint8_t *)t + end, next - end),
			  "padding after a section is not zero");
		at = next;
	}
	TO_REFUSE(at != size, "bytes after the last section");
	return NULL;
}

static inline const char *to_check_counts(const struct to_table *t)
{
	uint64_t targets = (uint64_t)to_table_service_count(t) * to_table_edge_count(t);
	uint32_t slots = to_table_address_count(t);

	TO_REFUSE(to_table_service_count(t) < 1, "no services");
	TO_REFUSE(to_table_service_count(t) > TO_MAX_SERVICES, "too many services");
	TO_REFUSE(to_table_pool_count(t) < 2, "fewer than two pools");
	TO_REFUSE(to_table_pool_count(t) > TO_MAX_POOLS, "too many pools");
	TO_REFUSE(to_table_edge_count(t) < 1, "no edges");
	TO_REFUSE(to_table_edge_count(t) > TO_MAX_EDGES, "too many edges");
	TO_REFUSE(to_table_vip_count(t) < 1, "no VIPs");
	TO_REFUSE(to_table_vip_count(t) > TO_MAX_VIPS, "too many VIPs");
	TO_REFUSE(to_table_gateway_count(t) > TO_MAX_GATEWAYS, "too many gateways");
	TO_REFUSE(to_table_route_count(t) < 1, "no routes");
	TO_REFUSE(to_table_route_count(t) > TO_MAX_ROUTES, "too many routes");
	TO_REFUSE(to_table_interval_count(t) > TO_MAX_INTERVALS, "too many intervals");
	TO_REFUSE(to_table_target_count(t) != targets,
		  "targets are not one for each service and edge");
	TO_REFUSE(slots < 2 || slots & (slots - 1), "address slots are not a power of two");
	TO_REFUSE(t->address_mask != slots - 1, "address mask does not fit the slots");
	return NULL;
}

/* Names of 1 to TO_MAX_NAME printable characters, one after the other. */
static inline const char *to_check_strings(const struct to_table *t)
{
	const char *s = to_table_strings(t);
	uint32_t count = to_table_string_count(t), run = 0;

	TO_REFUSE(!count || s[0], "strings do not begin with the empty one");
	TO_REFUSE(s[count - 1], "last string is not terminated");
	for (uint32_t i = 1; i < count; i++) {
		TO_REFUSE(s[i] && (s[i] <= ' ' || s[i] > '~'), "a name has an unprintable byte");
		TO_REFUSE(!s[i] && !run, "a name is empty");
		run = s[i] ? run + 1 : 0;
		TO_REFUSE(run > TO_MAX_NAME, "a name is too long");
	}
	return NULL;
}

/* Does a name begin there? */
static inline bool to_is_name(const struct to_table *t, uint32_t offset)
{
	const char *s = to_table_strings(t);

	return offset > 0 && offset < to_table_string_count(t) && s[offset] && !s[offset - 1];
}

static inline const char *to_check_rest_of_header(const struct to_table *t)
{
	TO_REFUSE(!t->generation, "generation is 0");
	TO_REFUSE(!to_is_name(t, t->stage_name), "stage name is not a string");
	TO_REFUSE(!to_is_name(t, t->site_name), "site name is not a string");
	TO_REFUSE(t->grace > UINT16_MAX, "grace is too long");
	TO_REFUSE(!to_all_zero(t->reserved, sizeof(t->reserved)),
		  "reserved bytes of the header are not zero");
	return NULL;
}

static inline const char *to_check_pools(const struct to_table *t)
{
	const struct to_edge *edges = to_table_edges(t);
	uint32_t next = 0;

	for (uint32_t i = 0; i < to_table_pool_count(t); i++) {
		const struct to_pool *p = &to_table_pools(t)[i];

		TO_REFUSE(p->role > 1, "pool has no such role");
		TO_REFUSE(!p->edges, "pool has no edges");
		TO_REFUSE(p->first_edge != next, "pool's edges do not follow the pool before");
		TO_REFUSE(next + p->edges > to_table_edge_count(t),
			  "pool has edges beyond the last");
		TO_REFUSE(p->reserved, "reserved byte of a pool is not zero");
		TO_REFUSE(!to_is_name(t, p->name), "pool name is not a string");
		for (uint32_t e = 0; e < p->edges; e++)
			TO_REFUSE(edges[next + e].pool != i, "edge is of another pool");
		next += p->edges;
	}
	TO_REFUSE(next != to_table_edge_count(t), "edge is in no pool");
	return NULL;
}

static inline const char *to_check_edges(const struct to_table *t)
{
	for (uint32_t i = 0; i < to_table_edge_count(t); i++) {
		const struct to_edge *e = &to_table_edges(t)[i];

		TO_REFUSE(e->state >= TO_EDGE_STATE_COUNT, "edge has no such state");
		TO_REFUSE(e->mode >= TO_MODE_COUNT, "edge has no such mode");
		TO_REFUSE(e->reserved, "reserved byte of an edge is not zero");
		TO_REFUSE(!to_is_name(t, e->name), "edge name is not a string");
	}
	return NULL;
}

static inline const char *to_check_vips(const struct to_table *t)
{
	for (uint32_t i = 0; i < to_table_vip_count(t); i++) {
		const struct to_vip *v = &to_table_vips(t)[i];

		TO_REFUSE(v->family != (to_addr_is_v4(&v->addr) ? TO_IP4 : TO_IP6),
			  "VIP's family is not its address's");
		TO_REFUSE(!to_all_zero(v->reserved, sizeof(v->reserved)) || v->reserved2,
			  "reserved bytes of a VIP are not zero");
	}
	return NULL;
}

static inline bool to_is_vip(const struct to_table *t, uint8_t vip, uint8_t family)
{
	return vip == TO_NO_INDEX ||
	       (vip < to_table_vip_count(t) && to_table_vips(t)[vip].family == family);
}

static inline const char *to_check_service_flags(const struct to_service *s)
{
	bool turn = s->kind == TO_KIND_TURN;

	TO_REFUSE(s->flags & 0x80, "service has an unknown flag");
	TO_REFUSE(s->flags & TO_SERVICE_MIDFLOW_DROP && s->flags & TO_SERVICE_MIDFLOW_NEW,
		  "service has two mid-flow rules");
	TO_REFUSE(s->flags & TO_SERVICE_BALANCE_FLOW && s->group != TO_NO_INDEX,
		  "service balances flows and has an affinity group");
	TO_REFUSE(s->flags & TO_SERVICE_LEARN && !turn && s->kind != TO_KIND_SIP,
		  "service of this kind cannot learn");
	TO_REFUSE(s->flags & TO_SERVICE_OWNED &&
			  ((!turn && s->kind != TO_KIND_MEDIA) || s->proto != TO_UDP),
		  "service of this kind cannot have owned ports");
	return NULL;
}

static inline const char *to_check_service(const struct to_table *t, const struct to_service *s)
{
	const struct to_pool *pools = to_table_pools(t);

	TO_REFUSE(s->kind >= TO_KIND_COUNT, "service has no such kind");
	TO_REFUSE(s->proto > TO_UDP, "service has no such protocol");
	TO_REFUSE(s->group != TO_NO_INDEX && s->group >= TO_MAX_SERVICES,
		  "service has no such affinity group");
	TO_REFUSE(s->legacy_pool >= to_table_pool_count(t) || pools[s->legacy_pool].role != 0,
		  "service's legacy pool is none");
	TO_REFUSE(s->new_pool >= to_table_pool_count(t) || pools[s->new_pool].role != 1,
		  "service's new pool is none");
	TO_REFUSE(!to_is_vip(t, s->vip4, TO_IP4), "service's IPv4 VIP is none");
	TO_REFUSE(!to_is_vip(t, s->vip6, TO_IP6), "service's IPv6 VIP is none");
	TO_REFUSE(s->vip4 == TO_NO_INDEX && s->vip6 == TO_NO_INDEX, "service has no VIP");
	TO_REFUSE(!s->port_low, "service has port 0");
	TO_REFUSE(s->port_low > s->port_high, "service's ports run backwards");
	TO_REFUSE(!s->idle, "service's idle time-out is 0");
	TO_REFUSE(!to_is_name(t, s->name), "service name is not a string");
	TO_REFUSE(s->reserved || !to_all_zero(s->reserved2, sizeof(s->reserved2)),
		  "reserved bytes of a service are not zero");
	return to_check_service_flags(s);
}

/* The intervals [first, first + count) of one service and family. */
static inline const char *to_check_interval_run(const struct to_table *t, uint32_t first,
						uint32_t count, uint64_t last_client)
{
	const struct to_interval *at = to_table_intervals(t) + first;

	TO_REFUSE(!count, "service has no interval for a family");
	TO_REFUSE(count > to_table_interval_count(t) - first,
		  "service has intervals beyond the last");
	TO_REFUSE(at[0].first != 0, "first interval does not begin at 0");
	for (uint32_t i = 0; i < count; i++) {
		TO_REFUSE(i && at[i].first <= at[i - 1].first, "intervals are not in order");
		TO_REFUSE(at[i].first > last_client, "interval begins beyond the last client");
		TO_REFUSE(at[i].route >= to_table_route_count(t), "interval's route is none");
		TO_REFUSE(at[i].reserved, "reserved bytes of an interval are not zero");
	}
	return NULL;
}

static inline const char *to_check_services(const struct to_table *t)
{
	uint32_t next = 0;

	for (uint32_t i = 0; i < to_table_service_count(t); i++) {
		const struct to_service *s = &to_table_services(t)[i];
		const char *why = to_check_service(t, s);

		for (int f = 0; f < 2 && !why; f++) {
			TO_REFUSE(s->first_interval[f] != next,
				  "service's intervals do not follow those before");
			why = to_check_interval_run(t, next, s->intervals[f],
						    f ? UINT64_MAX : UINT32_MAX);
			next += s->intervals[f];
		}
		if (why)
			return why;
	}
	TO_REFUSE(next != to_table_interval_count(t), "interval is of no service");
	return NULL;
}

static inline const char *to_check_routes(const struct to_table *t)
{
	for (uint32_t i = 0; i < to_table_route_count(t); i++) {
		const struct to_route *r = &to_table_routes(t)[i];

		TO_REFUSE(r->share > TO_SHARE_ALL, "route's share is above 100 percent");
		TO_REFUSE(r->reserved, "reserved bytes of a route are not zero");
		TO_REFUSE(r->partner && !to_is_name(t, r->partner),
			  "route's partner is not a string");
		TO_REFUSE(r->new_zero_since && r->share,
			  "route's new pool has a share, and a time since when it has none");
		TO_REFUSE(r->legacy_zero_since && r->share != TO_SHARE_ALL,
			  "route's legacy pool has a share, and a time since when it has none");
	}
	return NULL;
}

static inline bool to_edge_serves(const struct to_table *t, uint32_t edge,
				  const struct to_service *s)
{
	uint8_t pool = to_table_edges(t)[edge].pool;

	return pool == s->legacy_pool || pool == s->new_pool;
}

/* Is it this edge's address? */
static inline bool to_edge_has(const struct to_table *t, uint32_t edge, const union to_addr *addr)
{
	const struct to_address *a = to_table_find_address(t, addr);

	return a && a->kind == TO_ADDRESS_EDGE && a->index == edge;
}

/* A tunnel has a gateway of its family where there is an address, and nothing else has. */
static inline bool to_good_gateway(const struct to_table *t, uint8_t gateway, bool wanted, bool v4)
{
	if (!wanted)
		return gateway == TO_NO_INDEX;
	return gateway < to_table_gateway_count(t) &&
	       to_addr_is_v4(&to_table_gateways(t)[gateway].addr) == v4;
}

static inline const char *to_check_target(const struct to_table *t, uint32_t service, uint32_t edge)
{
	const struct to_target *g = to_table_target(t, service, edge);
	const union to_addr v4 = to_addr_v4(g->v4);
	bool ipip = g->mode == TO_MODE_IPIP;

	TO_REFUSE(g->has4 > 1 || g->has6 > 1, "target's has4 or has6 is neither 0 nor 1");
	TO_REFUSE(g->mode != to_table_edges(t)[edge].mode, "target's mode is not its edge's");
	TO_REFUSE(!g->has4 && g->v4.raw, "target has an IPv4 address that it denies");
	TO_REFUSE(!g->has6 && !to_all_zero(&g->v6, sizeof(g->v6)),
		  "target has an IPv6 address that it denies");
	TO_REFUSE((g->has4 || g->has6) && !to_edge_serves(t, edge, &to_table_services(t)[service]),
		  "target is an edge of none of the service's pools");
	TO_REFUSE(g->has4 && !to_edge_has(t, edge, &v4), "target's IPv4 address is not its edge's");
	TO_REFUSE(g->has6 && (to_addr_is_v4(&g->v6) || !to_edge_has(t, edge, &g->v6)),
		  "target's IPv6 address is not its edge's");
	TO_REFUSE(!to_good_gateway(t, g->gateway4, ipip && g->has4, true),
		  "target's IPv4 tunnel gateway is wrong");
	TO_REFUSE(!to_good_gateway(t, g->gateway6, ipip && g->has6, false),
		  "target's IPv6 tunnel gateway is wrong");
	TO_REFUSE(!to_all_zero(g->reserved, sizeof(g->reserved)),
		  "reserved bytes of a target are not zero");
	return NULL;
}

static inline const char *to_check_targets(const struct to_table *t)
{
	const char *why = NULL;

	for (uint32_t s = 0; s < to_table_service_count(t) && !why; s++)
		for (uint32_t e = 0; e < to_table_edge_count(t) && !why; e++)
			why = to_check_target(t, s, e);
	return why;
}

static inline bool to_binds_overlap(const struct to_bind *a, const struct to_bind *b)
{
	return a->proto == b->proto && a->vip != TO_NO_INDEX && b->vip != TO_NO_INDEX &&
	       a->port_low <= b->port_high && b->port_low <= a->port_high;
}

/* The VIP that a bind of this address must name. */
static inline uint8_t to_bind_vip(const struct to_table *t, const struct to_address *a,
				  const struct to_service *s)
{
	if (a->kind == TO_ADDRESS_VIP)
		return a->index;
	if (to_table_edges(t)[a->index].mode != TO_MODE_DNAT)
		return TO_NO_INDEX;
	return to_addr_is_v4(&a->addr) ? s->vip4 : s->vip6;
}

static inline const char *to_check_binds(const struct to_table *t, const struct to_address *a)
{
	const struct to_bind *binds = to_table_binds(t) + a->first_bind;

	for (uint32_t i = 0; i < a->binds; i++) {
		const struct to_bind *b = &binds[i];
		const struct to_service *s;

		TO_REFUSE(b->service >= to_table_service_count(t), "bind's service is none");
		s = &to_table_services(t)[b->service];
		TO_REFUSE(b->proto != s->proto, "bind's protocol is not its service's");
		TO_REFUSE(b->port_low != s->port_low || b->port_high != s->port_high,
			  "bind's ports are not its service's");
		TO_REFUSE(b->vip != to_bind_vip(t, a, s), "bind's VIP is wrong");
		TO_REFUSE(b->reserved, "reserved byte of a bind is not zero");
		TO_REFUSE(a->kind == TO_ADDRESS_EDGE && !to_edge_serves(t, a->index, s),
			  "bind's service is of other pools than the edge's");
		TO_REFUSE(i && b->service <= binds[i - 1].service,
			  "binds of an address are not in the order of the services");
		for (uint32_t k = 0; k < i; k++)
			TO_REFUSE(to_binds_overlap(b, &binds[k]), "binds of an address overlap");
	}
	return NULL;
}

static inline const char *to_check_address(const struct to_table *t, const struct to_address *a)
{
	const uint32_t limit[] = {
		[TO_ADDRESS_VIP] = to_table_vip_count(t),
		[TO_ADDRESS_EDGE] = to_table_edge_count(t),
		[TO_ADDRESS_GATEWAY] = to_table_gateway_count(t),
	};

	TO_REFUSE(a->kind > TO_ADDRESS_GATEWAY, "address has no such kind");
	TO_REFUSE(a->kind == TO_ADDRESS_FREE && !to_all_zero(a, sizeof(*a)),
		  "free address slot is not zero");
	if (a->kind == TO_ADDRESS_FREE)
		return NULL;
	TO_REFUSE(a->index >= limit[a->kind], "address's index is none");
	TO_REFUSE(a->kind == TO_ADDRESS_VIP &&
			  !to_addr_equal(&a->addr, &to_table_vips(t)[a->index].addr),
		  "address is not that of its VIP");
	TO_REFUSE(a->kind == TO_ADDRESS_GATEWAY &&
			  !to_addr_equal(&a->addr, &to_table_gateways(t)[a->index].addr),
		  "address is not that of its gateway");
	TO_REFUSE(a->kind == TO_ADDRESS_GATEWAY && (a->binds || a->first_bind),
		  "gateway address has binds");
	TO_REFUSE(a->kind == TO_ADDRESS_VIP && !a->binds, "VIP has no binds");
	TO_REFUSE(a->binds > TO_MAX_BINDS_PER_ADDRESS, "address has too many binds");
	TO_REFUSE(a->first_bind > to_table_bind_count(t) ||
			  a->binds > to_table_bind_count(t) - a->first_bind,
		  "address has binds beyond the last");
	TO_REFUSE(!to_all_zero(a->reserved, sizeof(a->reserved)),
		  "reserved bytes of an address are not zero");
	TO_REFUSE(to_table_find_address(t, &a->addr) != a,
		  "address is where no search finds it, or there twice");
	return to_check_binds(t, a);
}

static inline const char *to_check_addresses(const struct to_table *t)
{
	uint32_t used = 0, binds = 0;

	for (uint32_t i = 0; i < to_table_address_count(t); i++) {
		const struct to_address *a = &to_table_addresses(t)[i];
		const char *why = to_check_address(t, a);

		if (why)
			return why;
		used += a->kind != TO_ADDRESS_FREE;
		binds += a->binds;
	}
	TO_REFUSE(used > to_table_address_count(t) / 2, "address slots are more than half full");
	TO_REFUSE(binds != to_table_bind_count(t), "binds are not each of one address");
	return NULL;
}

/* That each address is its VIP's or gateway's has been asked: here, that none is left out. */
static inline const char *to_check_sites(const struct to_table *t)
{
	for (uint32_t i = 0; i < to_table_vip_count(t); i++) {
		const struct to_address *a = to_table_find_address(t, &to_table_vips(t)[i].addr);

		TO_REFUSE(!a || a->kind != TO_ADDRESS_VIP || a->index != i,
			  "VIP is not among the addresses");
	}
	for (uint32_t i = 0; i < to_table_gateway_count(t); i++) {
		const struct to_address *a =
			to_table_find_address(t, &to_table_gateways(t)[i].addr);

		TO_REFUSE(!a || a->kind != TO_ADDRESS_GATEWAY || a->index != i,
			  "gateway is not among the addresses");
	}
	return NULL;
}

/* In an order in which each check may rely on those before. */
static inline const char *to_check_contents(const struct to_table *t)
{
	static const char *(*const checks[])(const struct to_table *) = {
		to_check_counts,    to_check_strings, to_check_rest_of_header, to_check_pools,
		to_check_edges,     to_check_vips,    to_check_services,       to_check_routes,
		to_check_addresses, to_check_sites,   to_check_targets,
	};
	const char *why = NULL;

	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]) && !why; i++)
		why = checks[i](t);
	return why;
}

/*
 * 0: the image is a table, and whatever to_table_*() reads of it is in bounds. -EBADMSG: its
 * checksum is wrong. -EINVAL: anything else. *why says what (it is not set for 0).
 */
static inline int to_table_check(const void *image, size_t size, const char **why)
{
	const struct to_table *t = image;

	*why = NULL;
	if ((uintptr_t)image % 8)
		*why = "image is not aligned in memory";
	else if (size < sizeof(*t))
		*why = "shorter than a table's header";
	else
		*why = to_check_header(t, size);
	if (*why)
		return -EINVAL;
	if (t->checksum != to_table_checksum(image, size)) {
		*why = "checksum is wrong";
		return -EBADMSG;
	}
	*why = to_check_sections(t, size);
	if (!*why)
		*why = to_check_contents(t);
	return *why ? -EINVAL : 0;
}

#undef TO_REFUSE

#endif
