/* SPDX-License-Identifier: BSD-3-Clause */
#include <dirent.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <rte_ethdev.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "dp_packet_socket.h"

#define XDP_SEND_BYTES (8 << 20)  /* a ring of frames, as the kernel counts them */
#define DRAIN_MOST     (1u << 17) /* frames of a queue: more than its ring has */

static int domain_of(int fd)
{
	socklen_t size = sizeof(int);
	int domain = 0;

	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 ? domain : 0;
}

static void listen_to_wire(int fd)
{
	/* PACKET_IGNORE_OUTGOING would not do: the driver has put the socket in a fanout group. */
	static struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PKTTYPE)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_OUTGOING, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
	};
	const struct sock_fprog filter = {sizeof(code) / sizeof(code[0]), code};

	if (domain_of(fd) == AF_PACKET)
		setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter));
}

static void send_more(int fd)
{
	const int bytes = XDP_SEND_BYTES;

	if (domain_of(fd) == AF_XDP)
		setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes));
}

/* The drivers keep their sockets to themselves; all file descriptors are looked at. */
static void each_fd(void (*look)(int fd))
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *e;

	while (dir && (e = readdir(dir)))
		look((int)strtol(e->d_name, NULL, 10));
	if (dir)
		closedir(dir);
}

void dp_packet_sockets_listen(void)
{
	each_fd(listen_to_wire);
}

void dp_packet_sockets_send_more(void)
{
	each_fd(send_more);
}

void dp_packet_socket_drain(const struct dp_port *p)
{
	struct rte_mbuf *mbufs[TO_BURST];

	for (uint16_t q = 0; q < p->rx_queues; q++) {
		uint16_t n = TO_BURST;

		for (unsigned sum = 0; n && sum < DRAIN_MOST; sum += n) {
			n = rte_eth_rx_burst(p->id, q, mbufs, TO_BURST);
			rte_pktmbuf_free_bulk(mbufs, n);
		}
	}
}
