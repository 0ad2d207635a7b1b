/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <rte_malloc.h>
#include <stdio.h>
#include <string.h>

#include "dp_intake.h"
#include "dp_packet_socket.h"
#include "dp_port.h"

#define RX_DESCRIPTORS  1024
#define TX_DESCRIPTORS  1024
#define XDP_DESCRIPTORS 2048 /* as many frames as AF_XDP's driver gives the kernel to fill */

static int complain(const struct dp_port *p, const char *what, int ret, char *err, size_t err_size)
{
	snprintf(err, err_size, "port %s: %s: %s", p->name, what, strerror(-ret));
	return ret;
}

/* As many queues as there are workers, or what there are. */
static uint16_t queues(unsigned workers, uint16_t most)
{
	return workers < most ? (uint16_t)workers : most ? most : 1;
}

static int configure(struct dp_port *p, const struct rte_eth_dev_info *info)
{
	struct rte_eth_conf conf = {0};

	if (p->rx_queues > 1) {
		conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
		conf.rx_adv_conf.rss_conf.rss_hf = RTE_ETH_RSS_IP & info->flow_type_rss_offloads;
		if (!conf.rx_adv_conf.rss_conf.rss_hf)
			conf.rxmode.mq_mode = RTE_ETH_MQ_RX_NONE;
	}
	return rte_eth_dev_configure(p->id, p->rx_queues, p->tx_queues, &conf);
}

static int set_up_queues(struct dp_port *p, struct rte_mempool *pool, char *err, size_t err_size)
{
	uint16_t rx = p->xdp ? XDP_DESCRIPTORS : RX_DESCRIPTORS, tx = TX_DESCRIPTORS;
	int ret = rte_eth_dev_adjust_nb_rx_tx_desc(p->id, &rx, &tx);

	if (ret < 0)
		return complain(p, "no descriptors", ret, err, err_size);
	for (uint16_t q = 0; q < p->rx_queues; q++) {
		ret = rte_eth_rx_queue_setup(p->id, q, rx, rte_eth_dev_socket_id(p->id), NULL,
					     pool);
		if (ret < 0)
			return complain(p, "cannot set up a receive queue", ret, err, err_size);
	}
	for (uint16_t q = 0; q < p->tx_queues; q++) {
		ret = rte_eth_tx_queue_setup(p->id, q, tx, rte_eth_dev_socket_id(p->id), NULL);
		if (ret < 0)
			return complain(p, "cannot set up a send queue", ret, err, err_size);
	}
	return 0;
}

static int make_locks(struct dp_port *p, unsigned workers)
{
	if (p->tx_queues >= workers)
		return 0;
	p->tx_lock =
		rte_calloc("turnout_tx", p->tx_queues, sizeof(*p->tx_lock), RTE_CACHE_LINE_SIZE);
	return p->tx_lock ? 0 : -ENOMEM;
}

static bool is_af_xdp(const struct rte_eth_dev_info *info)
{
	return !strcmp(info->driver_name, "net_af_xdp");
}

bool dp_port_any_af_xdp(void)
{
	struct rte_eth_dev_info info;
	uint16_t id;

	RTE_ETH_FOREACH_DEV(id)
	{
		if (!rte_eth_dev_info_get(id, &info) && is_af_xdp(&info))
			return true;
	}
	return false;
}

/* The interface that the device is, where the kernel has it as well, or at the end of a TAP. */
static void find_interface(struct dp_port *p, const struct rte_eth_dev_info *info)
{
	p->xdp = is_af_xdp(info);
	p->shared = !strcmp(info->driver_name, "net_af_packet");
	if (p->zone && (p->shared || p->xdp))
		p->wire = info->if_index;
	p->ifindex = p->zone ? p->wire : info->if_index;
}

int dp_port_start(struct dp_port *p, unsigned workers, uint16_t mtu, struct rte_mempool *pool,
		  char *err, size_t err_size)
{
	struct rte_eth_dev_info info;
	int ret = rte_eth_dev_get_port_by_name(p->name, &p->id);

	if (ret < 0) {
		snprintf(err, err_size, "there is no port '%s'; give it to DPDK before the '--'",
			 p->name);
		return ret;
	}
	ret = rte_eth_dev_info_get(p->id, &info);
	if (ret < 0)
		return complain(p, "cannot be asked", ret, err, err_size);
	find_interface(p, &info);
	p->rx_queues = p->one_queue ? 1 : queues(workers, info.max_rx_queues);
	p->tx_queues = p->one_queue ? 1 : queues(workers, info.max_tx_queues);
	ret = configure(p, &info);
	if (ret < 0)
		return complain(p, "cannot be configured", ret, err, err_size);
	ret = p->xdp ? dp_intake_clear(info.if_index) : 0;
	if (ret < 0)
		return complain(p, "the XDP program of an earlier process stays", ret, err,
				err_size);
	ret = rte_eth_dev_set_mtu(p->id, mtu);
	if (ret < 0 && ret != -ENOTSUP)
		return complain(p, "cannot take this MTU", ret, err, err_size);
	ret = set_up_queues(p, pool, err, err_size);
	if (ret < 0)
		return ret;
	if (p->xdp)
		dp_packet_sockets_send_more();
	ret = make_locks(p, workers);
	if (ret == 0)
		ret = rte_eth_macaddr_get(p->id, &p->mac);
	if (ret == 0)
		ret = rte_eth_dev_start(p->id);
	if (ret < 0)
		return complain(p, "does not start", ret, err, err_size);
	ret = p->xdp && p->zone ? dp_intake_is_on(info.if_index) : 0;
	if (ret < 0)
		return complain(p, "its XDP program cannot be looked at", ret, err, err_size);
	p->split = ret;
	if (p->shared)
		dp_packet_socket_drain(p);
	return 0;
}

void dp_port_stop(struct dp_port *p)
{
	rte_eth_dev_stop(p->id);
	rte_eth_dev_close(p->id);
	rte_free(p->tx_lock);
	p->tx_lock = NULL;
}
