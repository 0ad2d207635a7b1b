/* SPDX-License-Identifier: BSD-3-Clause */
/* An engine as a child process. */
#ifndef TURNOUT_ENGINE_PROCESS_H
#define TURNOUT_ENGINE_PROCESS_H

#include <stddef.h>

/*
 * Where the program `name` is: what the environment variable `variable` says, else beside this
 * executable, in the build tree, where it is installed, in PATH. Returns 0, or -ENOENT.
 */
int to_engine_find(const char *name, const char *variable, char *path, size_t size);

/*
 * Runs it with these arguments and waits. The child has these descriptors under the same numbers,
 * and otherwise what is not close-on-exec. Returns its exit code, 128 + n when signal n killed it,
 * or a negative errno when it could not be started.
 */
int to_engine_run(const char *path, char *const argv[], const int *fds, size_t fd_count);

#endif
