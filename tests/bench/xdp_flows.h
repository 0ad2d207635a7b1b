/* SPDX-License-Identifier: BSD-3-Clause */
/* The flows of the XDP benchmark's rows, in xdp.yaml, and how they are opened. */
#ifndef TURNOUT_BENCH_XDP_FLOWS_H
#define TURNOUT_BENCH_XDP_FLOWS_H

#include "tests/xdp/rig.h"
#include "xdp_time.h"

enum row_sort {
	ROW_PINNED,    /* proven by its edge's answer */
	ROW_TUNNELLED, /* by its client's second packet: edges answer past us */
	ROW_CALL,      /* a dialog of SIP */
	ROW_NEW,       /* each packet's flow is unknown */
	ROW_STRANGER,  /* not for us */
};

struct xdp_row {
	const char *name;
	enum row_sort sort;
	bool tcp;
	uint32_t client; /* host order */
	uint32_t flows;  /* a power of two */
	const char *to;
	uint16_t port;
	uint8_t reason; /* enum to_reason, of every packet that is timed */
};

/* The frame of flow `i` that is timed. */
void xdp_row_frame(const struct xdp_row *row, uint32_t i, struct rig_frame *f);

/*
 * Opens every flow, and says in edge_of[] by which of the addresses in edge[1] to edge[TIME_EDGES -
 * 1], which are found on the way (0: a free place), it leaves. Frames that leave otherwise than
 * they should end the process.
 */
void xdp_row_open(struct rig *r, const struct xdp_row *row, uint8_t *edge_of, uint32_t *edge);

#endif
