/* SPDX-License-Identifier: BSD-3-Clause */
/* The program's counters, of all CPUs, in the shape that both engines print (counters_json.h). */
#ifndef TURNOUT_XDP_COUNTERS_H
#define TURNOUT_XDP_COUNTERS_H

#include "dataplane/pipeline.h"
#include "xdp_object.h"

/* Mapped lazily; NULL when there is no memory. */
struct to_counters *to_xdp_counters_new(void);
void to_xdp_counters_free(struct to_counters *c);

/* Adds what the kernel has to `into`, which is cleared before. */
int to_xdp_counters_read(const struct to_xdp *x, struct to_counters *into);
/* All of them 0. */
int to_xdp_counters_clear(const struct to_xdp *x, uint32_t rows);

#endif
