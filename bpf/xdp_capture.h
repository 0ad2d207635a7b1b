/* SPDX-License-Identifier: BSD-3-Clause */
/* The capture of the XDP program, from its process's side; as dataplane/engine_ops.h says. */
#ifndef TURNOUT_XDP_CAPTURE_H
#define TURNOUT_XDP_CAPTURE_H

#include "dataplane/engine_ops.h"
#include "xdp_ports.h"

struct ring_buffer;

struct to_xdp_capture {
	struct to_xdp *xdp;
	const struct to_xdp_ports *ports;
	struct ring_buffer *ring;
	uint32_t serial; /* of what runs */
	/* while the ring is read */
	to_capture_visit *visit;
	void *visit_arg;
};

/* Maps the ring, before privileges are given up. Returns 0 or a negative errno. */
int to_xdp_capture_open(struct to_xdp_capture *c, struct to_xdp *xdp,
			const struct to_xdp_ports *ports);
void to_xdp_capture_close(struct to_xdp_capture *c);

void to_xdp_capture_begin(struct to_xdp_capture *c, const struct to_capture *what);
bool to_xdp_capture_drain(struct to_xdp_capture *c, to_capture_visit visit, void *visit_arg);
void to_xdp_capture_count(const struct to_xdp_capture *c, struct to_capture_counts *counts);
void to_xdp_capture_stop(struct to_xdp_capture *c);

#endif
