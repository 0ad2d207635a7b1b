/* SPDX-License-Identifier: BSD-3-Clause */
/* What rtnetlink's messages say. They come from the kernel, but of which version is not known. */
#include <errno.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "hops_rtnl.h"

_Static_assert(TO_IF_NAME == IFNAMSIZ, "any name fits");

/* The attributes of one level that have a type up to `max`; of equal ones the last. */
struct attributes {
	const struct nlattr **of;
	uint16_t max;
};

static int collect(const struct nlattr *a, void *arg)
{
	struct attributes *found = arg;

	if (mnl_attr_type_valid(a, found->max) > 0)
		found->of[mnl_attr_get_type(a)] = a;
	return MNL_CB_OK;
}

/* `of` has `max` + 1 elements, all NULL. False: not even the fixed header is there. */
static bool collect_all(const struct nlmsghdr *m, size_t header, const struct nlattr **of,
			uint16_t max)
{
	size_t len = mnl_nlmsg_get_payload_len(m);
	struct attributes found = {of, max};

	header = MNL_ALIGN(header);
	if (len < header)
		return false;
	/* Not mnl_attr_parse(), which takes a message to end at a multiple of four. */
	mnl_attr_parse_payload(mnl_nlmsg_get_payload_offset(m, header), len - header, collect,
			       &found);
	return true;
}

static void collect_nested(const struct nlattr *nest, const struct nlattr **of, uint16_t max)
{
	struct attributes found = {of, max};

	if (nest)
		mnl_attr_parse_nested(nest, collect, &found);
}

static bool is_u32(const struct nlattr *a)
{
	return a && mnl_attr_validate(a, MNL_TYPE_U32) == 0 &&
	       mnl_attr_get_payload_len(a) == sizeof(uint32_t);
}

static uint32_t u32_or_0(const struct nlattr *a)
{
	return is_u32(a) ? mnl_attr_get_u32(a) : 0;
}

static bool address_of(const void *bytes, size_t len, union to_addr *out)
{
	to_be32 v4;

	if (len == sizeof(*out)) {
		memcpy(out, bytes, sizeof(*out));
		return true;
	}
	if (len != sizeof(v4))
		return false;
	memcpy(&v4, bytes, sizeof(v4));
	*out = to_addr_v4(v4);
	return true;
}

static bool read_address(const struct nlattr *a, union to_addr *out)
{
	return a && address_of(mnl_attr_get_payload(a), mnl_attr_get_payload_len(a), out);
}

/* IFLA_LINK has other meanings elsewhere: of a veth it is the peer. */
static void read_vlan(const struct nlattr **of, struct to_link *out)
{
	const struct nlattr *info[IFLA_INFO_MAX + 1] = {0}, *vlan[IFLA_VLAN_MAX + 1] = {0};
	const struct nlattr *kind, *id;

	collect_nested(of[IFLA_LINKINFO], info, IFLA_INFO_MAX);
	kind = info[IFLA_INFO_KIND];
	if (!kind || mnl_attr_validate(kind, MNL_TYPE_NUL_STRING) < 0 ||
	    strcmp(mnl_attr_get_str(kind), "vlan"))
		return;
	collect_nested(info[IFLA_INFO_DATA], vlan, IFLA_VLAN_MAX);
	id = vlan[IFLA_VLAN_ID];
	if (!id || mnl_attr_get_payload_len(id) != sizeof(uint16_t))
		return;
	out->vlan = mnl_attr_get_u16(id);
	if (!of[IFLA_LINK_NETNSID])
		out->lower = u32_or_0(of[IFLA_LINK]);
}

int to_rtnl_read_link(const struct nlmsghdr *m, struct to_link *out)
{
	const struct nlattr *of[IFLA_MAX + 1] = {0};
	const struct ifinfomsg *header = mnl_nlmsg_get_payload(m);
	const struct nlattr *name, *mac;

	memset(out, 0, sizeof(*out));
	if (!collect_all(m, sizeof(*header), of, IFLA_MAX))
		return -EBADMSG;
	name = of[IFLA_IFNAME];
	mac = of[IFLA_ADDRESS];
	if (header->ifi_index <= 0 || !is_u32(of[IFLA_MTU]) || !name ||
	    mnl_attr_validate(name, MNL_TYPE_NUL_STRING) < 0 ||
	    mnl_attr_get_payload_len(name) > sizeof(out->name))
		return -EBADMSG;
	out->ifindex = (uint32_t)header->ifi_index;
	out->mtu = mnl_attr_get_u32(of[IFLA_MTU]);
	strncpy(out->name, mnl_attr_get_str(name), sizeof(out->name) - 1);
	if (mac && mnl_attr_get_payload_len(mac) == sizeof(out->mac)) {
		memcpy(out->mac, mnl_attr_get_payload(mac), sizeof(out->mac));
		out->ethernet = header->ifi_type == ARPHRD_ETHER;
	}
	/* The carrier as it is, and what the kernel has made of it (RFC 2863: not dormant). */
	out->up = (header->ifi_flags & IFF_UP) && (header->ifi_flags & IFF_LOWER_UP) &&
		  (header->ifi_flags & IFF_RUNNING);
	read_vlan(of, out);
	return 0;
}

/* RFC 8950: an IPv4 route by an IPv6 next hop. */
static bool read_via(const struct nlattr *a, union to_addr *out)
{
	const struct rtvia *via;

	if (!a || mnl_attr_get_payload_len(a) < sizeof(*via))
		return false;
	via = mnl_attr_get_payload(a);
	return address_of(via->rtvia_addr, mnl_attr_get_payload_len(a) - sizeof(*via), out);
}

static uint32_t mapped_prefix(const struct rtmsg *header)
{
	return header->rtm_family == AF_INET ? header->rtm_dst_len + 96u : header->rtm_dst_len;
}

int to_rtnl_read_route(const struct nlmsghdr *m, struct to_route *out)
{
	const struct nlattr *of[RTA_MAX + 1] = {0}, *metrics[RTAX_MAX + 1] = {0};
	const struct rtmsg *header = mnl_nlmsg_get_payload(m);

	memset(out, 0, sizeof(*out));
	if (!collect_all(m, sizeof(*header), of, RTA_MAX))
		return -EBADMSG;
	out->type = header->rtm_type;
	out->prefix = mapped_prefix(header);
	out->ifindex = u32_or_0(of[RTA_OIF]);
	out->encapsulated = of[RTA_ENCAP_TYPE];
	collect_nested(of[RTA_METRICS], metrics, RTAX_MAX);
	out->mtu = u32_or_0(metrics[RTAX_MTU]);
	if ((of[RTA_GATEWAY] && !read_address(of[RTA_GATEWAY], &out->gateway)) ||
	    (of[RTA_VIA] && !read_via(of[RTA_VIA], &out->gateway)))
		return -EBADMSG;
	return 0;
}

static bool is_unicast(const uint8_t mac[6])
{
	static const uint8_t none[6];

	return !(mac[0] & 1) && memcmp(mac, none, sizeof(none)) != 0;
}

int to_rtnl_read_neighbour(const struct nlmsghdr *m, struct to_neighbour *out)
{
	const struct nlattr *of[NDA_MAX + 1] = {0};
	const struct ndmsg *header = mnl_nlmsg_get_payload(m);
	const struct nlattr *mac;

	memset(out, 0, sizeof(*out));
	if (!collect_all(m, sizeof(*header), of, NDA_MAX))
		return -EBADMSG;
	out->there = true;
	out->nud = header->ndm_state;
	/* Also flags that are newer than this: NTF_USE takes them off as well. */
	out->foreign = (header->ndm_flags & NTF_EXT_LEARNED) || u32_or_0(of[NDA_FLAGS_EXT]);
	mac = of[NDA_LLADDR];
	if (mac && mnl_attr_get_payload_len(mac) == sizeof(out->mac)) {
		memcpy(out->mac, mnl_attr_get_payload(mac), sizeof(out->mac));
		out->has_mac = is_unicast(out->mac);
	}
	return 0;
}

/* Bridges speak of their ports in the same messages: that one has left is not that it is gone. */
static int link_event(const struct nlmsghdr *m, struct to_rtnl_event *out)
{
	const struct ifinfomsg *header = mnl_nlmsg_get_payload(m);

	if (mnl_nlmsg_get_payload_len(m) < sizeof(*header))
		return -EBADMSG;
	if (header->ifi_family != AF_UNSPEC)
		return 0;
	out->kind = m->nlmsg_type == RTM_DELLINK ? TO_RTNL_LINK_GONE : TO_RTNL_LINK;
	out->ifindex = (uint32_t)header->ifi_index;
	return header->ifi_index > 0 ? 0 : -EBADMSG;
}

static int neighbour_event(const struct nlmsghdr *m, struct to_rtnl_event *out)
{
	const struct nlattr *of[NDA_MAX + 1] = {0};
	const struct ndmsg *header = mnl_nlmsg_get_payload(m);

	if (!collect_all(m, sizeof(*header), of, NDA_MAX))
		return -EBADMSG;
	if (header->ndm_family != AF_INET && header->ndm_family != AF_INET6)
		return 0; /* a bridge's forwarding table */
	out->kind = TO_RTNL_NEIGHBOUR;
	out->ifindex = (uint32_t)header->ndm_ifindex;
	return read_address(of[NDA_DST], &out->address) ? 0 : -EBADMSG;
}

static int route_event(const struct nlmsghdr *m, struct to_rtnl_event *out)
{
	const struct nlattr *of[RTA_MAX + 1] = {0};
	const struct rtmsg *header = mnl_nlmsg_get_payload(m);
	const to_be32 any = {0};

	if (!collect_all(m, sizeof(*header), of, RTA_MAX))
		return -EBADMSG;
	if (header->rtm_family != AF_INET && header->rtm_family != AF_INET6)
		return 0;
	out->kind = TO_RTNL_ROUTE;
	out->prefix = mapped_prefix(header);
	if (header->rtm_family == AF_INET)
		out->address = to_addr_v4(any);
	if (out->prefix > 128 || (header->rtm_dst_len && !of[RTA_DST]))
		return -EBADMSG;
	return !of[RTA_DST] || read_address(of[RTA_DST], &out->address) ? 0 : -EBADMSG;
}

int to_rtnl_read_event(const struct nlmsghdr *m, struct to_rtnl_event *out)
{
	memset(out, 0, sizeof(*out));
	switch (m->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		return link_event(m, out);
	case RTM_NEWNEIGH:
	case RTM_DELNEIGH:
		return neighbour_event(m, out);
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		return route_event(m, out);
	default:
		out->kind = TO_RTNL_ROUTES; /* nothing else is subscribed to that does not */
		return 0;
	}
}
