/* SPDX-License-Identifier: BSD-3-Clause */
#include "engine_memfd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#define SEALED (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW)

int to_memfd_is_sealed(int fd, char *err, size_t err_size)
{
	int seals = fcntl(fd, F_GET_SEALS);

	if (seals >= 0 && (seals & SEALED) == SEALED)
		return 0;
	snprintf(err, err_size,
		 seals < 0 ? "the image is not in a memfd"
			   : "the image's memfd is not sealed against writing, shrinking and "
			     "growing");
	return -EPERM;
}

static int write_whole(int fd, const void *bytes, size_t size)
{
	for (size_t at = 0; at < size;) {
		ssize_t n = write(fd, (const uint8_t *)bytes + at, size - at);

		if (n < 0)
			return -errno;
		at += (size_t)n;
	}
	return 0;
}

int to_memfd_of_table(const struct to_table *t)
{
	int fd = memfd_create("turnout-table", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int ret;

	if (fd < 0)
		return -errno;
	ret = write_whole(fd, t, t->size);
	if (ret == 0 && fcntl(fd, F_ADD_SEALS, SEALED | F_SEAL_SEAL) < 0)
		ret = -errno;
	if (ret == 0)
		return fd;
	close(fd);
	return ret;
}

/* By another way to the same memory, which cannot be written to, whoever has it. */
static int open_for_reading(int fd)
{
	char name[32];
	int ret;

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	ret = open(name, O_RDONLY | O_CLOEXEC);
	return ret < 0 ? -errno : ret;
}

int to_memfd_region(struct to_region **region, int *fd)
{
	const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL;
	int own = memfd_create("turnout-region", MFD_CLOEXEC | MFD_ALLOW_SEALING), ret;
	void *p = MAP_FAILED;

	if (own < 0)
		return -errno;
	ret = ftruncate(own, sizeof(**region)) < 0 ? -errno : 0;
	if (ret == 0)
		p = mmap(NULL, sizeof(**region), PROT_READ | PROT_WRITE, MAP_SHARED, own, 0);
	if (ret == 0 && (p == MAP_FAILED || fcntl(own, F_ADD_SEALS, seals) < 0))
		ret = -errno;
	if (ret == 0)
		ret = open_for_reading(own);
	close(own);
	if (ret < 0) {
		if (p != MAP_FAILED)
			munmap(p, sizeof(**region));
		return ret;
	}
	*fd = ret;
	*region = (struct to_region *)p;
	return 0;
}
