/* SPDX-License-Identifier: BSD-3-Clause */
#include "engine_process.h"

#include <errno.h>
#include <limits.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* From the directory of this executable: installed in bin, in the build tree, in libexec. */
static const char *const places[] = {"", "../dataplane/", "../bpf/", "../libexec/turnout/"};

static bool try(char *path, size_t size, const char *directory, size_t length, const char *place,
		const char *name)
{
	int n = snprintf(path, size, "%.*s/%s%s", (int)length, directory, place, name);

	return n > 0 && (size_t)n < size && access(path, X_OK) == 0;
}

static bool find_near(const char *name, char *path, size_t size)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	const char *slash;

	if (n <= 0)
		return false;
	self[n] = '\0';
	slash = strrchr(self, '/');
	for (size_t i = 0; slash && i < sizeof(places) / sizeof(places[0]); i++) {
		if (try(path, size, self, (size_t)(slash - self), places[i], name))
			return true;
	}
	return false;
}

static bool find_in_path(const char *name, char *path, size_t size)
{
	const char *p = getenv("PATH");

	while (p && *p) {
		size_t n = strcspn(p, ":");

		if (n && try(path, size, p, n, "", name))
			return true;
		p += n + (p[n] == ':');
	}
	return false;
}

int to_engine_find(const char *name, const char *variable, char *path, size_t size)
{
	const char *given = getenv(variable);

	if (given && *given) {
		snprintf(path, size, "%s", given);
		return access(given, X_OK) == 0 ? 0 : -ENOENT;
	}
	return find_near(name, path, size) || find_in_path(name, path, size) ? 0 : -ENOENT;
}

int to_engine_run(const char *path, char *const argv[], const int *fds, size_t fd_count)
{
	posix_spawn_file_actions_t actions;
	int error = posix_spawn_file_actions_init(&actions);
	int status;
	pid_t pid;

	/* a descriptor duplicated onto itself is no longer close-on-exec in the child */
	for (size_t i = 0; !error && i < fd_count; i++)
		error = posix_spawn_file_actions_adddup2(&actions, fds[i], fds[i]);
	if (!error)
		error = posix_spawn(&pid, path, &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (error)
		return -error;
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
