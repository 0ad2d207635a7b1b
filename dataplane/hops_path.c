/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "hops_path.h"

/*
 * The kernel can be asked for the route to an address, by all its rules, but not for "the default
 * route". So it is asked for addresses that nobody has, and for the entry that matches them: where
 * a host blackholes some of these, as routers do, the next is tried.
 */
#define PROBES 4
static const union to_addr probes4[PROBES] = {
	{.b = {[10] = 0xff, 0xff, 240, 0, 0, 1}},    /* RFC 1112, 4 */
	{.b = {[10] = 0xff, 0xff, 198, 18, 0, 1}},   /* RFC 2544, C.2.2 */
	{.b = {[10] = 0xff, 0xff, 203, 0, 113, 1}},  /* RFC 5737 */
	{.b = {[10] = 0xff, 0xff, 198, 51, 100, 1}}, /* RFC 5737 */
};
static const union to_addr probes6[PROBES] = {
	{.b = {0x3f, 0xff, [15] = 1}},                   /* RFC 9637 */
	{.b = {0x20, 0x01, 0x0d, 0xb8, [15] = 1}},       /* RFC 3849 */
	{.b = {0x20, 0x01, 0x00, 0x02, [15] = 1}},       /* RFC 5180, 8 */
	{.b = {0x3f, 0xff, 0x0f, 0xff, 0xff, [15] = 1}}, /* RFC 9637 */
};

/* What is still a default route: halves of IPv4 (0.0.0.0/1, 128.0.0.0/1), and 2000::/3. */
#define MAX_DEFAULT4 (96 + 1)
#define MAX_DEFAULT6 3

static bool is_unspecified(const union to_addr *a)
{
	return to_addr_is_v4(a) ? !a->w[3] : !a->d[0] && !a->d[1];
}

static bool is_multicast(const union to_addr *a)
{
	return to_addr_is_v4(a) ? a->b[12] >= 224 && a->b[12] < 240 : a->b[0] == 0xff;
}

static bool is_link_local6(const union to_addr *a)
{
	return a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0x80;
}

static bool is_address_good(const struct to_hop_wanted *w)
{
	return !is_unspecified(&w->address) && !is_multicast(&w->address) &&
	       (*w->interface || !is_link_local6(&w->address));
}

static bool is_mac_good(const struct to_hop_wanted *w)
{
	static const uint8_t none[6];

	return *w->interface && !(w->mac[0] & 1) && memcmp(w->mac, none, sizeof(none)) != 0;
}

int to_path_check(const struct to_hop_wanted *w)
{
	bool good = false;

	switch (w->kind) {
	case TO_HOP_ROUTED:
	case TO_HOP_NEIGHBOUR:
		good = is_address_good(w);
		break;
	case TO_HOP_FIXED:
		good = is_mac_good(w);
		break;
	case TO_HOP_DEFAULT:
		good = w->family == TO_IP4 || w->family == TO_IP6;
		break;
	}
	return good && memchr(w->interface, 0, sizeof(w->interface)) ? 0 : -EINVAL;
}

/* What finding a path has at hand. */
struct search {
	struct to_rtnl *rtnl;
	uint32_t ifindex; /* the only one; 0: any */
	uint64_t *lookups;
};

static int look_up(const struct search *s, const union to_addr *to, bool rule,
		   struct to_route *route)
{
	++*s->lookups;
	return to_rtnl_route(s->rtnl, to, s->ifindex, rule, route);
}

/* Where there is no route by the interface given, the kernel takes an IPv4 address to be on its
 * link. The entry that matches, which comes first, is then none. */
static int look_up_address(const struct search *s, const union to_addr *to, struct to_route *route)
{
	int ret;

	if (s->ifindex) {
		ret = look_up(s, to, true, route);
		if (ret < 0 || route->type != RTN_UNICAST)
			return ret;
	}
	ret = look_up(s, to, false, route);
	if (ret == 0 && s->ifindex && route->ifindex != s->ifindex)
		route->type = RTN_UNREACHABLE;
	return ret;
}

static int look_up_default(const struct search *s, enum to_family family, struct to_route *route)
{
	const union to_addr *probe = family == TO_IP4 ? probes4 : probes6;
	uint32_t most = family == TO_IP4 ? MAX_DEFAULT4 : MAX_DEFAULT6;

	for (uint32_t i = 0; i < PROBES; i++) {
		int ret = look_up(s, &probe[i], true, route);

		if (ret < 0)
			return ret;
		if (route->type == RTN_UNICAST && route->prefix <= most)
			return look_up_address(s, &probe[i], route);
	}
	route->type = RTN_UNREACHABLE;
	return 0;
}

static enum to_hop_state judge(const struct to_hop_wanted *w, const struct to_route *route)
{
	if (route->type == RTN_LOCAL)
		return TO_HOP_LOCAL;
	if (route->type != RTN_UNICAST || !route->ifindex)
		return TO_HOP_NO_ROUTE;
	if (route->encapsulated)
		return TO_HOP_NOT_ETHERNET;
	if (w->kind == TO_HOP_NEIGHBOUR && !is_unspecified(&route->gateway))
		return TO_HOP_NOT_ON_LINK;
	return TO_HOP_GOOD;
}

static int find_by_route(const struct search *s, const struct to_hop_wanted *w, struct to_path *out)
{
	struct to_route route;
	int ret = w->kind == TO_HOP_DEFAULT ? look_up_default(s, w->family, &route)
					    : look_up_address(s, &w->address, &route);

	if (ret < 0)
		return ret;
	out->state = judge(w, &route);
	if (out->state == TO_HOP_NO_ROUTE || out->state == TO_HOP_LOCAL)
		return 0;
	out->ifindex = route.ifindex;
	out->mtu = route.mtu;
	if (!is_unspecified(&route.gateway))
		out->next = route.gateway;
	else if (w->kind != TO_HOP_DEFAULT)
		out->next = w->address;
	else
		out->state = TO_HOP_NO_GATEWAY;
	return 0;
}

int to_path_find(struct to_rtnl *r, const struct to_links *links, const struct to_hop_wanted *w,
		 uint64_t *lookups, struct to_path *out)
{
	struct search s = {.rtnl = r, .lookups = lookups};

	memset(out, 0, sizeof(*out));
	if (*w->interface) {
		const struct to_link *link = to_links_find_name(links, w->interface);

		if (!link) {
			out->state = TO_HOP_NO_INTERFACE;
			return 0;
		}
		s.ifindex = link->ifindex;
		out->ifindex = link->ifindex;
		if (w->kind == TO_HOP_NEIGHBOUR)
			out->next = w->address;
		out->state = link->up ? TO_HOP_GOOD : TO_HOP_LINK_DOWN;
		if (!link->up || w->kind == TO_HOP_NEIGHBOUR || w->kind == TO_HOP_FIXED)
			return 0;
		memset(out, 0, sizeof(*out));
	}
	return find_by_route(&s, w, out);
}

static bool covers(const union to_addr *net, uint32_t prefix, const union to_addr *a)
{
	uint32_t bytes = prefix / 8, bits = prefix % 8;

	if (memcmp(net->b, a->b, bytes) != 0)
		return false;
	return !bits || ((net->b[bytes] ^ a->b[bytes]) >> (8 - bits)) == 0;
}

bool to_path_depends(const struct to_hop_wanted *w, const union to_addr *address, uint32_t prefix)
{
	const union to_addr *probe = w->family == TO_IP4 ? probes4 : probes6;

	if (w->kind == TO_HOP_FIXED || (w->kind == TO_HOP_NEIGHBOUR && *w->interface))
		return false;
	if (w->kind != TO_HOP_DEFAULT)
		return covers(address, prefix, &w->address);
	for (uint32_t i = 0; i < PROBES; i++)
		if (covers(address, prefix, &probe[i]))
			return true;
	return false;
}
