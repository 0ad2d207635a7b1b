/* SPDX-License-Identifier: BSD-3-Clause */
#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "clock.h"
#include "crash.h"
#include "log.h"

static void remember(void *context, const json_t *record)
{
	struct to_journal *j = context;

	json_array_append(j->recent, (json_t *)record);
	while (json_array_size(j->recent) > 2 * (size_t)TO_JOURNAL_RECENT) {
		json_t *kept = json_array();

		for (size_t i = TO_JOURNAL_RECENT; i < json_array_size(j->recent); i++)
			json_array_append(kept, json_array_get(j->recent, i));
		json_decref(j->recent);
		j->recent = kept;
	}
	j->seen(j->context, record);
}

static int write_whole(int fd, const char *data, size_t size)
{
	while (size) {
		ssize_t n = write(fd, data, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		data += n;
		size -= (size_t)n;
	}
	return 0;
}

/* Keeps what is behind the good records in a file of its own. */
static int keep_aside(struct to_journal *j, off_t size)
{
	char name[64], buffer[4096];
	off_t at = j->good;
	int fd, err = 0;

	snprintf(name, sizeof(name), TO_JOURNAL_NAME ".torn-%llu-%lld",
		 (unsigned long long)j->count + 1, (long long)to_today());
	fd = openat(j->dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
	if (fd < 0)
		return -errno;
	while (!err && at < size) {
		ssize_t n = pread(j->fd, buffer, sizeof(buffer), at);

		err = n > 0 ? write_whole(fd, buffer, (size_t)n) : -EIO;
		at += n;
	}
	if (!err && fsync(fd) < 0)
		err = -errno;
	close(fd);
	if (!err)
		to_log(LOG_WARNING,
		       "the journal's last record was not written whole: %lld bytes cut off, "
		       "kept in %s",
		       (long long)(size - j->good), name);
	return err;
}

/* The file ends with the good records, on the disk as well. */
static int cut(struct to_journal *j)
{
	struct stat st;
	int err;

	if (fstat(j->fd, &st) < 0)
		return -errno;
	if (st.st_size < j->good)
		return -ESTALE; /* somebody else has shortened it */
	if (st.st_size > j->good) {
		err = keep_aside(j, st.st_size);
		if (err)
			return err;
		if (ftruncate(j->fd, j->good) < 0)
			return -errno;
	}
	if (lseek(j->fd, j->good, SEEK_SET) < 0 || fsync(j->fd) < 0)
		return -errno;
	return 0;
}

static int open_file(struct to_journal *j)
{
	int fd = openat(j->dir, TO_JOURNAL_NAME, O_RDWR | O_CREAT | O_CLOEXEC, 0640);

	if (fd < 0)
		return -errno;
	if (fsync(j->dir) < 0) {
		int err = -errno;

		close(fd);
		return err;
	}
	j->fd = fd;
	return 0;
}

static int lock(struct to_journal *j, const char *dir, char *err, size_t err_size)
{
	int ret;

	if (mkdir(dir, 0750) < 0 && errno != EEXIST) {
		ret = -errno;
		snprintf(err, err_size, "cannot make the directory %s: %s", dir, strerror(-ret));
		return ret;
	}
	j->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (j->dir < 0) {
		ret = -errno;
		snprintf(err, err_size, "cannot open the directory %s: %s", dir, strerror(-ret));
		return ret;
	}
	if (flock(j->dir, LOCK_EX | LOCK_NB) < 0) {
		ret = -errno;
		snprintf(err, err_size, "another turnoutd has %s", dir);
		return ret;
	}
	return 0;
}

static int read_file(struct to_journal *j, const char *dir, char *err, size_t err_size)
{
	struct to_journal_end end;
	int ret = to_journal_read(j->fd, remember, j, &end);

	if (ret == -EBADMSG) {
		snprintf(err, err_size,
			 "%s/" TO_JOURNAL_NAME
			 " is damaged at line %llu, and goes on behind it: it is left as it is. "
			 "docs/operations.md, 'A damaged journal', says what to do",
			 dir, (unsigned long long)end.bad_line);
		return ret;
	}
	if (ret < 0) {
		snprintf(err, err_size, "cannot read %s/" TO_JOURNAL_NAME ": %s", dir,
			 strerror(-ret));
		return ret;
	}
	j->count = end.count;
	j->good = end.good;
	if (!j->failed)
		j->failed = cut(j);
	return 0;
}

int to_journal_open(struct to_journal *j, const char *dir, to_journal_seen *seen, void *context,
		    char *err, size_t err_size)
{
	int ret;

	*j = (struct to_journal){.dir = -1,
				 .fd = -1,
				 .seen = seen,
				 .context = context,
				 .recent = json_array(),
				 .later = json_array()};
	ret = lock(j, dir, err, err_size);
	if (ret < 0)
		goto fail;
	j->failed = open_file(j);
	if (j->failed)
		j->fd = openat(j->dir, TO_JOURNAL_NAME, O_RDONLY | O_CLOEXEC);
	if (j->fd >= 0)
		ret = read_file(j, dir, err, err_size);
	if (ret == 0)
		return 0;
fail:
	to_journal_close(j);
	return ret;
}

void to_journal_close(struct to_journal *j)
{
	if (j->fd >= 0)
		close(j->fd);
	if (j->dir >= 0)
		close(j->dir);
	json_decref(j->recent);
	json_decref(j->later);
	*j = (struct to_journal){.dir = -1, .fd = -1};
}

static json_t *number(const struct to_journal *j, json_t *record)
{
	char time[TO_TIME_TEXT];
	json_t *whole = json_pack("{s:I, s:s}", "n", (json_int_t)(j->count + 1), "time",
				  to_time_text(to_today(), time));

	if (whole && json_object_update_missing(whole, record) < 0) {
		json_decref(whole);
		whole = NULL;
	}
	return whole;
}

static int write_line(struct to_journal *j, const char *line, size_t size)
{
	int err;

	to_crash_point("journal: before a record");
#ifdef TO_CRASH_POINTS
	err = write_whole(j->fd, line, size / 2);
	to_crash_point("journal: half a record");
	if (!err)
		err = write_whole(j->fd, line + size / 2, size - size / 2);
#else
	err = write_whole(j->fd, line, size);
#endif
	to_crash_point("journal: not synchronised");
	if (!err && fdatasync(j->fd) < 0)
		err = -errno;
	if (err) {
		/* Whether the next try can tell what is in the file is asked then. */
		if (ftruncate(j->fd, j->good) < 0 || lseek(j->fd, j->good, SEEK_SET) < 0)
			to_log(LOG_ERR, "cannot shorten the journal: %s", strerror(errno));
		return err;
	}
	to_crash_point("journal: a record");
	return 0;
}

/* Can it be written again? The descriptor may be one for reading, and after a failed fsync nobody
 * knows what of the file is on the disk. */
static int mend(struct to_journal *j)
{
	int old = j->fd, err;
	struct stat st;

	if (!j->failed)
		return 0;
	err = open_file(j);
	if (err)
		return err;
	if (old >= 0)
		close(old);
	/* one that nobody could read at the start is not ours to cut */
	if (old < 0 && (fstat(j->fd, &st) < 0 || st.st_size))
		return -ESTALE;
	return cut(j);
}

static int append(struct to_journal *j, const json_t *whole)
{
	size_t size = 0;
	char *line = to_journal_line(whole, &size);
	int err = line ? mend(j) : -ENOMEM;

	if (!err)
		err = write_line(j, line, size);
	if (!err) {
		j->count++;
		j->good += (off_t)size;
	}
	if (err != -ENOMEM)
		j->failed = err;
	free(line);
	return err;
}

int to_journal_retry(struct to_journal *j)
{
	int err = 0;

	if (j->failed && !json_array_size(j->later)) {
		j->failed = mend(j);
		return j->failed;
	}
	while (!err && json_array_size(j->later)) {
		json_t *whole = json_array_get(j->later, 0);

		json_object_set_new(whole, "n", json_integer((json_int_t)j->count + 1));
		err = append(j, whole);
		if (!err)
			json_array_remove(j->later, 0);
	}
	return err;
}

int to_journal_add(struct to_journal *j, json_t *record)
{
	json_t *whole;
	int err = to_journal_retry(j);

	whole = number(j, record);
	json_decref(record);
	if (!whole)
		return -ENOMEM;
	if (!err)
		err = append(j, whole);
	if (!err)
		remember(j, whole);
	json_decref(whole);
	return err;
}

void to_journal_note(struct to_journal *j, json_t *record)
{
	json_t *whole;
	int err = to_journal_retry(j);

	whole = number(j, record);
	json_decref(record);
	if (!whole)
		return;
	if (!err)
		err = append(j, whole);
	if (err && json_array_size(j->later) < TO_JOURNAL_LATER)
		json_array_append(j->later, whole);
	remember(j, whole);
	json_decref(whole);
}
