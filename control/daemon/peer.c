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

int to_peer_read(int fd, const struct to_options *o, struct to_peer *out)
{
	gid_t groups[MAX_GROUPS];
	char buffer[4096];
	struct passwd entry, *found = NULL;
	struct ucred c;
	socklen_t size = sizeof(c);
	int count;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &c, &size) < 0)
		return -errno;
	getpwuid_r(c.uid, &entry, buffer, sizeof(buffer), &found);
	if (found)
		snprintf(out->name, sizeof(out->name), "%s", found->pw_name);
	else
		snprintf(out->name, sizeof(out->name), "uid %u", (unsigned)c.uid);
	count = groups_of(found ? found->pw_name : NULL, c.gid, groups);
	if (c.uid == 0 || c.uid == geteuid() || is_in(o->operators, groups, count))
		out->role = TO_PEER_OPERATOR;
	else if (o->viewers == TO_NO_GROUP || is_in(o->viewers, groups, count))
		out->role = TO_PEER_VIEWER;
	else
		out->role = TO_PEER_NOBODY;
	return 0;
}
