/* SPDX-License-Identifier: BSD-3-Clause */
/* rtnetlink's messages, whole, cut at every byte and damaged. Runs under sanitizers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include <dataplane/hops_rtnl.h>

#define DAMAGED 20000 /* copies of each message */

static _Alignas(8) uint8_t room[1024];
static const uint8_t mac[6] = {2, 0, 0, 0, 0, 9};
static const union to_addr v6 = {.b = {0xfd, [15] = 7}};
static const union to_addr v4 = {.b = {[10] = 0xff, 0xff, 10, 0, 0, 7}};

static struct nlmsghdr *begin(uint16_t type, size_t header)
{
	struct nlmsghdr *m;

	memset(room, 0, sizeof(room));
	m = mnl_nlmsg_put_header(room);
	m->nlmsg_type = type;
	mnl_nlmsg_put_extra_header(m, header);
	return m;
}

static struct nlmsghdr *link_message(uint16_t type)
{
	struct nlmsghdr *m = begin(type, sizeof(struct ifinfomsg));
	struct ifinfomsg *header = mnl_nlmsg_get_payload(m);
	struct nlattr *info, *data;

	header->ifi_index = 5;
	header->ifi_type = ARPHRD_ETHER;
	header->ifi_flags = IFF_UP | IFF_RUNNING | IFF_LOWER_UP;
	mnl_attr_put_strz(m, IFLA_IFNAME, "eth0.7");
	mnl_attr_put(m, IFLA_ADDRESS, sizeof(mac), mac);
	mnl_attr_put_u32(m, IFLA_MTU, 1496);
	mnl_attr_put_u32(m, IFLA_LINK, 3);
	info = mnl_attr_nest_start(m, IFLA_LINKINFO);
	mnl_attr_put_strz(m, IFLA_INFO_KIND, "vlan");
	data = mnl_attr_nest_start(m, IFLA_INFO_DATA);
	mnl_attr_put_u16(m, IFLA_VLAN_ID, 7);
	mnl_attr_nest_end(m, data);
	mnl_attr_nest_end(m, info);
	return m;
}

static struct nlmsghdr *route_message(uint16_t type)
{
	struct nlmsghdr *m = begin(type, sizeof(struct rtmsg));
	struct rtmsg *header = mnl_nlmsg_get_payload(m);
	struct nlattr *metrics;

	header->rtm_family = AF_INET;
	header->rtm_dst_len = 24;
	header->rtm_type = RTN_UNICAST;
	mnl_attr_put(m, RTA_DST, 4, &v4.w[3]);
	mnl_attr_put_u32(m, RTA_OIF, 5);
	mnl_attr_put(m, RTA_GATEWAY, 4, &v4.w[3]);
	metrics = mnl_attr_nest_start(m, RTA_METRICS);
	mnl_attr_put_u32(m, RTAX_MTU, 1400);
	mnl_attr_nest_end(m, metrics);
	return m;
}

static struct nlmsghdr *via_message(uint16_t type)
{
	struct nlmsghdr *m = begin(type, sizeof(struct rtmsg));
	struct rtmsg *header = mnl_nlmsg_get_payload(m);
	uint8_t via[sizeof(struct rtvia) + sizeof(v6)] = {AF_INET6};

	header->rtm_family = AF_INET;
	header->rtm_type = RTN_UNICAST;
	memcpy(via + sizeof(struct rtvia), &v6, sizeof(v6));
	mnl_attr_put_u32(m, RTA_OIF, 5);
	mnl_attr_put(m, RTA_VIA, sizeof(via), via);
	return m;
}

static struct nlmsghdr *neighbour_message(uint16_t type)
{
	struct nlmsghdr *m = begin(type, sizeof(struct ndmsg));
	struct ndmsg *header = mnl_nlmsg_get_payload(m);

	header->ndm_family = AF_INET6;
	header->ndm_ifindex = 5;
	header->ndm_state = NUD_STALE;
	mnl_attr_put(m, NDA_DST, sizeof(v6), &v6);
	mnl_attr_put(m, NDA_LLADDR, sizeof(mac), mac);
	mnl_attr_put_u32(m, NDA_FLAGS_EXT, 2); /* newer than NTF_EXT_MANAGED */
	return m;
}

static void test_link(void **state)
{
	struct to_link l;

	(void)state;
	assert_int_equal(to_rtnl_read_link(link_message(RTM_NEWLINK), &l), 0);
	assert_int_equal(l.ifindex, 5);
	assert_int_equal(l.lower, 3);
	assert_int_equal(l.vlan, 7);
	assert_int_equal(l.mtu, 1496);
	assert_string_equal(l.name, "eth0.7");
	assert_memory_equal(l.mac, mac, sizeof(mac));
	assert_true(l.ethernet && l.up);
	assert_false(l.gone);
}

static void test_link_is_up_with_a_carrier_only(void **state)
{
	static const unsigned not_up[] = {
		0, IFF_UP, IFF_UP | IFF_RUNNING, IFF_UP | IFF_LOWER_UP, IFF_RUNNING | IFF_LOWER_UP,
	};

	(void)state;
	for (size_t i = 0; i < MNL_ARRAY_SIZE(not_up); i++) {
		struct nlmsghdr *m = link_message(RTM_NEWLINK);
		struct ifinfomsg *header = mnl_nlmsg_get_payload(m);
		struct to_link l;

		header->ifi_flags = not_up[i];
		assert_int_equal(to_rtnl_read_link(m, &l), 0);
		assert_false(l.up);
	}
}

static void test_lower_is_of_this_namespace(void **state)
{
	struct nlmsghdr *m = link_message(RTM_NEWLINK);
	struct to_link l;

	(void)state;
	mnl_attr_put_u32(m, IFLA_LINK_NETNSID, 1);
	assert_int_equal(to_rtnl_read_link(m, &l), 0);
	assert_int_equal(l.vlan, 7);
	assert_int_equal(l.lower, 0);
}

static void test_names_fit(void **state)
{
	static const char *const names[] = {"fifteen-letters", "sixteen-letters!"};

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct nlmsghdr *m = link_message(RTM_NEWLINK);
		struct to_link l;

		mnl_attr_put_strz(m, IFLA_IFNAME, names[i]);
		assert_int_equal(to_rtnl_read_link(m, &l), i ? -EBADMSG : 0);
		if (!i)
			assert_string_equal(l.name, names[i]);
	}
}

static void test_route(void **state)
{
	struct to_route r;

	(void)state;
	assert_int_equal(to_rtnl_read_route(route_message(RTM_NEWROUTE), &r), 0);
	assert_int_equal(r.ifindex, 5);
	assert_int_equal(r.mtu, 1400);
	assert_int_equal(r.type, RTN_UNICAST);
	assert_int_equal(r.prefix, 96 + 24);
	assert_true(to_addr_equal(&r.gateway, &v4));
	assert_false(r.encapsulated);
	assert_int_equal(to_rtnl_read_route(via_message(RTM_NEWROUTE), &r), 0);
	assert_true(to_addr_equal(&r.gateway, &v6));
	assert_int_equal(r.mtu, 0);
}

static void test_encapsulated_route(void **state)
{
	struct nlmsghdr *m = route_message(RTM_NEWROUTE);
	struct to_route r;

	(void)state;
	mnl_attr_put_u16(m, RTA_ENCAP_TYPE, 1);
	assert_int_equal(to_rtnl_read_route(m, &r), 0);
	assert_true(r.encapsulated);
}

static void test_neighbour(void **state)
{
	struct nlmsghdr *m = neighbour_message(RTM_NEWNEIGH);
	struct to_neighbour n;

	(void)state;
	assert_int_equal(to_rtnl_read_neighbour(m, &n), 0);
	assert_true(n.there && n.has_mac && n.foreign);
	assert_int_equal(n.nud, NUD_STALE);
	assert_memory_equal(n.mac, mac, sizeof(mac));
	mnl_attr_put_u32(m, NDA_FLAGS_EXT, 0);
	assert_int_equal(to_rtnl_read_neighbour(m, &n), 0);
	assert_false(n.foreign);
	((struct ndmsg *)mnl_nlmsg_get_payload(m))->ndm_flags = NTF_EXT_LEARNED;
	assert_int_equal(to_rtnl_read_neighbour(m, &n), 0);
	assert_true(n.foreign);
}

static void test_a_mac_that_is_none(void **state)
{
	static const uint8_t none[][6] = {{0}, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, {3}};
	static const uint8_t long_one[8] = {2};

	(void)state;
	for (size_t i = 0; i < MNL_ARRAY_SIZE(none) + 2; i++) {
		struct nlmsghdr *m = neighbour_message(RTM_NEWNEIGH);
		struct to_neighbour n;

		if (i < MNL_ARRAY_SIZE(none))
			mnl_attr_put(m, NDA_LLADDR, 6, none[i]);
		else /* of InfiniBand, of a tunnel */
			mnl_attr_put(m, NDA_LLADDR, i == MNL_ARRAY_SIZE(none) ? 8 : 4, long_one);
		assert_int_equal(to_rtnl_read_neighbour(m, &n), 0);
		assert_false(n.has_mac);
	}
}

static void test_events(void **state)
{
	struct to_rtnl_event e;

	(void)state;
	assert_int_equal(to_rtnl_read_event(link_message(RTM_NEWLINK), &e), 0);
	assert_int_equal(e.kind, TO_RTNL_LINK);
	assert_int_equal(e.ifindex, 5);
	assert_int_equal(to_rtnl_read_event(link_message(RTM_DELLINK), &e), 0);
	assert_int_equal(e.kind, TO_RTNL_LINK_GONE);
	assert_int_equal(to_rtnl_read_event(neighbour_message(RTM_DELNEIGH), &e), 0);
	assert_int_equal(e.kind, TO_RTNL_NEIGHBOUR);
	assert_int_equal(e.ifindex, 5);
	assert_true(to_addr_equal(&e.address, &v6));
	assert_int_equal(to_rtnl_read_event(route_message(RTM_DELROUTE), &e), 0);
	assert_int_equal(e.kind, TO_RTNL_ROUTE);
	assert_int_equal(e.prefix, 96 + 24);
	assert_true(to_addr_equal(&e.address, &v4));
	assert_int_equal(to_rtnl_read_event(via_message(RTM_NEWROUTE), &e), 0);
	assert_int_equal(e.kind, TO_RTNL_ROUTE); /* 0.0.0.0/0 */
	assert_int_equal(e.prefix, 96);
	assert_true(to_addr_is_v4(&e.address));
	assert_int_equal(to_rtnl_read_event(begin(RTM_NEWRULE, 12), &e), 0);
	assert_int_equal(e.kind, TO_RTNL_ROUTES);
}

static void test_what_a_bridge_says_is_not_for_us(void **state)
{
	struct nlmsghdr *m = link_message(RTM_DELLINK);
	struct to_rtnl_event e;

	(void)state;
	((struct ifinfomsg *)mnl_nlmsg_get_payload(m))->ifi_family = AF_BRIDGE;
	assert_int_equal(to_rtnl_read_event(m, &e), 0);
	assert_int_equal(e.kind, TO_RTNL_NOTHING);
	m = neighbour_message(RTM_NEWNEIGH);
	((struct ndmsg *)mnl_nlmsg_get_payload(m))->ndm_family = AF_BRIDGE;
	assert_int_equal(to_rtnl_read_event(m, &e), 0);
	assert_int_equal(e.kind, TO_RTNL_NOTHING);
}

/* Every reader, whatever the message is: nothing is read beyond it, and results are in range. */
static void read_all(const struct nlmsghdr *m)
{
	struct to_rtnl_event e;
	struct to_neighbour n;
	struct to_route r;
	struct to_link l;

	if (to_rtnl_read_link(m, &l) == 0) {
		assert_int_not_equal(l.ifindex, 0);
		assert_non_null(memchr(l.name, 0, sizeof(l.name)));
	}
	to_rtnl_read_route(m, &r);
	to_rtnl_read_neighbour(m, &n);
	if (to_rtnl_read_event(m, &e) == 0)
		assert_in_range(e.prefix, 0, 128);
}

static struct nlmsghdr *(*const messages[])(uint16_t) = {link_message, route_message, via_message,
							 neighbour_message};

static void test_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < MNL_ARRAY_SIZE(messages); i++) {
		const struct nlmsghdr *whole = messages[i](RTM_NEWLINK);
		uint32_t len = whole->nlmsg_len;

		for (uint32_t cut = sizeof(*whole); cut < len; cut++) {
			struct nlmsghdr *m = malloc(cut); /* so that its end is watched */

			assert_non_null(m);
			memcpy(m, room, cut);
			m->nlmsg_len = cut;
			read_all(m);
			free(m);
		}
	}
}

static uint32_t next_random(uint32_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 17;
	*x ^= *x << 5;
	return *x;
}

static void test_damaged(void **state)
{
	static const uint16_t types[] = {RTM_NEWLINK,  RTM_DELLINK,  RTM_NEWNEIGH,
					 RTM_NEWROUTE, RTM_DELROUTE, RTM_NEWRULE};
	uint32_t seed = 1;

	(void)state;
	for (size_t i = 0; i < MNL_ARRAY_SIZE(messages); i++) {
		uint32_t len = messages[i](RTM_NEWLINK)->nlmsg_len;
		uint8_t *copy = malloc(len);
		struct nlmsghdr *m = (struct nlmsghdr *)copy;

		assert_non_null(copy);
		for (int k = 0; k < DAMAGED; k++) {
			uint32_t hits = 1 + next_random(&seed) % 4;

			memcpy(copy, room, len);
			for (uint32_t j = 0; j < hits; j++)
				copy[next_random(&seed) % len] = (uint8_t)next_random(&seed);
			/* The caller has checked these. */
			m->nlmsg_len = len;
			m->nlmsg_type = types[next_random(&seed) % MNL_ARRAY_SIZE(types)];
			read_all(m);
		}
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_link),
		cmocka_unit_test(test_link_is_up_with_a_carrier_only),
		cmocka_unit_test(test_lower_is_of_this_namespace),
		cmocka_unit_test(test_names_fit),
		cmocka_unit_test(test_route),
		cmocka_unit_test(test_encapsulated_route),
		cmocka_unit_test(test_neighbour),
		cmocka_unit_test(test_a_mac_that_is_none),
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_what_a_bridge_says_is_not_for_us),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
