/* SPDX-License-Identifier: BSD-3-Clause */
/* A table image in memory, and on its way to an engine or a file. */
#ifndef TURNOUT_IMAGE_H
#define TURNOUT_IMAGE_H

#include <turnout/table.h>

/* `data` is aligned to TO_TABLE_ALIGN. */
struct to_image {
	void *data;
	size_t size;
};

int to_image_alloc(struct to_image *image, size_t size);
void to_image_free(struct to_image *image);

/* A memfd with the image in it, sealed: it can neither be written nor shrink any more. The caller
 * closes it. Negative errno otherwise. */
int to_image_memfd(const struct to_image *image);

/* Replaces `path` at once: whoever reads it finds the old file or the whole new one. */
int to_image_write(const struct to_image *image, const char *path);

/* Reads and checks one. *why says what is wrong with its content; NULL: errno says it all. */
int to_image_read(const char *path, struct to_image *image, const char **why);
int to_image_read_fd(int fd, struct to_image *image, const char **why);

/* Does the file begin like an image? */
bool to_image_is(const char *path);

#endif
