/* SPDX-License-Identifier: BSD-3-Clause */
/* The control process's side of the XDP engine: dataplane/engine_server.h over the program. */
#ifndef TURNOUT_XDP_CONTROL_H
#define TURNOUT_XDP_CONTROL_H

#include "dataplane/engine_server.h"
#include "xdp_capture.h"
#include "xdp_ports.h"

struct to_counters;

struct to_xdp_control {
	/* given by the engine, all of it the engine's */
	struct to_xdp *xdp;
	const struct to_xdp_ports *ports;
	struct to_hops *const *hops;
	struct to_table *const *running;
	bool *unacknowledged; /* some packets may be decided by the generation before */
	/* Makes it the generation and takes it over, as to_engine_ops.commit. */
	int (*publish)(void *arg, struct to_table *t, char *err, size_t err_size);
	void *arg;

	uint64_t acknowledged; /* the last generation that was live */
	struct to_counters *counters;
	struct to_xdp_capture capture;
	struct to_engine_server *server; /* NULL: there is none */
};

/* Listens. Before privileges are given up. Returns 0 or a negative errno with a message. */
int to_xdp_control_open(struct to_xdp_control *c, const char *path, const char *group, char *err,
			size_t err_size);
void to_xdp_control_close(struct to_xdp_control *c);

/* A generation was committed. */
void to_xdp_control_committed(struct to_xdp_control *c);

#endif
