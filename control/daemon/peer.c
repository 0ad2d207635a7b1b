/* SPDX-License-Identifier: BSD-3-Clause */
#include "peer.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_GROUPS 1024

/* Groups of a user as the system has them now, not as they were when its process began. */
static int groups_of(const char *name, gid_t gid, gid_t groups[MAX_GROUPS])
{
	int count = MAX_GROUPS;

	if (name && getgrouplist(name, gid, groups, &count) >= 0)
		return count;
	groups[0] = gid;
	return 1;
}

static bool is_in(gid_t wanted, const gid_t *groups, int count)
{
	for (int i = 0; wanted != TO_NO_GROUP && i < count; i++)
		if (groups[i] == wanted)
			return true;
	return false;
}

int to_peer_read(int fd, struct to_peer *out)
{
	struct ucred c;
	socklen_t size = sizeof(c);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &c, &size) < 0)
		return -errno;
	*out = (struct to_peer){.role = TO_PEER_UNKNOWN, .uid = c.uid, .gid = c.gid};
	return 0;
}

void to_peer_look_up(struct to_peer *peer, const struct to_options *o)
{
	gid_t groups[MAX_GROUPS];
	char buffer[65536]; /* of entries as long as directories have them */
	struct passwd entry, *found = NULL;
	int count;

	getpwuid_r(peer->uid, &entry, buffer, sizeof(buffer), &found);
	if (found)
		snprintf(peer->name, sizeof(peer->name), "%s", found->pw_name);
	else
		snprintf(peer->name, sizeof(peer->name), "uid %u", (unsigned)peer->uid);
	count = groups_of(found ? found->pw_name : NULL, peer->gid, groups);
	if (peer->uid == 0 || peer->uid == geteuid() || is_in(o->operators, groups, count))
		peer->role = TO_PEER_OPERATOR;
	else if (o->viewers == TO_NO_GROUP || is_in(o->viewers, groups, count))
		peer->role = TO_PEER_VIEWER;
	else
		peer->role = TO_PEER_NOBODY;
}
