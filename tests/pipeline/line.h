/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A short line for one frame at a time: five services, a pool of every mode, one edge each, so that
 * it is plain where a packet goes.
 *
 *   service   VIP            protocol, port   edge
 *   tls       .10, ::10      tcp 443          DNAT_EDGE   10.1.0.1, fd00::1
 *   udp       .10, ::10      udp 4000         DNAT_EDGE
 *   tun4      .20, ::20      tcp 4443         TUN4_EDGE   10.1.0.2, a tunnel over IPv4
 *   tun6      .30, ::30      tcp 5443         TUN6_EDGE   fd00::3, a tunnel over IPv6
 *   direct    .40, ::40      tcp 6443         L2_EDGE     10.1.0.4, fd00::4
 */
#ifndef TESTS_LINE_H
#define TESTS_LINE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <dataplane/pipeline.h>

#include "frame.h"

enum line_edge { DNAT_EDGE, TUN4_EDGE, TUN6_EDGE, L2_EDGE };
enum line_port { TLS = 443, UDP = 4000, TUN4 = 4443, TUN6 = 5443, DIRECT = 6443 };
enum { LINE_MTU = 1500, CLIENT_PORT = 1024 };

/* `gateways`: has the site any address of its own? Without: no tunnels either. */
void line_open(bool gateways);
void line_close(void);

/* A generation in which the edge is in this state. */
void line_set_state(enum line_edge edge, enum to_edge_state is);

extern uint32_t line_now;
extern struct to_nexthops line_nexthops;
const struct to_table *line_table(void);
struct to_worker *line_worker(void);

union to_addr line_client(bool v4);
union to_addr line_vip(enum line_port port, bool v4);
union to_addr line_edge(enum line_edge edge, bool v4);
union to_addr line_gateway(bool v4);

/* A packet of the client to the service, or of its edge (DNAT_EDGE) to the client; TCP: ACK. */
void line_to_vip(struct frame_spec *s, enum line_port port, bool v4);
void line_from_edge(struct frame_spec *s, enum line_port port, bool v4);

/* Runs one frame; what comes of it lies there until the next one. */
const struct to_frame *line_run(const struct frame_spec *s);
const struct to_frame *line_run_bytes(const uint8_t *data, uint32_t len);

void line_expect(const struct to_frame *f, int verdict, int reason);
/* The frame is `s`, byte by byte, and right by itself. */
void line_expect_frame(const struct to_frame *f, const struct frame_spec *s);
void line_expect_bytes(const struct to_frame *f, const uint8_t *want, uint32_t len);

/* `s` as it leaves to an edge, or (NO_EDGE) outwards: MACs, TTL, no padding. */
void line_leaves(struct frame_spec *s, int edge);
#define OUTWARDS (-1)

/* SYN and SYN-ACK, or a datagram each way: there is a proven pin. */
void line_establish(enum line_port port, bool v4);

/* An ICMP error from `src` to `dst` that quotes the first `quoted` bytes of a packet (0: all). */
void line_icmp_error(struct frame_spec *s, const union to_addr *src, const union to_addr *dst,
		     bool too_big, const struct frame_spec *about, uint32_t quoted);

#endif
