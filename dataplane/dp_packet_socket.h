/* SPDX-License-Identifier: BSD-3-Clause */
/* What DPDK's net_af_packet leaves undone about its sockets. */
#ifndef TURNOUT_DP_PACKET_SOCKET_H
#define TURNOUT_DP_PACKET_SOCKET_H

#include "dp_port.h"

/*
 * A packet socket is shown what its own host sends as well: what the kernel says to an edge would
 * come in like a frame from the wire, and be sent there once more. All packet sockets of the
 * process are told to hear the wire only.
 */
void dp_packet_sockets_listen(void);

/*
 * Until it is bound to its interface, a packet socket hears all of them, also those that belong to
 * another port. What has come before the port has started is dropped: it is before the first frame
 * that is sure to be the port's own.
 */
void dp_packet_socket_drain(const struct dp_port *p);

/*
 * AF_XDP's driver tries again without end while the kernel has more frames of its socket under way
 * than fit the socket's send buffer, some hundred: they get room for all. Ports are set up.
 */
void dp_packet_sockets_send_more(void);

#endif
