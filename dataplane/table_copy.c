/* SPDX-License-Identifier: BSD-3-Clause */
#include "table_copy.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "table_load.h"

static int write_whole(int fd, const struct to_table *t)
{
	for (size_t at = 0; at < t->size;) {
		ssize_t n = write(fd, (const uint8_t *)t + at, t->size - at);

		if (n < 0)
			return -errno;
		at += (size_t)n;
	}
	return fsync(fd) < 0 ? -errno : 0;
}

static int names(const char *state, char name[PATH_MAX], char new_name[PATH_MAX])
{
	int n = snprintf(name, PATH_MAX, "%s.table", state);
	int m = snprintf(new_name, PATH_MAX, "%s.table.new", state);

	return n < 0 || m < 0 || m >= PATH_MAX ? -ENAMETOOLONG : 0;
}

int to_table_copy_write(const char *state, const struct to_table *t, char *err, size_t err_size)
{
	char name[PATH_MAX], new_name[PATH_MAX];
	int ret = names(state, name, new_name), fd = -1;

	if (ret == 0) {
		fd = open(new_name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
		ret = fd < 0 ? -errno : write_whole(fd, t);
	}
	if (fd >= 0)
		close(fd);
	if (ret == 0 && rename(new_name, name) < 0)
		ret = -errno;
	if (ret < 0) {
		snprintf(err, err_size, "%s.table: %s", state, strerror(-ret));
		if (fd >= 0)
			unlink(new_name);
	}
	return ret;
}

int to_table_copy_read(const char *state, struct to_table **t, char *err, size_t err_size)
{
	char name[PATH_MAX], new_name[PATH_MAX], why[256] = "";
	int ret = names(state, name, new_name);

	if (ret == 0 && access(name, F_OK) < 0 && errno == ENOENT)
		return -ENOENT;
	if (ret == 0)
		ret = to_table_load(name, t, why, sizeof(why));
	if (ret < 0)
		snprintf(err, err_size, "%s.table: refused: %s", state,
			 *why ? why : strerror(-ret));
	return ret == -ENOENT ? -EIO : ret;
}
