/* SPDX-License-Identifier: BSD-3-Clause */
/* The programs of losses.h at the kernel's tracepoints, pinned as the links of ports are. */
#ifndef TURNOUT_XDP_LOSSES_H
#define TURNOUT_XDP_LOSSES_H

#include "xdp_object.h"

/* Counts frames that the kernel loses on their way to another interface, in the place of an earlier
 * process. Returns 0 or a negative errno. */
int to_xdp_losses_attach(struct to_xdp *x, const char *pin);
void to_xdp_losses_detach(const char *pin);

#endif
