/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LIVE_SERVER_H
#define LIVE_SERVER_H

/*
 * server NAME TCP-PORT UDP-PORT ADDRESS...
 *
 * Answers the asks that come to the addresses, in the name of an edge. Says "ready", then a line
 * "broken ..." for each connection that does not end as it should, and at SIGTERM what it did.
 */
int live_server_main(int argc, char **argv);

#endif
