/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TURNOUT_XDP_PRIVILEGE_H
#define TURNOUT_XDP_PRIVILEGE_H

/*
 * Gives up every capability but CAP_NET_ADMIN, which neighbours and interfaces that come back need:
 * what is loaded is used by its descriptors, and takes none. Returns 0 or a negative errno.
 */
int to_xdp_privilege_drop(void);

#endif
