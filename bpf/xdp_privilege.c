/* SPDX-License-Identifier: BSD-3-Clause */
#include "xdp_privilege.h"

#include <cap-ng.h>
#include <errno.h>
#include <sys/prctl.h>

int to_xdp_privilege_drop(void)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	capng_clear(CAPNG_SELECT_BOTH);
	if (capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_NET_ADMIN) < 0)
		return -EPERM;
	/* the bounding set takes CAP_SETPCAP, which a service may not have been given */
	if (capng_apply(CAPNG_SELECT_BOTH) < 0 && capng_apply(CAPNG_SELECT_CAPS) < 0)
		return -EPERM;
	return 0;
}
