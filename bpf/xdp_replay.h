/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TURNOUT_XDP_REPLAY_H
#define TURNOUT_XDP_REPLAY_H

/* `turnout-xdp replay`. Returns an exit code. */
int to_xdp_replay_main(int argc, char **argv);

#endif
