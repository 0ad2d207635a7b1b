/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TURNOUT_DP_RUN_H
#define TURNOUT_DP_RUN_H

/* `turnout-dp run …`: argv[0] is "run". Returns an exit code. */
int dp_run_main(int argc, char **argv);

#endif
