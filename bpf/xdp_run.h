/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TURNOUT_XDP_RUN_H
#define TURNOUT_XDP_RUN_H

/* `turnout-xdp run`, `detach`, `status`. They return an exit code. */
int to_xdp_run_main(int argc, char **argv);
int to_xdp_detach_main(int argc, char **argv);
int to_xdp_status_main(int argc, char **argv);

#endif
