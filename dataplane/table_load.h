/* SPDX-License-Identifier: BSD-3-Clause */
/* Table images on their way in. */
#ifndef TURNOUT_TABLE_LOAD_H
#define TURNOUT_TABLE_LOAD_H

#include <stddef.h>
#include <turnout/table_follow.h>

/* A checked copy of the image, to be freed with free(): what is behind `path` may change or shrink
 * afterwards. Returns 0 or a negative errno with a message in `err`. */
int to_table_load(const char *path, struct to_table **table, char *err, size_t err_size);
/* Likewise, from its beginning; `fd` is the caller's. */
int to_table_load_fd(int fd, struct to_table **table, char *err, size_t err_size);

#endif
