/* SPDX-License-Identifier: BSD-3-Clause */
/* What bench_peers and its BPF programs share. */
#ifndef TURNOUT_BENCH_PEERS_H
#define TURNOUT_BENCH_PEERS_H

#define PEERS_HEAD        60 /* the smallest frame, without its checksum */
#define PEERS_FLOWS       65536
#define PEERS_CPUS        64
#define PEERS_MARKS       1024 /* a power of two */
#define PEERS_BATCH       64   /* of the kernel's test run */
#define PEERS_STAMPS      4096 /* a power of two */
#define PEERS_MAX_FRAME   1024
#define PEERS_NONE        0xffffffffu /* as AHEAD: nothing is sent */
#define PEERS_CLIENTS     0xc6120000u /* 198.18.0.0: the client of flow 0 */
#define PEERS_VIP         0xcb007164u /* 203.0.113.100 */
#define PEERS_EDGES       0x0a010001u /* 10.1.0.1: the first of them */
#define PEERS_EDGE_COUNT  4
#define PEERS_CLIENT_PORT 40000
#define PEERS_VIP_PORT    50000 /* and the 8,191 after it */
#define PEERS_VIP_PORTS   8192
#define PEERS_TCP_PORT    443

/* How a frame begins. */
struct peers_head {
	unsigned char bytes[PEERS_HEAD];
	unsigned int known; /* at the far end: it is what this flow's frames must look like */
};

/* A CPU's own. */
struct peers_count {
	unsigned long long arrived;
	unsigned long long wrong;
	unsigned long long pad[6];
};

/* Taken by the sender now and then. */
struct peers_mark {
	unsigned long long ns;
	unsigned long long tried;
	unsigned long long sent;
	unsigned long long arrived; /* wrong ones too */
};

#endif
