/* SPDX-License-Identifier: BSD-3-Clause */
#include "image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <turnout/table_check.h>

int to_image_alloc(struct to_image *image, size_t size)
{
	size_t room = (size + TO_TABLE_ALIGN - 1) & ~(size_t)(TO_TABLE_ALIGN - 1);

	image->data = aligned_alloc(TO_TABLE_ALIGN, room ? room : TO_TABLE_ALIGN);
	image->size = size;
	if (!image->data)
		return -ENOMEM;
	memset(image->data, 0, room);
	return 0;
}

void to_image_free(struct to_image *image)
{
	free(image->data);
	*image = (struct to_image){0};
}

static int write_all(int fd, const char *data, size_t size)
{
	while (size) {
		ssize_t n = write(fd, data, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data += n;
		size -= (size_t)n;
	}
	return 0;
}

int to_image_memfd(const struct to_image *image)
{
	const int seals = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
	int fd = memfd_create("turnout-table", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int err;

	if (fd < 0)
		return -errno;
	err = write_all(fd, image->data, image->size);
	if (!err && fcntl(fd, F_ADD_SEALS, seals) < 0)
		err = -errno;
	if (!err)
		return fd;
	close(fd);
	return err;
}

static int write_temporary(const struct to_image *image, char *path)
{
	int fd = mkostemp(path, O_CLOEXEC);
	int err;

	if (fd < 0)
		return -errno;
	err = write_all(fd, image->data, image->size);
	if (!err && fchmod(fd, 0644) < 0)
		err = -errno;
	if (!err && fsync(fd) < 0)
		err = -errno;
	if (close(fd) < 0 && !err)
		err = -errno;
	if (err)
		unlink(path);
	return err;
}

int to_image_write(const struct to_image *image, const char *path)
{
	char *temporary;
	int err;

	if (asprintf(&temporary, "%s.XXXXXX", path) < 0)
		return -ENOMEM;
	err = write_temporary(image, temporary);
	if (!err && rename(temporary, path) < 0) {
		err = -errno;
		unlink(temporary);
	}
	free(temporary);
	return err;
}

/* From the beginning, wherever the descriptor stands: it may be shared with another process. */
static int read_all(int fd, char *data, size_t size)
{
	for (size_t at = 0; at < size;) {
		ssize_t n = pread(fd, data + at, size - at, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -EIO; /* it shrank while it was read */
		at += (size_t)n;
	}
	return 0;
}

int to_image_read_fd(int fd, struct to_image *image, const char **why)
{
	struct stat st;
	int err = 0;

	*why = NULL;
	*image = (struct to_image){0};
	if (fstat(fd, &st) < 0)
		err = -errno;
	else if (!S_ISREG(st.st_mode) || st.st_size > (off_t)TO_TABLE_MAX_BYTES)
		err = -EFBIG;
	if (!err)
		err = to_image_alloc(image, (size_t)st.st_size);
	if (!err)
		err = read_all(fd, image->data, image->size);
	if (!err)
		err = to_table_check(image->data, image->size, why);
	if (err)
		to_image_free(image);
	return err;
}

int to_image_read(const char *path, struct to_image *image, const char **why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int err;

	*why = NULL;
	*image = (struct to_image){0};
	if (fd < 0)
		return -errno;
	err = to_image_read_fd(fd, image, why);
	close(fd);
	return err;
}

bool to_image_is(const char *path)
{
	const uint64_t magic = TO_TABLE_MAGIC;
	char start[sizeof(magic)];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool is;

	if (fd < 0)
		return false;
	is = read_all(fd, start, sizeof(start)) == 0 && !memcmp(start, &magic, sizeof(start));
	close(fd);
	return is;
}
