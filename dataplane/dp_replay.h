/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TURNOUT_DP_REPLAY_H
#define TURNOUT_DP_REPLAY_H

/* `turnout-dp replay …`: argv[0] is "replay". Returns an exit code. */
int dp_replay_main(int argc, char **argv);

#endif
