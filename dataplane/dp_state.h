/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TURNOUT_DP_STATE_H
#define TURNOUT_DP_STATE_H

#include "state.h"

/* Opens the state at `path` (NULL: in memory) as it is now, and says on stderr what was taken over.
 * Returns 0 or a negative errno with a message in `err`. */
int dp_state_open(const char *path, unsigned workers, uint32_t pins, struct to_state **state,
		  char *err, size_t err_size);

#endif
