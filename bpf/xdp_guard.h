/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TURNOUT_XDP_GUARD_H
#define TURNOUT_XDP_GUARD_H

#include "xdp_object.h"

/* The guard of SIP messages (turnout/sip_guard.h) as in the beginning: no source is known, every
 * bucket empty. `rate`: kB a second, 0 for no guard. Returns 0 or a negative errno. */
int to_xdp_guard_begin(struct to_xdp *x, uint32_t rate);

/* Another rate, from the next packet on. */
void to_xdp_guard_rate(struct to_xdp *x, uint32_t rate);

#endif
