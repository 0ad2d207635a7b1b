/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <rte_cycles.h>
#include <rte_dev.h>
#include <rte_ethdev.h>
#include <stdio.h>
#include <string.h>

#include "dp_exception.h"
#include "hops.h"

#define MIRRORS 10 /* a second */

/* The kernel makes the interface; `p` gets the DPDK port that is its other end. */
static int make_tap(const struct dp_port *port, struct dp_port *p, char *err, size_t err_size)
{
	const uint8_t *m = port->mac.addr_bytes;
	char device[32], args[96];
	int ret;

	if (strlen(port->kernel_name) >= TO_IF_NAME) {
		snprintf(err, err_size,
			 "port %s: '%s' is no DPDK port, and too long for an interface", port->name,
			 port->kernel_name);
		return -EINVAL;
	}
	snprintf(device, sizeof(device), "net_tap_turnout%u", (unsigned)port->id);
	snprintf(args, sizeof(args), "iface=%s,mac=%02x:%02x:%02x:%02x:%02x:%02x",
		 port->kernel_name, m[0], m[1], m[2], m[3], m[4], m[5]);
	ret = rte_eal_hotplug_add("vdev", device, args);
	if (ret < 0) {
		snprintf(err, err_size, "port %s: the TAP %s cannot be made: %s", port->name,
			 port->kernel_name, strerror(-ret));
		return ret;
	}
	snprintf(p->name, sizeof(p->name), "%s", device);
	return 0;
}

static int start_one(struct dp_live *live, unsigned i, uint16_t mtu, struct rte_mempool *pool,
		     char *err, size_t err_size)
{
	struct dp_port *port = &live->port[i], *p = &live->port[live->ports];
	uint16_t id;
	int ret = 0;

	if (port->shared || port->split) {
		snprintf(err, err_size,
			 "port %s: the kernel sees its frames already: no '%s' after the zone",
			 port->name, port->kernel_name);
		return -EINVAL;
	}
	*p = (struct dp_port){.kernel = (uint8_t)i, .one_queue = true};
	snprintf(p->name, sizeof(p->name), "%s", port->kernel_name);
	if (rte_eth_dev_get_port_by_name(p->name, &id) < 0)
		ret = make_tap(port, p, err, err_size);
	if (ret == 0)
		ret = dp_port_start(p, live->workers, mtu, pool, err, err_size);
	if (ret < 0)
		return ret;
	port->kernel = (uint8_t)live->ports++;
	port->ifindex = p->ifindex;
	p->ifindex = 0;
	port->carrier = true;
	return 0;
}

int dp_exception_start(struct dp_live *live, uint16_t mtu, struct rte_mempool *pool, char *err,
		       size_t err_size)
{
	for (unsigned i = 0, n = live->ports; i < n; i++) {
		int ret = 0;

		if (*live->port[i].kernel_name)
			ret = start_one(live, i, mtu, pool, err, err_size);
		if (ret < 0)
			return ret;
	}
	dp_exception_mirror(live);
	return 0;
}

/* Not down: that would take the interface's routes and addresses with it. */
static void set_carrier(uint32_t ifindex, bool on)
{
	struct mnl_socket *s = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	char buffer[256];
	struct nlmsghdr *m = mnl_nlmsg_put_header(buffer);
	struct ifinfomsg *link;

	m->nlmsg_type = RTM_SETLINK;
	m->nlmsg_flags = NLM_F_REQUEST;
	link = mnl_nlmsg_put_extra_header(m, sizeof(*link));
	link->ifi_index = (int)ifindex;
	mnl_attr_put_u8(m, IFLA_CARRIER, on);
	if (!s)
		return;
	if (mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) == 0)
		mnl_socket_sendto(s, m, m->nlmsg_len);
	mnl_socket_close(s);
}

void dp_exception_mirror(struct dp_live *live)
{
	uint64_t now = rte_rdtsc();

	if (now < live->next_mirror)
		return;
	live->next_mirror = now + rte_get_tsc_hz() / MIRRORS;
	for (unsigned i = 0; i < live->ports; i++) {
		struct dp_port *p = &live->port[i];
		struct rte_eth_link link;

		if (!p->zone || p->kernel == DP_NO_PORT || !p->ifindex ||
		    rte_eth_link_get_nowait(p->id, &link) < 0)
			continue;
		if (p->carrier == (link.link_status == RTE_ETH_LINK_UP))
			continue;
		p->carrier = !p->carrier;
		set_carrier(p->ifindex, p->carrier);
		fprintf(stderr, "turnout-dp: port %s is %s\n", p->name, p->carrier ? "up" : "down");
	}
}
