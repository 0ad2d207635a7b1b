/* SPDX-License-Identifier: BSD-3-Clause */
/* What a finding is, and reading below a root. */
#include "doctor.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const abouts[] = {"host", "xdp", "dpdk"};
static const char *const founds[] = {"ok", "note", "missing"};

void to_doctor_say(struct to_doctor *d, enum to_about about, enum to_found found, const char *todo,
		   const char *format, ...)
{
	char what[512];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	if (found == TO_FOUND_MISSING)
		d->missing[about] = true;
	json_array_append_new(d->findings, json_pack("{s:s, s:s, s:o, s:s?}", "about",
						     abouts[about], "level", founds[found], "what",
						     json_string(what) ?: json_null(), "do", todo));
}

static bool path_of(const struct to_doctor *d, char *path, const char *format, va_list args)
{
	int n = snprintf(path, PATH_MAX, "%s", d->root);

	return n >= 0 && n < PATH_MAX &&
	       vsnprintf(path + n, (size_t)(PATH_MAX - n), format, args) < PATH_MAX - n;
}

bool to_doctor_exists(const struct to_doctor *d, const char *format, ...)
{
	char path[PATH_MAX];
	va_list args;
	bool fits;

	va_start(args, format);
	fits = path_of(d, path, format, args);
	va_end(args);
	return fits && access(path, F_OK) == 0;
}

bool to_doctor_read(const struct to_doctor *d, char *out, size_t size, const char *format, ...)
{
	char path[PATH_MAX];
	va_list args;
	bool fits;
	ssize_t n, all = 0;
	int fd;

	va_start(args, format);
	fits = path_of(d, path, format, args);
	va_end(args);
	fd = fits ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;
	if (fd < 0)
		return false;
	while ((n = read(fd, out + all, size - 1 - (size_t)all)) > 0)
		all += n;
	close(fd);
	out[all] = '\0';
	if (all && out[all - 1] == '\n')
		out[all - 1] = '\0';
	return n == 0 || all > 0;
}

long to_doctor_number(const struct to_doctor *d, const char *path)
{
	char text[32], *end;
	long n;

	if (!to_doctor_read(d, text, sizeof(text), "%s", path))
		return -1;
	errno = 0;
	n = strtol(text, &end, 10);
	return errno || end == text || *end ? -1 : n;
}

bool to_doctor_link(const struct to_doctor *d, char *out, size_t size, const char *format, ...)
{
	char path[PATH_MAX], to[PATH_MAX];
	const char *last;
	va_list args;
	ssize_t n;
	bool fits;

	va_start(args, format);
	fits = path_of(d, path, format, args);
	va_end(args);
	n = fits ? readlink(path, to, sizeof(to) - 1) : -1;
	if (n < 0)
		return false;
	to[n] = '\0';
	last = strrchr(to, '/');
	snprintf(out, size, "%s", last ? last + 1 : to);
	return true;
}

int to_doctor_each(struct to_doctor *d, const char *path,
		   void (*each)(struct to_doctor *d, const char *name, void *context),
		   void *context)
{
	char full[PATH_MAX];
	struct dirent **names;
	int n, count = 0;

	snprintf(full, sizeof(full), "%s%s", d->root, path);
	n = scandir(full, &names, NULL, alphasort);
	for (int i = 0; i < n; i++) {
		if (names[i]->d_name[0] != '.') {
			each(d, names[i]->d_name, context);
			count++;
		}
		free(names[i]);
	}
	if (n >= 0)
		free(names);
	return count;
}

bool to_doctor_mounted(const struct to_doctor *d, const char *type)
{
	char text[65536], wanted[32], *rest = text, *line;

	if (!to_doctor_read(d, text, sizeof(text), "/proc/mounts"))
		return false;
	while ((line = strsep(&rest, "\n"))) {
		char *field = NULL;

		for (int i = 0; i < 3; i++)
			field = strsep(&line, " ");
		snprintf(wanted, sizeof(wanted), "%s", type);
		if (field && !strcmp(field, wanted))
			return true;
	}
	return false;
}
