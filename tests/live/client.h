/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LIVE_CLIENT_H
#define LIVE_CLIENT_H

/*
 * client TCP-PORT UDP-PORT [--open KIND,MOST,RATE]... [--every MS] [--clients N] VIP,FIRST...
 *
 * Opens flows of many client addresses (FIRST and those after it) to the VIPs and keeps them
 * talking. KIND is tcp-held, tcp-short, udp-held or udp-short: so many at most, at so many a
 * second.
 *
 * Takes two commands from standard input. "mark N": says "marked N" when every held flow that was
 * there has asked and been answered since, and enough new flows have, TCP and UDP to each VIP.
 * "end": ends all flows as flows end, and then the program.
 *
 * Phase 2N begins with mark N, phase 2N + 1 when it is done. A line for each flow that has got its
 * first answer, its phases when it was opened and answered at the end:
 *   flow tcp held 198.19.0.7 40000 e1 2 2
 * and for each that breaks:
 *   broken tcp held 198.19.0.7 40000 e1 asked 7 answered 6 phase 3: Connection reset by peer
 */
int live_client_main(int argc, char **argv);

#endif
