/* SPDX-License-Identifier: BSD-3-Clause */
/* Who is at the other end of a UNIX socket, and what they may. */
#ifndef TURNOUT_DAEMON_PEER_H
#define TURNOUT_DAEMON_PEER_H

#include "options.h"

enum to_peer_role {
	TO_PEER_UNKNOWN, /* not looked up yet */
	TO_PEER_NOBODY,
	TO_PEER_VIEWER,
	TO_PEER_OPERATOR,
	TO_PEER_ROLES
};

struct to_peer {
	enum to_peer_role role;
	uid_t uid;
	gid_t gid;
	char name[64]; /* the user's, or "uid N" */
};

/* The credentials that the kernel keeps of the peer; its role is unknown. */
int to_peer_read(int fd, struct to_peer *out);

/* Name and role of its uid and gid, by the groups of its user. May block for as long as the
 * directory that users are in does. */
void to_peer_look_up(struct to_peer *peer, const struct to_options *options);

#endif
