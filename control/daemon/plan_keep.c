/* SPDX-License-Identifier: BSD-3-Clause */
#include "plan_keep.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <turnout/table_follow.h>

#include "compile.h"
#include "crash.h"

#define MAX_BYTES (16u << 20) /* of a plan: docs/plan.md */

void to_plan_file_free(struct to_plan_file *file)
{
	if (!file)
		return;
	to_plan_free(file->plan);
	free(file->bytes);
	free(file);
}

static int read_bytes(int fd, struct to_plan_file *file)
{
	size_t room = 1u << 16;
	ssize_t n = 1;

	file->bytes = malloc(room);
	while (file->bytes && n > 0) {
		n = read(fd, file->bytes + file->size, room - file->size);
		if (n < 0)
			return -errno;
		file->size += (size_t)n;
		if (file->size > MAX_BYTES)
			return -EFBIG;
		if (file->size == room) {
			char *more = realloc(file->bytes, room * 2);

			if (!more)
				return -ENOMEM;
			file->bytes = more;
			room *= 2;
		}
	}
	return file->bytes ? 0 : -ENOMEM;
}

static int digest(struct to_plan_file *file)
{
	unsigned char sum[32];

	if (!EVP_Digest(file->bytes, file->size, sum, NULL, EVP_sha256(), NULL))
		return -ENOMEM;
	for (int i = 0; i < 32; i++)
		snprintf(file->sha256 + 2 * i, 3, "%02x", sum[i]);
	return 0;
}

static int read_at(int dir, const char *path, struct to_plan_file *file)
{
	int fd = openat(dir, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	int err;

	if (fd < 0)
		return -errno;
	err = fstat(fd, &st) < 0 ? -errno : S_ISREG(st.st_mode) ? 0 : -EINVAL;
	if (!err)
		err = read_bytes(fd, file);
	close(fd);
	return err ? err : digest(file);
}

static char *print_report(struct to_report *report, const char *path, int err)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	to_report_print(report, path, out);
	if (err && !report->errors)
		fprintf(out, "cannot read %s: %s\n", path, strerror(-err));
	fclose(out);
	if (size)
		text[size - 1] = '\0'; /* the last newline */
	return text;
}

static int load(int dir, const char *path, struct to_plan_file **out, char **messages)
{
	struct to_plan_file *file = calloc(1, sizeof(*file));
	struct to_report report = {0};
	int err = file ? read_at(dir, path, file) : -ENOMEM;

	if (!err)
		err = to_plan_parse(file->bytes, file->size, &report, &file->plan);
	if (messages)
		*messages = print_report(&report, path, err);
	to_report_free(&report);
	if (err) {
		to_plan_file_free(file);
		file = NULL;
	}
	*out = file;
	return err;
}

int to_plan_file_read(const char *path, struct to_plan_file **out, char **messages)
{
	return load(AT_FDCWD, path, out, messages);
}

int to_plan_file_kept(int dir, const char *name, const char *sha256, struct to_plan_file **out)
{
	int err = load(dir, name, out, NULL);

	if (!err && sha256 && strcmp(sha256, (*out)->sha256)) {
		to_plan_file_free(*out);
		*out = NULL;
		err = -ENOENT;
	}
	return err;
}

int to_plan_keep_aside(int dir, const struct to_plan_file *file)
{
	int fd = openat(dir, TO_PLAN_NEXT, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
	size_t at = 0;
	int err = 0;

	if (fd < 0)
		return -errno;
	while (!err && at < file->size) {
		ssize_t n = write(fd, file->bytes + at, file->size - at);

		if (n < 0 && errno != EINTR)
			err = -errno;
		at += n > 0 ? (size_t)n : 0;
	}
	if (!err && fsync(fd) < 0)
		err = -errno;
	if (close(fd) < 0 && !err)
		err = -errno;
	to_crash_point("plan: written aside");
	if (!err && fsync(dir) < 0)
		err = -errno;
	return err;
}

int to_plan_keep(int dir)
{
	if (renameat(dir, TO_PLAN_NEXT, dir, TO_PLAN_NAME) < 0)
		return -errno;
	to_crash_point("plan: renamed");
	return fsync(dir) < 0 ? -errno : 0;
}

int to_plan_can_follow(const struct to_plan *running, const struct to_plan *next, char *err,
		       size_t err_size)
{
	struct to_image a, b = {0};
	int ret = to_compile(running, &(struct to_compile_input){.generation = 1}, &a);

	if (!ret)
		ret = to_compile(next, &(struct to_compile_input){.generation = 2}, &b);
	if (ret)
		snprintf(err, err_size, "it cannot be compiled: %s", strerror(-ret));
	else
		ret = to_table_can_follow(a.data, b.data, err, err_size);
	to_image_free(&a);
	to_image_free(&b);
	return ret;
}
