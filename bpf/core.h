/* SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only) */
/* What the XDP program and who loads it agree on. */
#ifndef TURNOUT_BPF_CORE_H
#define TURNOUT_BPF_CORE_H

#include <turnout/packet.h>

/* Bytes of a table that the program can hold; a power of two. */
#ifndef TO_BPF_TABLE_BYTES
#define TO_BPF_TABLE_BYTES (1u << 20)
#endif

/* By what a packet is decided: written by the loader before each run. */
struct to_bpf_input {
	uint32_t slot; /* of the map of tables */
	uint32_t now;  /* clock seconds */
	uint32_t zone; /* enum to_zone */
	uint32_t mtu;  /* bytes of an IP packet */
};

#endif
