/* SPDX-License-Identifier: BSD-3-Clause */
/* A directory of users that does not answer, as long as the file that TURNOUT_TEST_NAMES_HANG names
 * is there: it stands before the C library's function. */
#include <dlfcn.h>
#include <grp.h>
#include <stdlib.h>
#include <unistd.h>

int getgrouplist(const char *user, gid_t group, gid_t *groups, int *ngroups)
{
	int (*next)(const char *, gid_t, gid_t *, int *);
	const char *hang = getenv("TURNOUT_TEST_NAMES_HANG");

	while (hang && access(hang, F_OK) == 0)
		usleep(5000);
	*(void **)&next = dlsym(RTLD_NEXT, "getgrouplist");
	return next(user, group, groups, ngroups);
}
