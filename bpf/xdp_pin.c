/* SPDX-License-Identifier: BSD-3-Clause */
#include "xdp_pin.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "turnout.skel.h"

#define PATH_ROOM  512
#define ABOUT      "about"
#define ABOUT_MOST 256u

static int path_of(char *path, const char *dir, const char *name)
{
	int n = snprintf(path, PATH_ROOM, "%s/%s", dir, name);

	return n > 0 && n < PATH_ROOM ? 0 : -ENAMETOOLONG;
}

/* Is the directory, or what of the path above it there is, in a BPF file system? */
static int check_file_system(const char *dir)
{
	char path[PATH_ROOM];
	struct statfs fs;

	snprintf(path, sizeof(path), "%s", dir);
	while (statfs(path, &fs) < 0) {
		char *slash = strrchr(path, '/');

		if (errno != ENOENT)
			return -errno;
		if (!slash)
			snprintf(path, sizeof(path), ".");
		else if (slash == path)
			path[1] = '\0';
		else
			*slash = '\0';
	}
	return fs.f_type == BPF_FS_MAGIC ? 0 : -ENOTSUP;
}

static int make_directories(const char *dir)
{
	char path[PATH_ROOM];

	snprintf(path, sizeof(path), "%s", dir);
	for (char *p = strchr(path + 1, '/'); p; p = strchr(p + 1, '/')) {
		int ret;

		*p = '\0';
		ret = mkdir(path, 0700) < 0 && errno != EEXIST ? -errno : 0;
		*p = '/';
		if (ret < 0)
			return ret;
	}
	return mkdir(path, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

int to_xdp_directory(const char *dir, char *err, size_t err_size)
{
	int ret = strlen(dir) < PATH_ROOM ? check_file_system(dir) : -ENAMETOOLONG;

	if (ret == 0)
		ret = make_directories(dir);
	if (ret == -ENOTSUP)
		snprintf(err, err_size,
			 "%s is not in a BPF file system: mount -t bpf bpf /sys/fs/bpf", dir);
	else if (ret < 0)
		snprintf(err, err_size, "%s: %s", dir, strerror(-ret));
	return ret;
}

int to_xdp_lock(const char *dir, bool wait, char *err, size_t err_size)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), ret;

	if (fd >= 0 && flock(fd, LOCK_EX | (wait ? 0 : LOCK_NB)) == 0)
		return fd;
	ret = errno == EWOULDBLOCK ? -EBUSY : -errno;
	if (fd >= 0)
		close(fd);
	snprintf(err, err_size, "%s: %s", dir,
		 ret == -EBUSY ? "another turnout-xdp has it" : strerror(-ret));
	return ret;
}

int to_xdp_about(const char *dir, struct to_bpf_about *about)
{
	uint8_t value[ABOUT_MOST] = {0}; /* another build's may be longer, or shorter */
	struct bpf_map_info info = {0};
	uint32_t zero = 0, size = sizeof(info);
	char path[PATH_ROOM];
	LIBBPF_OPTS(bpf_obj_get_opts, o, .file_flags = BPF_F_RDONLY);
	int ret = path_of(path, dir, ABOUT);
	int fd = ret < 0 ? ret : bpf_obj_get_opts(path, &o);

	if (fd < 0)
		return fd;
	ret = bpf_obj_get_info_by_fd(fd, &info, &size);
	if (ret == 0 && info.value_size > sizeof(value))
		ret = -EBADMSG;
	if (ret == 0)
		ret = bpf_map_lookup_elem(fd, &zero, value);
	close(fd);
	memcpy(about, value, sizeof(*about));
	return ret == 0 && about->magic != TO_BPF_MAGIC ? -EBADMSG : ret;
}

/* Internal maps are the program's own; what is in them comes with it. */
static bool is_pinned(const struct bpf_map *map)
{
	return !bpf_map__is_internal(map);
}

bool to_xdp_fits(const struct bpf_map *map, int fd)
{
	struct bpf_map_info info = {0};
	uint32_t size = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &size) == 0 && info.type == bpf_map__type(map) &&
	       info.key_size == bpf_map__key_size(map) &&
	       info.value_size == bpf_map__value_size(map) &&
	       info.max_entries == bpf_map__max_entries(map);
}

static int reuse_one(struct bpf_map *map, const char *dir)
{
	char path[PATH_ROOM];
	int ret = path_of(path, dir, bpf_map__name(map)), fd;

	if (ret < 0)
		return ret;
	fd = bpf_obj_get(path);
	if (fd < 0)
		return fd;
	ret = to_xdp_fits(map, fd) ? bpf_map__reuse_fd(map, fd) : -ESTALE;
	close(fd);
	return ret;
}

int to_xdp_reuse(struct to_xdp *x, const char *dir, char *err, size_t err_size)
{
	struct bpf_map *map;
	int ret = 0;

	bpf_object__for_each_map(map, x->skel->obj)
	{
		if (!is_pinned(map))
			continue;
		ret = reuse_one(map, dir);
		if (ret < 0) {
			snprintf(err, err_size, "%s/%s: %s", dir, bpf_map__name(map),
				 ret == -ESTALE ? "another build has made it" : strerror(-ret));
			return ret;
		}
	}
	return 0;
}

int to_xdp_pin_over(const struct bpf_map *map, const char *dir)
{
	char aside[PATH_ROOM] = "", path[PATH_ROOM] = "";
	int ret = path_of(aside, dir, "aside");

	if (ret == 0)
		ret = path_of(path, dir, bpf_map__name(map));
	if (ret == 0 && unlink(aside) < 0 && errno != ENOENT)
		ret = -errno;
	if (ret == 0)
		ret = bpf_obj_pin(bpf_map__fd(map), aside);
	if (ret == 0 && rename(aside, path) < 0)
		ret = -errno;
	return ret;
}

int to_xdp_pin(struct to_xdp *x, const char *dir, const struct to_bpf_about *about, char *err,
	       size_t err_size)
{
	uint32_t zero = 0;
	struct bpf_map *map;
	char path[PATH_ROOM] = "";
	int ret = bpf_map__update_elem(x->skel->maps.about, &zero, sizeof(zero), about,
				       sizeof(*about), BPF_ANY);

	if (ret == 0)
		ret = path_of(path, dir, ABOUT);
	if (ret == 0 && unlink(path) < 0 && errno != ENOENT)
		ret = -errno;
	bpf_object__for_each_map(map, x->skel->obj)
	{
		if (ret < 0)
			break;
		if (!is_pinned(map) || map == x->skel->maps.about)
			continue;
		ret = path_of(path, dir, bpf_map__name(map));
		if (ret == 0 && unlink(path) < 0 && errno != ENOENT)
			ret = -errno;
		if (ret == 0)
			ret = bpf_obj_pin(bpf_map__fd(map), path);
	}
	if (ret == 0)
		ret = path_of(path, dir, ABOUT);
	if (ret == 0)
		ret = bpf_obj_pin(bpf_map__fd(x->skel->maps.about), path);
	if (ret < 0)
		snprintf(err, err_size, "cannot pin %s: %s", path, strerror(-ret));
	return ret;
}

int to_xdp_empty(const char *dir, const char *last)
{
	char path[PATH_ROOM];
	struct dirent *e;
	int ret = 0;
	DIR *d;

	if (path_of(path, dir, ABOUT) == 0)
		unlink(path);
	d = opendir(dir);
	if (!d)
		return errno == ENOENT ? 0 : -errno;
	while (ret == 0 && (e = readdir(d))) {
		if (*e->d_name == '.' || (last && !strcmp(e->d_name, last)))
			continue;
		ret = path_of(path, dir, e->d_name);
		if (ret == 0 && unlink(path) < 0)
			ret = -errno;
	}
	closedir(d);
	if (ret == 0 && last)
		ret = path_of(path, dir, last);
	if (ret == 0 && last && unlink(path) < 0 && errno != ENOENT)
		ret = -errno;
	return ret;
}

int to_xdp_unpin(const char *dir)
{
	int ret = to_xdp_empty(dir, NULL);

	return ret == 0 && rmdir(dir) < 0 && errno != ENOENT ? -errno : ret;
}

bool to_xdp_is_empty(const char *dir)
{
	DIR *d = opendir(dir);
	bool empty = true;
	struct dirent *e;

	while (d && empty && (e = readdir(d)))
		empty = *e->d_name == '.';
	if (d)
		closedir(d);
	return empty;
}

int to_xdp_rows_read(struct to_xdp *x)
{
	uint32_t keys[TO_BPF_PAIRS], n = TO_BPF_PAIRS, next;
	int ret = bpf_map_lookup_batch(bpf_map__fd(x->skel->maps.rows), NULL, &next, keys, x->rows,
				       &n, NULL);

	if (ret < 0 && ret != -ENOENT)
		return ret;
	for (uint32_t i = 0; i < TO_BPF_PAIRS; i++) {
		if (x->rows[i] >= x->rows_used)
			x->rows_used = x->rows[i] + 1u;
	}
	return 0;
}

int to_xdp_rows_clear(struct to_xdp *x)
{
	uint32_t keys[TO_BPF_PAIRS], n = TO_BPF_PAIRS;

	memset(x->rows, 0, sizeof(x->rows));
	x->rows_used = 1;
	for (uint32_t i = 0; i < TO_BPF_PAIRS; i++)
		keys[i] = i;
	return bpf_map_update_batch(bpf_map__fd(x->skel->maps.rows), keys, x->rows, &n, NULL);
}
