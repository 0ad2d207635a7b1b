/* SPDX-License-Identifier: BSD-3-Clause */
/* Ports of a running engine. */
#ifndef TURNOUT_DP_PORT_H
#define TURNOUT_DP_PORT_H

#include <rte_ethdev.h>
#include <rte_spinlock.h>

#include "pipeline.h"

#define DP_MAX_PORTS TO_MAX_PORTS
#define DP_NO_PORT   TO_NO_PORT

/* Of one send queue. On a line of its own: two queues are two workers' at once. */
struct dp_send_lock {
	rte_spinlock_t taken;
} __rte_cache_aligned;

struct dp_port {
	char name[RTE_ETH_NAME_MAX_LEN];
	char kernel_name[RTE_ETH_NAME_MAX_LEN]; /* "": none is wanted */
	uint16_t id;                            /* of DPDK */
	uint8_t zone;                           /* enum to_zone; 0: a kernel's port */
	uint8_t kernel; /* index of the port that the kernel's frames go to, or of the port that
			 * frames from the kernel leave by; or DP_NO_PORT */
	bool one_queue; /* whatever the device says that it has */
	bool shared;    /* the kernel sees what comes by it as well, and needs no port of its own */
	bool xdp;       /* the device is of net_af_xdp */
	bool split;    /* the kernel has the interface, and our XDP program hands us what is ours */
	bool carrier;  /* of its TAP: main thread */
	uint32_t wire; /* the kernel's interface that the device is; 0: none */
	uint32_t ifindex; /* by which the kernel's routes know it, its TAP's or `wire`; 0: none */
	uint16_t rx_queues;
	uint16_t tx_queues;
	struct rte_ether_addr mac;
	struct dp_send_lock *tx_lock; /* [tx_queues], where workers share queues; else NULL */
};

/*
 * Finds the device and starts it: a queue pair for each worker where it has so many, RSS by address
 * where it can. Frames of `mtu` bytes of IP pass. Returns 0 or a negative errno with a message.
 */
int dp_port_start(struct dp_port *p, unsigned workers, uint16_t mtu, struct rte_mempool *pool,
		  char *err, size_t err_size);
void dp_port_stop(struct dp_port *p);

/* Is any of DPDK's devices, started or not, one of net_af_xdp? */
bool dp_port_any_af_xdp(void);

#endif
