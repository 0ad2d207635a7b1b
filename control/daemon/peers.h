/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Users that have been looked up, on a thread of its own: a directory that does not answer holds up
 * neither the event loop nor a change. root and turnoutd's own user are known from the start.
 */
#ifndef TURNOUT_DAEMON_PEERS_H
#define TURNOUT_DAEMON_PEERS_H

#include "peer.h"

struct event_base;
struct to_peers;

#define TO_PEERS_KEPT 30 /* seconds that what was looked up is believed */

/* `found`: somebody is known who was not. Blocks while its own users are looked up. */
int to_peers_open(struct event_base *base, const struct to_options *options,
		  void (*found)(void *context), void *context, struct to_peers **out);
/* Before the process ends: a look-up that is under way is left to that. */
void to_peers_close(struct to_peers *peers);

/* Fills in name and role, or leaves it unknown and has it looked up. */
void to_peers_find(struct to_peers *peers, struct to_peer *peer);

#endif
