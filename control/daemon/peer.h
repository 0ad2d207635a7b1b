/* SPDX-License-Identifier: BSD-3-Clause */
/* Who is at the other end of a UNIX socket, and what they may. */
#ifndef TURNOUT_DAEMON_PEER_H
#define TURNOUT_DAEMON_PEER_H

#include "options.h"

enum to_peer_role { TO_PEER_NOBODY, TO_PEER_VIEWER, TO_PEER_OPERATOR };

struct to_peer {
	enum to_peer_role role;
	char name[64]; /* the user's, or "uid N" */
};

/* By the credentials that the kernel keeps of the peer, and the groups of its user. */
int to_peer_read(int fd, const struct to_options *options, struct to_peer *out);

#endif
