/* SPDX-License-Identifier: BSD-3-Clause */
/* Which lines of a journal can be believed. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "journal.h"

#define CRC_BYTES 18 /* ,"crc":"01234567"} */

static void print_crc(char out[CRC_BYTES + 1], const char *line, size_t size)
{
	unsigned long crc = crc32(0, (const unsigned char *)line, (unsigned)size);

	snprintf(out, CRC_BYTES + 1, ",\"crc\":\"%08lx\"}", crc);
}

char *to_journal_line(const json_t *record, size_t *size)
{
	char *text = json_dumps(record, JSON_COMPACT);
	size_t n = text ? strlen(text) - 1 : 0; /* without its last brace */
	char *line = text ? malloc(n + CRC_BYTES + 2) : NULL;

	if (line) {
		memcpy(line, text, n);
		print_crc(line + n, line, n);
		line[n + CRC_BYTES] = '\n';
		line[n + CRC_BYTES + 1] = '\0';
		*size = n + CRC_BYTES + 1;
	}
	free(text);
	return line;
}

/* The record of a line with its newline, or NULL. */
static json_t *record_of(const char *line, size_t size)
{
	char crc[CRC_BYTES + 1];
	size_t n;

	if (size < CRC_BYTES + 2 || line[size - 1] != '\n')
		return NULL;
	n = size - 1 - CRC_BYTES;
	print_crc(crc, line, n);
	if (memcmp(line + n, crc, CRC_BYTES) != 0)
		return NULL;
	return json_loadb(line, size - 1, JSON_REJECT_DUPLICATES, NULL);
}

/* Does a line that is no record end with one? What was torn off while it was written does not: then
 * a line's end between two records is damaged. */
static bool hides_a_record(const char *line, size_t size)
{
	static const char begin[] = "{\"n\":";
	const char *at = line;

	while ((at = memmem(at + 1, size - 1 - (size_t)(at - line), begin, sizeof(begin) - 1))) {
		json_t *record = record_of(at, size - (size_t)(at - line));

		json_decref(record);
		if (record)
			return true;
	}
	return false;
}

static bool is_next(const json_t *record, uint64_t number)
{
	return json_integer_value(json_object_get(record, "n")) == (json_int_t)number &&
	       json_is_string(json_object_get(record, "what")) &&
	       json_is_string(json_object_get(record, "time"));
}

static int read_lines(FILE *f, to_journal_seen *seen, void *context, struct to_journal_end *end)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t n;
	int ret = 0;

	for (uint64_t number = 1; ret == 0 && (n = getline(&line, &room, f)) > 0; number++) {
		json_t *record = record_of(line, (size_t)n);

		end->size += n;
		if (!record && !end->bad_line)
			end->bad_line = number;
		if (record ? end->bad_line || !is_next(record, number)
			   : hides_a_record(line, (size_t)n)) {
			end->bad_line = end->bad_line ? end->bad_line : number;
			ret = -EBADMSG;
		} else if (record) {
			end->count = number;
			end->good = end->size;
			seen(context, record);
		}
		json_decref(record);
	}
	if (ret == 0 && ferror(f))
		ret = -EIO;
	free(line);
	return ret;
}

int to_journal_read(int fd, to_journal_seen *seen, void *context, struct to_journal_end *end)
{
	int copy = dup(fd);
	FILE *f = copy >= 0 ? fdopen(copy, "r") : NULL;
	int ret;

	*end = (struct to_journal_end){0};
	if (!f) {
		ret = -errno;
		if (copy >= 0)
			close(copy);
		return ret;
	}
	rewind(f);
	ret = read_lines(f, seen, context, end);
	fclose(f);
	return ret;
}
