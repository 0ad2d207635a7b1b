/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <turnout/table_check.h>
#include <unistd.h>

#include "table_load.h"

#define FIRST_ROOM (256u << 10)

/* Twice the room, aligned as sections are. Frees the old one, whatever happens. */
static uint8_t *more_room(uint8_t *old, size_t used, size_t *room)
{
	uint8_t *bigger = aligned_alloc(TO_TABLE_ALIGN, *room * 2);

	if (bigger)
		memcpy(bigger, old, used);
	free(old);
	*room *= 2;
	return bigger;
}

/* Everything up to the end: of a pipe as well, whose size nobody knows. */
static int read_whole(int fd, uint8_t **data, size_t *size)
{
	size_t room = FIRST_ROOM;
	uint8_t *p = aligned_alloc(TO_TABLE_ALIGN, room);
	ssize_t n = 1;
	int ret = 0;

	*size = 0;
	while (p && ret == 0 && n > 0) {
		n = read(fd, p + *size, room - *size);
		if (n < 0)
			ret = -errno;
		else
			*size += (size_t)n;
		if (*size > TO_TABLE_MAX_BYTES)
			ret = -EFBIG;
		else if (*size == room)
			p = more_room(p, *size, &room);
	}
	if (!p)
		return -ENOMEM;
	if (ret < 0) {
		free(p);
		return ret;
	}
	*data = p;
	return 0;
}

int to_table_load_fd(int fd, struct to_table **table, char *err, size_t err_size)
{
	const char *why = NULL;
	uint8_t *data;
	size_t size;
	int ret;

	lseek(fd, 0, SEEK_SET); /* a pipe has no beginning to go to */
	ret = read_whole(fd, &data, &size);
	if (ret < 0) {
		snprintf(err, err_size, "%s", strerror(-ret));
		return ret;
	}
	ret = to_table_check(data, size, &why);
	if (ret < 0) {
		snprintf(err, err_size, "%s", why ? why : strerror(-ret));
		free(data);
		return ret;
	}
	*table = (struct to_table *)data;
	return 0;
}

int to_table_load(const char *path, struct to_table **table, char *err, size_t err_size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), ret;

	if (fd < 0) {
		ret = -errno;
		snprintf(err, err_size, "%s", strerror(-ret));
		return ret;
	}
	ret = to_table_load_fd(fd, table, err, err_size);
	close(fd);
	return ret;
}
