/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory that goes from one process to another: images, sealed, and the region that one shows. */
#ifndef TURNOUT_ENGINE_MEMFD_H
#define TURNOUT_ENGINE_MEMFD_H

#include <turnout/region.h>
#include <turnout/table.h>

/* Can nobody change or shrink what is behind it? 0, or -EPERM with a message. */
int to_memfd_is_sealed(int fd, char *err, size_t err_size);

/* A sealed memfd of the image; the caller's. Or a negative errno. */
int to_memfd_of_table(const struct to_table *t);

/*
 * A new region: *region is mapped for us to write, *fd is for readers, who cannot. All of it zero.
 * Returns 0 or a negative errno.
 */
int to_memfd_region(struct to_region **region, int *fd);

#endif
