/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What turnout-dp and the XDP program on its AF_XDP ports (bpf/intake.bpf.c) agree on. The program
 * looks addresses up in a hash map of union to_addr -> uint8_t, enum to_address_kind, which
 * turnout-dp fills: the table's VIPs and edges, and as TO_ADDRESS_GATEWAY what the host has itself.
 */
#ifndef TURNOUT_INTAKE_H
#define TURNOUT_INTAKE_H

#include "limits.h"

#define TO_INTAKE_PROGRAM   "turnout_intake" /* at most 15 bytes, as the kernel keeps it */
#define TO_INTAKE_MAP       "turnout_ours"   /* likewise */
#define TO_INTAKE_ADDRESSES 65536u
#define TO_INTAKE_QUEUES    64u

#endif
